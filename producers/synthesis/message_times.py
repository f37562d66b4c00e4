"""Event times as a message's field or attribute holds them, and what can be read from it again; whole columns."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from producers.devices.slots import Integers
from streaming.batches import TIMESTAMP

_UNITS = {"s": 1_000_000, "ms": 1000, "us": 1}
_DAY = 86_400_000_000
_FIRST, _LAST = (end.replace(tzinfo=UTC).timestamp() * 1_000_000.0 for end in (datetime.min, datetime.max))


def as_field(micros: Integers, kind: pa.DataType, unit: str | None) -> pa.Array:
    """Times as a field holds them; a field that is coarser than a microsecond has the step before.

    Args:
        micros: microseconds since 1970.
        kind: the field's type: a timestamp, a date, a string, or a number.
        unit: s, ms or us, for a number.
    """
    if pa.types.is_string(kind):
        return as_text(pa.array(micros))
    if pa.types.is_timestamp(kind):
        return pa.array(micros // _UNITS[kind.unit]).cast(kind)
    if pa.types.is_date(kind):
        return pa.array((micros // _DAY).astype(np.int32)).cast(kind)
    factor = _UNITS[str(unit)]
    return pa.array(micros / factor if pa.types.is_floating(kind) else micros // factor).cast(kind)


def of_field(values: pa.Array, unit: str | None) -> pa.TimestampArray:
    """The times that a field's values mean; null where one means none. Local timestamps count as UTC."""
    kind = values.type
    if pa.types.is_string(kind):
        return of_text(values)
    if pa.types.is_floating(kind):
        rough = pc.round(pc.multiply(values, float(_UNITS[str(unit)])))
        return _times(rough.cast(pa.int64(), safe=False), rough)
    factor = _DAY if pa.types.is_date(kind) else _UNITS[kind.unit if pa.types.is_timestamp(kind) else str(unit)]
    numbers = values.cast(pa.int32()).cast(pa.int64()) if pa.types.is_date(kind) else values.cast(pa.int64())
    return _times(pc.multiply(numbers, factor), pc.multiply(numbers.cast(pa.float64(), safe=False), float(factor)))


def as_text(micros: pa.Int64Array, zone: str = "Z") -> pa.StringArray:
    """RFC 3339 texts, to the microsecond."""
    spaced = micros.cast(pa.timestamp("us")).cast(pa.string())
    return pc.binary_join_element_wise(pc.utf8_replace_slice(spaced, 10, 11, "T"), zone, "")


def of_text(texts: pa.StringArray) -> pa.TimestampArray:
    """The times that RFC 3339 texts mean; null where one means none."""
    try:
        return texts.cast(TIMESTAMP)
    except pa.ArrowInvalid:  # one of them is none
        return pa.array([None if text is None else _moment(text) for text in texts.to_pylist()], TIMESTAMP)


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None


def _times(micros: pa.Int64Array, rough: pa.DoubleArray) -> pa.TimestampArray:
    """The times of these microseconds; null where there is no such time, as the rough numbers tell."""
    return pc.if_else(pc.and_(pc.greater(rough, _FIRST), pc.less(rough, _LAST)), micros, None).cast(TIMESTAMP)
