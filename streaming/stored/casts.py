"""Columns of stored data to the types of the message schema's fields, by the rules of plain JSON, a column at a time.

Whole numbers may be written as floating-point ones and the other way round; a timestamp may be one of any unit, a
number in the schema's own unit, or an RFC 3339 text; a date a number of days. Nothing else is turned into another kind.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from streaming.batches import Failure
from streaming.features import scalar_rows
from streaming.formats import rfc3339
from streaming.formats.avro_types import AvroType, scalar_of
from streaming.formats.decoded import failure
from streaming.formats.json_values import UnfitValueError, plain_json
from streaming.schema import SchemaField

Mask = npt.NDArray[np.bool_]
Cast = tuple[pa.Array, Mask]
"""Values of the wanted type, one for each that there was, and which of them are wrong."""

_EXACT = 2**53  # up to here every whole float is one integer, and no other
_RANGES = {32: (-(2**31), 2**31 - 1), 64: (-(2**63), 2**63 - 1)}


def can_fill(column: pa.DataType, field: SchemaField) -> bool:
    """Whether a column of this type can fill the field, if its values fit."""
    kind = _logical(column)
    if pa.types.is_null(kind):
        return field.nullable
    if pa.types.is_nested(kind) or pa.types.is_nested(field.type):
        if not (is_list(kind) and pa.types.is_nested(field.type)):
            return False
        item = _logical(kind.value_type)
        return pa.types.is_null(item) or _scalar_fills(item, scalar_of(field.avro), field.type.value_type)
    return _scalar_fills(kind, field.avro, field.type)


def fitted(column: pa.Array, field: SchemaField) -> tuple[pa.Array, dict[int, Failure]]:
    """The column as the field's type has it, and why rows of it do not fit; those are null.

    Args:
        column: of a type that can fill the field.
        field: of the message schema.
    """
    column = plain(column)
    values, wrong = _fit_lists(column, field) if is_list(column.type) else _fit(column, field.avro, field.type)
    if not field.nullable and column.null_count:
        wrong = wrong | _nulls(column)
    if not wrong.any():
        return values, {}
    why = {int(row): _why(column[int(row)], field) for row in np.flatnonzero(wrong)}
    return pc.if_else(pa.array(wrong), pa.scalar(None, values.type), values), why


def _logical(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def is_list(kind: pa.DataType) -> bool:
    """Whether these are lists, of any layout."""
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


def is_text(kind: pa.DataType) -> bool:
    """Whether these are texts, of any layout."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def is_bytes(kind: pa.DataType) -> bool:
    """Whether these are bytes, of any layout."""
    fixed = pa.types.is_fixed_size_binary(kind)
    return bool(fixed or pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind))


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _scalar_fills(kind: pa.DataType, avro: AvroType, wanted: pa.DataType) -> bool:
    if pa.types.is_timestamp(wanted):
        zoned = wanted.tz is not None
        return bool(pa.types.is_timestamp(kind) or _is_number(kind) or (zoned and is_text(kind)))
    if pa.types.is_date(wanted):
        return bool(pa.types.is_date(kind) or _is_number(kind))
    if pa.types.is_floating(wanted):
        return bool(_is_number(kind) or pa.types.is_decimal(kind))
    if pa.types.is_integer(wanted):
        return _is_number(kind)
    if pa.types.is_boolean(wanted):
        return bool(pa.types.is_boolean(kind))
    return is_bytes(kind) if avro.kind == "bytes" else is_text(kind)


def plain(column: pa.Array) -> pa.Array:
    """The column without the encodings that make no difference to its values."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_decimal(column.type):
        return column.cast(pa.string()).cast(pa.float64())  # straight, 7.39 would be 7.390000000000001
    if pa.types.is_date64(column.type):
        return column.cast(pa.date32())
    if is_list(column.type) and not pa.types.is_list(column.type):
        return column.cast(pa.list_(column.type.value_type))
    return column


def _nulls(column: pa.Array) -> Mask:
    mask: Mask = column.is_null().to_numpy(zero_copy_only=False)
    return mask


def _all_right(values: pa.Array) -> Cast:
    return values, np.zeros(len(values), bool)


def _fit_lists(column: pa.Array, field: SchemaField) -> Cast:
    """As `_fit`, of lists; a null among a list's items is wrong."""
    items = plain(column.flatten())
    flat, wrong_items = _fit(items, scalar_of(field.avro), field.type.value_type)
    wrong = np.zeros(len(column), bool)
    wrong[scalar_rows(column)[wrong_items | _nulls(items)]] = True
    offsets = np.zeros(len(column) + 1, np.int32)
    np.cumsum(pc.list_value_length(column).fill_null(0), out=offsets[1:])
    mask = column.is_null() if column.null_count else None
    return pa.ListArray.from_arrays(pa.array(offsets), flat, mask=mask).cast(field.type), wrong


def _fit(values: pa.Array, avro: AvroType, wanted: pa.DataType) -> Cast:
    """Scalars cast to `wanted`; nulls stay, and are not wrong."""
    if pa.types.is_null(values.type):
        return _all_right(pa.nulls(len(values), wanted))
    cast = _caster(wanted)
    fit, wrong = cast(values, wanted)
    if avro.kind == "enum":
        wrong = wrong | ~pc.or_kleene(pc.is_in(fit, pa.array(avro.symbols, pa.string())), fit.is_null()).to_numpy(
            zero_copy_only=False
        )
    return fit, wrong


