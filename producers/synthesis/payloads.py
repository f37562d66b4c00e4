"""Payloads: what messages say in Avro binary, in Avro's JSON encoding, or in plain JSON; whole columns at once."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable
from typing import Any, Literal

import fastavro
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyruhvro

from producers.synthesis import message_times
from producers.synthesis.zeros import json_zero, zero
from streaming.formats.avro_types import SCALARS, AvroType, physical_schema
from streaming.schema import MessageSchema, SchemaField, physical_type

Encoding = Literal["avro", "avro_json", "json"]
"""Avro binary, Avro's own JSON encoding, or plain JSON with times as RFC 3339 texts."""

Encode = Callable[[pa.RecordBatch], pa.LargeBinaryArray]
"""The payloads of messages, from a column for each usable field of their schema, in its order."""


def encoder(schema: MessageSchema, encoding: Encoding) -> Encode:
    """What encodes messages of the schema; fields that can have no column are null, or else a zero of their type."""
    if encoding == "avro":
        return _whole_batches(schema) if _is_flat(schema) else _avro_binary(schema)
    return _json(schema, tagged=encoding == "avro_json")


def datum(schema: Any, value: Any) -> bytes:
    """One datum in Avro binary.

    Args:
        schema: as `fastavro.parse_schema` has made it.
        value: of it.
    """
    stream = io.BytesIO()
    fastavro.schemaless_writer(stream, schema, value)
    return stream.getvalue()


def _is_flat(schema: MessageSchema) -> bool:
    """Whether pyruhvro writes records of the schema: it fails on bytes, and what has no column is not for it."""
    kinds = {field.avro.kind for field in schema.fields}
    return not schema.unusable and kinds <= SCALARS - {"bytes"}


def _whole_batches(schema: MessageSchema) -> Encode:
    form = physical_schema(schema.record)

    def encode(fields: pa.RecordBatch) -> pa.LargeBinaryArray:
        (payloads,) = pyruhvro.serialize_record_batch(_physical(fields), form, 1)
        return payloads.cast(pa.large_binary())

    return encode


def _avro_binary(schema: MessageSchema) -> Encode:
    form = fastavro.parse_schema(json.loads(physical_schema(schema.record)))
    rest = {name: zero(avro) for name, avro in _unusable(schema)}

    def encode(fields: pa.RecordBatch) -> pa.LargeBinaryArray:
        records = _physical(fields).to_pylist()
        return pa.array([datum(form, record | rest) for record in records], pa.large_binary())

    return encode


def _json(schema: MessageSchema, tagged: bool) -> Encode:
    rest = {name: json_zero(avro) for name, avro in _unusable(schema)}
    names = [field.name for field in schema.fields]
    values, text = (_tagged, _latin_1) if tagged else (_plain, _base64)

    def encode(fields: pa.RecordBatch) -> pa.LargeBinaryArray:
        columns = [values(each, fields.column(each.name)) for each in schema.fields]
        records = [dict(zip(names, row, strict=True)) | rest for row in zip(*columns, strict=True)]
        texts = [_dumps(*each, text) for each in zip(records, _finite(fields), strict=True)]
        return pa.array(texts, pa.large_binary())

    return encode


def _dumps(record: Any, finite: bool, text: Callable[[bytes], str]) -> bytes:
    if finite:
        return orjson.dumps(record, default=text)
    # orjson would make null of NaN; devices in Python write what JSON does not have.
    return json.dumps(record, default=text, separators=(",", ":"), ensure_ascii=False).encode()


def _latin_1(value: bytes) -> str:
    return value.decode("iso-8859-1")


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _finite(fields: pa.RecordBatch) -> list[bool]:
    """Whether each row holds nothing but finite numbers."""
    finite = pa.array([True] * fields.num_rows, pa.bool_())
    for column in fields.columns:
        if pa.types.is_floating(column.type):
            finite = pc.and_(finite, pc.is_finite(column).fill_null(True))
    return finite.to_pylist()


def _unusable(schema: MessageSchema) -> list[tuple[str, AvroType]]:
    parts = zip(schema.record.fields, schema.record.parts, strict=True)
    return [(name, avro) for name, avro in parts if name in schema.unusable]


def _physical(fields: pa.RecordBatch) -> pa.RecordBatch:
    """The fields as what stands in the bytes: a timestamp is its number in its own unit, a date its number of days."""
    return pa.RecordBatch.from_arrays([_numbers(column) for column in fields.columns], names=fields.schema.names)


def _numbers(column: pa.Array) -> pa.Array:
    return column.cast(physical_type(column.type))


def _tagged(field: SchemaField, column: pa.Array) -> list[Any]:
    """The field's values in Avro's JSON encoding: each that is not null under its type's name, if it may be null."""
    values: list[Any] = _numbers(column).to_pylist()
    if not field.nullable:
        return values
    return [None if value is None else {field.avro.tag: value} for value in values]


def _plain(_: SchemaField, column: pa.Array) -> list[Any]:
    """The field's values in plain JSON: times and dates are texts."""
    if pa.types.is_timestamp(column.type):
        micros = column.cast(pa.timestamp("us", column.type.tz)).cast(pa.int64())
        column = message_times.as_text(micros, "Z" if column.type.tz else "")
    elif pa.types.is_date(column.type):
        column = column.cast(pa.string())
    return list(_numbers(column).to_pylist())
