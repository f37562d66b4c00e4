"""Rows of Parquet files and tables: columns to field columns, envelopes' attributes and publish times."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from streaming.batches import TIMESTAMP, Failure
from streaming.formats import rfc3339
from streaming.formats.decoded import Decoded, columns_schema, failure
from streaming.results import as_text
from streaming.schema import SchemaField
from streaming.stored.casts import can_fill, fitted


def read_rows(rows: pa.RecordBatch, fields: Sequence[SchemaField]) -> Decoded:
    """The field columns of the rows, by name, as plain JSON of the same values would be decoded."""
    columns, failures = [], dict[int, Failure]()
    for field in fields:
        column, wrong = _read(rows, field)
        columns.append(column)
        failures = wrong | failures  # of two, the first field's is told
    return Decoded(pa.RecordBatch.from_arrays(columns, schema=columns_schema(fields)), failures)


def _read(rows: pa.RecordBatch, field: SchemaField) -> tuple[pa.Array, dict[int, Failure]]:
    index = rows.schema.get_field_index(field.name)
    if index < 0:
        return absent(field, rows.num_rows)
    column = rows.column(index)
    if can_fill(column.type, field):
        return fitted(column, field)
    wrong = failure("WrongType", f"field {field.name}: a column of {column.type}, not of {field.type}")
    return pa.nulls(rows.num_rows, field.type), dict.fromkeys(range(rows.num_rows), wrong)


def absent(field: SchemaField, rows: int) -> tuple[pa.Array, dict[int, Failure]]:
    """A field that no row has: its default, or null, or so many failures."""
    if field.has_default or field.nullable:
        return default_column(field, rows), {}
    missing = failure("MissingField", f"field {field.name}: missing, and it has no default")
    return pa.nulls(rows, field.type), dict.fromkeys(range(rows), missing)


def default_column(field: SchemaField, rows: int) -> pa.Array:
    """The field's default in so many rows; null where it has none."""
    return pa.array([field.default], field.type).take(pa.array(np.zeros(rows, np.int64)))


def publish_times(column: pa.Array | None, rows: int, published: int) -> pa.TimestampArray:
    """When each row was published: its own time if that is `writable`, or else `published`, microseconds since 1970."""
    usual = pa.scalar(published, TIMESTAMP)
    if column is None or not pa.types.is_timestamp(column.type):
        return pa.repeat(usual, rows)
    unit_only = column.view(pa.timestamp(column.type.unit, "UTC"))
    return rfc3339.writable(unit_only).cast(TIMESTAMP, safe=False).fill_null(usual)


def to_attributes(columns: dict[str, pa.Array], rows: int) -> pa.MapArray:
    """The attributes of each row: the columns' texts by their names, without nulls."""
    count = len(columns)
    if count == 0:
        nothing = pa.array([], pa.string())
        return pa.MapArray.from_arrays(pa.array(np.zeros(rows + 1, np.int32)), nothing, nothing)
    by_row = pa.array(np.arange(count * rows).reshape(count, rows).T.ravel())
    values = pa.concat_arrays([as_text(column) for column in columns.values()]).take(by_row)
    keys = pa.array(list(columns), pa.string()).take(pa.array(np.tile(np.arange(count), rows)))
    known = values.is_valid()
    offsets = np.zeros(rows + 1, np.int32)
    np.cumsum(known.to_numpy(zero_copy_only=False).reshape(rows, count).sum(1), out=offsets[1:])
    return pa.MapArray.from_arrays(pa.array(offsets), keys.filter(known), values.filter(known))


def is_attribute(kind: pa.DataType) -> bool:
    """Whether a column of this type can fill an attribute."""
    text = pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_dictionary(kind)
    return bool(text or pa.types.is_integer(kind) or pa.types.is_boolean(kind) or pa.types.is_timestamp(kind))