def _caster(wanted: pa.DataType) -> Callable[[pa.Array, pa.DataType], Cast]:
    if pa.types.is_timestamp(wanted):
        return _to_timestamps
    if pa.types.is_integer(wanted) or pa.types.is_date(wanted):
        return _to_integers
    if pa.types.is_floating(wanted):
        return _to_floats
    if pa.types.is_boolean(wanted):
        return _to_booleans
    return _to_texts if pa.types.is_string(wanted) else _as_they_are


def _as_they_are(values: pa.Array, wanted: pa.DataType) -> Cast:
    return _all_right(values.cast(wanted))


def _to_booleans(values: pa.Array, wanted: pa.DataType) -> Cast:
    """Booleans, or 0 and 1, as a `tf.Example` has them."""
    if values.type == wanted:
        return _all_right(values)
    known = pc.or_(pc.equal(values, 0), pc.equal(values, 1)).fill_null(True)
    return pc.equal(values, 1), ~known.to_numpy(zero_copy_only=False)


def _to_integers(values: pa.Array, wanted: pa.DataType) -> Cast:
    """Integers in range, and whole floats that are one integer."""
    if values.type == wanted:
        return _all_right(values)
    numbers = values.fill_null(0).to_numpy(zero_copy_only=False)
    low, high = _RANGES[wanted.bit_width]
    wrong = (numbers < low) | (numbers > high)
    if pa.types.is_floating(values.type):
        wrong = ~(np.isfinite(numbers) & (np.trunc(numbers) == numbers) & (np.abs(numbers) <= _EXACT)) | wrong
    whole = np.where(wrong, 0, numbers).astype(np.int32 if wanted.bit_width == 32 else np.int64)
    return pa.array(whole, mask=_nulls(values)).view(wanted), wrong


def _to_floats(values: pa.Array, wanted: pa.DataType) -> Cast:
    if values.type == wanted:
        return _all_right(values)
    cast = values.cast(wanted, safe=False)  # the nearest one, as of an integer above 2**53
    if not pa.types.is_float32(wanted):
        return _all_right(cast)
    infinite = pc.and_(pc.is_inf(cast), pc.is_finite(values)) if pa.types.is_floating(values.type) else pc.is_inf(cast)
    return cast, infinite.fill_null(False).to_numpy(zero_copy_only=False)


def _to_texts(values: pa.Array, wanted: pa.DataType) -> Cast:
    """Texts, of which those are wrong that are not UTF-8: neither Parquet nor a `tf.Example` promises it."""
    try:
        values.validate(full=True)
        return _all_right(values.cast(wanted))
    except pa.ArrowInvalid:
        raw = values.cast(pa.large_binary())
        wrong = np.array([each is not None and not _is_utf8(each) for each in raw.to_pylist()])
        return pc.if_else(pa.array(wrong), None, raw).cast(wanted), wrong


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _to_timestamps(values: pa.Array, wanted: pa.DataType) -> Cast:
    """Instants in the schema's unit: finer ones are cut off downwards, as of a text."""
    if is_text(values.type):
        values = values.cast(pa.string())
        times = rfc3339.parse_column(values)
        fit, _ = _to_timestamps(times, wanted)
        return fit, pc.and_(times.is_null(), values.is_valid()).to_numpy(zero_copy_only=False)
    if _is_number(values.type):
        numbers, wrong = _to_integers(values, pa.int64())
        return numbers.view(wanted), wrong
    numbers = values.view(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
    have, want = rfc3339.PER_SECOND[values.type.unit], rfc3339.PER_SECOND[wanted.unit]
    factor = max(1, want // have)
    wrong = (numbers > (2**63 - 1) // factor) | (numbers < -(2**63 // factor))
    scaled = np.where(wrong, 0, numbers) * (want // have) if want >= have else numbers // (have // want)
    return pa.array(scaled, mask=_nulls(values)).view(wanted), wrong


def _why(value: pa.Scalar, field: SchemaField) -> Failure:
    """Why a value does not fit its field, in the words that the same value has in JSON."""
    try:
        plain_json(field.avro, field.nullable)(_in_json(value.as_py()))
    except UnfitValueError as error:
        return failure(error.error_class, f"field {field.name}: {error}")
    except UnicodeDecodeError as error:
        return failure("NotUtf8", f"field {field.name}: a string is not UTF-8: {error.reason}")
    except (OverflowError, ValueError):
        pass  # a timestamp that Python does not have
    return failure("OutOfRange", f"field {field.name}: the value does not fit {field.type}")


def _in_json(value: Any) -> Any:
    """The value as JSON has it; in the place of bytes, dates and times, which it has not, others that fit, too."""
    if isinstance(value, list):
        return [_in_json(item) for item in value]
    if isinstance(value, bytes | date):
        return "" if isinstance(value, bytes) else 0
    return float(value) if isinstance(value, Decimal) else value
