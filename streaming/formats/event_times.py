"""Event times as devices send them - timestamps, dates, numbers, texts - to microseconds since 1970, whole columns."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from streaming.formats import rfc3339

UNITS: Mapping[str, int] = {"s": 1_000_000, "ms": 1000, "us": 1}
"""The units of times, in microseconds."""

_DAY = 86_400 * 1_000_000
_MILLISECONDS = r"^-?[0-9]{1,18}$"  # as many digits as surely fit 64 bits
_FURTHEST = 2**63 - 1024  # the last float64 before 2**63


def has_no_unit(kind: pa.DataType) -> bool:
    """Whether a column of this type says nothing about its unit."""
    return bool(kind in (pa.int32(), pa.int64(), pa.float64()))


def is_readable(kind: pa.DataType) -> bool:
    """Whether `read_field` reads columns of this type."""
    return has_no_unit(kind) or bool(pa.types.is_timestamp(kind) or kind in (pa.date32(), pa.string()))


def read_field(values: pa.Array, unit: str | None) -> pa.Int64Array:
    """The microseconds since 1970 that each value means; null where it is null or means none.

    What lies beyond 64 bits becomes the nearest that does not, 292,000 years away. Local timestamps count as UTC.

    Args:
        values: a column of a readable type.
        unit: s, ms or us, for numbers.
    """
    if pa.types.is_string(values.type):
        return rfc3339.parse_column(values).cast(pa.int64())
    if pa.types.is_timestamp(values.type):
        return _scaled(values.cast(pa.int64()), UNITS[values.type.unit])
    if pa.types.is_date(values.type):
        return _scaled(values.cast(pa.int32()).cast(pa.int64()), _DAY)
    if pa.types.is_floating(values.type):
        return _rounded(values, UNITS[str(unit)])
    return _scaled(values.cast(pa.int64()), UNITS[str(unit)])


def read_attribute(texts: pa.StringArray) -> pa.Int64Array:
    """As `read_field`, for an attribute: RFC 3339, or a whole number of milliseconds since 1970.

    This is what Beam's `ReadFromPubSub` reads from its `timestamp_attribute`.
    """
    numeric = pc.match_substring_regex(texts, _MILLISECONDS)
    milliseconds = pc.if_else(numeric, texts, None).cast(pa.int64())
    if milliseconds.null_count == texts.null_count:
        return _scaled(milliseconds, UNITS["ms"])
    return pc.coalesce(_scaled(milliseconds, UNITS["ms"]), read_field(pc.if_else(numeric, None, texts), None))


def _scaled(values: pa.Int64Array, factor: int) -> pa.Int64Array:
    """Each value times `factor`, without wrapping around."""
    most = (2**63 - 1) // factor
    products = np.clip(values.fill_null(0).to_numpy(), -most, most) * factor
    return pa.array(products, mask=values.is_null().to_numpy(zero_copy_only=False))


def _rounded(values: pa.DoubleArray, factor: int) -> pa.Int64Array:
    numbers = values.fill_null(np.nan).to_numpy()
    finite = np.isfinite(numbers)
    with np.errstate(over="ignore"):  # it becomes infinite, and is clipped
        products = np.clip(np.where(finite, numbers, 0.0) * factor, -_FURTHEST, _FURTHEST)
    return pa.array(np.rint(products).astype(np.int64), mask=~finite)
