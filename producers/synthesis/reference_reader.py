"""A reader of messages that shares nothing with the job's own: it tells what must come of odd payloads.

It is slow and plain: fastavro and Python's `json`, one message at a time.
"""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

import fastavro

from producers.synthesis.payloads import Encoding
from streaming.features import LARGEST_FLOAT32
from streaming.formats.avro_types import AvroType, physical_schema
from streaming.schema import MessageSchema, SchemaField

Record = Mapping[str, Any]
"""Values by field; a timestamp is its number in its own unit, a date its number of days."""

_RANGES = {"int": range(-(2**31), 2**31), "long": range(-(2**63), 2**63)}
_TYPES: Mapping[str, Any] = {
    "boolean": bool,
    "int": int,
    "long": int,
    "float": (int, float),
    "double": (int, float),
    "string": str,
    "enum": str,
    "bytes": str,
    "array": list,
}
_EPOCH = datetime(1970, 1, 1)
_EXACT = 2**53  # up to here every whole float is one integer, and no other


def reference_reader(schema: MessageSchema, encoding: Encoding) -> Callable[[bytes], Record | None]:
    """What reads a payload: the values of the schema's usable fields, or None if it is no whole message."""
    if encoding == "avro":
        return _binary_reader(schema)
    return _json_reader(schema, tagged=encoding == "avro_json")


def _binary_reader(schema: MessageSchema) -> Callable[[bytes], Record | None]:
    form = fastavro.parse_schema(json.loads(physical_schema(schema.record)))

    def read(payload: bytes) -> Record | None:
        stream = io.BytesIO(payload)
        try:
            record = fastavro.schemaless_reader(stream, form)
        except (EOFError, IndexError, ValueError):
            return None
        whole = stream.tell() == len(payload) and all(_in_range(each.avro, record[each.name]) for each in schema.fields)
        return {each.name: record[each.name] for each in schema.fields} if whole else None

    return read


def _json_reader(schema: MessageSchema, tagged: bool) -> Callable[[bytes], Record | None]:
    def read(payload: bytes) -> Record | None:
        try:
            record = json.loads(payload, parse_constant=_refuse)
            return _fields(schema, record, tagged) if isinstance(record, dict) else None
        except (ValueError, TypeError, LookupError):  # not JSON, another type or value, or no such field
            return None

    return read


def _fields(schema: MessageSchema, record: Record, tagged: bool) -> Record:
    return {field.name: _field(field, record, tagged) for field in schema.fields}


def _field(field: SchemaField, record: Record, tagged: bool) -> Any:
    if field.name not in record:
        if field.has_default or (field.nullable and not tagged):
            return field.default
        raise LookupError(field.name)
    value = record[field.name]
    if field.nullable and value is None:
        return None
    if field.nullable and tagged:
        if not isinstance(value, dict) or list(value) != [field.avro.tag]:
            raise TypeError(f"{value!r} is not tagged {field.avro.tag}")
        value = value[field.avro.tag]
    return _value(field.avro, value, tagged)


def _value(avro: AvroType, value: Any, tagged: bool) -> Any:
    if not tagged:
        value = _from_plain(avro, value)
    if not isinstance(value, _TYPES[avro.kind]) or (isinstance(value, bool) and avro.kind != "boolean"):
        raise TypeError(f"{value!r} is no {avro.kind}")
    if avro.kind == "array":
        return [_value(avro.parts[0], item, tagged) for item in value]
    if not _in_range(avro, value) or (avro.kind == "enum" and value not in avro.symbols):
        raise ValueError(f"{value!r} is no {avro.kind}")
    if avro.kind == "float" and abs(value) > LARGEST_FLOAT32:
        raise ValueError(f"{value!r} is no float")
    if avro.kind == "bytes":
        return value.encode("iso-8859-1") if tagged else base64.b64decode(value, validate=True)
    return value


def _from_plain(avro: AvroType, value: Any) -> Any:
    """A value of plain JSON as Avro's JSON encoding has it: times and dates as numbers, and these as integers."""
    if avro.logical == "date" and isinstance(value, str):
        return (date.fromisoformat(value) - _EPOCH.date()).days
    if "timestamp" in avro.logical and isinstance(value, str):
        return _micros(value, avro.logical.startswith("local")) // (1000 if avro.logical.endswith("millis") else 1)
    if avro.kind in _RANGES and isinstance(value, float) and value.is_integer() and abs(value) <= _EXACT:
        return int(value)
    return value


def _micros(text: str, local: bool) -> int:
    moment = datetime.fromisoformat(text)
    if (moment.tzinfo is None) != local:
        raise ValueError(f"{text!r} has {'no' if moment.tzinfo is None else 'a'} time zone")
    return (moment.replace(tzinfo=None) - (moment.utcoffset() or timedelta()) - _EPOCH) // timedelta(microseconds=1)


def _in_range(avro: AvroType, value: Any) -> bool:
    """Whether whole numbers are within their type; fastavro reads an int as a long."""
    if avro.kind == "array":
        return all(_in_range(avro.parts[0], item) for item in value or ())
    return avro.kind not in _RANGES or value is None or value in _RANGES[avro.kind]


def _refuse(constant: str) -> None:
    raise ValueError(f"JSON has no {constant}")
