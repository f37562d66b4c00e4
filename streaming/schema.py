"""The message schema: one Avro schema, the type contract of Avro binary, Avro JSON and plain JSON messages."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import fastavro
import pyarrow as pa

from streaming.errors import Mistakes
from streaming.files import read_file
from streaming.formats.avro_resolver import resolve_record
from streaming.formats.avro_types import SCALARS, AvroType, split_nullable
from streaming.formats.json_values import UnfitValueError, avro_json

_COLUMN_TYPES = {
    "boolean": pa.bool_(),
    "int": pa.int32(),
    "long": pa.int64(),
    "float": pa.float32(),
    "double": pa.float64(),
    "bytes": pa.binary(),
    "string": pa.string(),
    "enum": pa.string(),
    "date": pa.date32(),
    "timestamp-millis": pa.timestamp("ms", tz="UTC"),
    "timestamp-micros": pa.timestamp("us", tz="UTC"),
    "local-timestamp-millis": pa.timestamp("ms"),
    "local-timestamp-micros": pa.timestamp("us"),
}
"""The column type of each usable Avro type, by its logical type if it has one."""


def physical_type(column: pa.DataType) -> pa.DataType:
    """The type of what stands in the bytes: a timestamp is a number in its own unit, a date one of days since 1970."""
    if pa.types.is_list(column):
        return pa.list_(physical_type(column.value_type))
    if pa.types.is_timestamp(column):
        return pa.int64()
    return pa.int32() if pa.types.is_date(column) else column


@dataclass(frozen=True)
class SchemaField:
    """A usable field of the message schema: it becomes the column `field:<name>`.

    Attributes:
        name: the field's name.
        type: the column's type; `list_` of a scalar for an array.
        nullable: whether the schema allows null.
        avro: the Avro type beside null.
        has_default: whether JSON may leave the field out.
        default: the value then, as `streaming.formats.json_values` makes it.
        aliases: its names in Avro files of other schemas.
    """

    name: str
    type: pa.DataType
    nullable: bool
    avro: AvroType
    has_default: bool = False
    default: Any = None
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class MessageSchema:
    """What a message holds.

    Attributes:
        fields: the fields that become columns, in the schema's order.
        unusable: the others, which are decoded but have no column, by name: why they have none, as in `a map`.
        record: the whole schema, as both forms of Avro binary decoders are made from.
    """

    fields: tuple[SchemaField, ...]
    unusable: Mapping[str, str]
    record: AvroType

    def field(self, name: str) -> SchemaField | None:
        """The usable field `name`, if there is one."""
        return next((field for field in self.fields if field.name == name), None)


def load_schema(path: str) -> MessageSchema:
    """The Avro schema at `path` (local or gs://).

    Raises:
        Mistakes: it cannot be read, is not Avro, is dangerous to decode, or has no usable field; all that is wrong.
    """
    return parse_schema(read_file(path, "message.schema").decode("utf-8", errors="replace"), path)


def parse_schema(text: str, path: str) -> MessageSchema:
    """As `load_schema`, from the file's text; `path` is where it lies."""
    document = _record_document(text, path)
    try:
        record, mistakes = resolve_record(document)
    except Exception as error:  # fastavro raises whatever its walk over a malformed schema meets
        raise Mistakes(f"{path}: {line}" for line in _not_avro(document, error)) from error
    parts = list(zip(document["fields"], record.parts, strict=True))
    unusable = {field["name"]: why for field, avro in parts if (why := _why_unusable(avro))}
    fields = [_usable(field, avro, mistakes) for field, avro in parts if field["name"] not in unusable]
    if not fields:
        listed = ", ".join(f"{name} is {why}" for name, why in unusable.items()) or "it has none"
        mistakes.append(f"no field can become a column ({listed}); add a scalar")
    if mistakes:
        raise Mistakes(f"{path}: {line}" for line in mistakes)
    return MessageSchema(tuple(fields), unusable, record)


def _record_document(text: str, path: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Mistakes([f"{path}: not JSON: {error}"]) from error
    if not isinstance(document, dict) or document.get("type") != "record":
        raise Mistakes([f'{path}: a message schema is an Avro record; write {{"type": "record", "name": ...}}'])
    if not isinstance(document.get("fields"), list):
        raise Mistakes([f"{path}: the record has no list of fields; add it"])
    return document


def _not_avro(document: dict[str, Any], error: Exception) -> Iterator[str]:
    """What fastavro has against each field in turn, or else against the whole."""
    sound: list[Any] = []
    found = False
    for position, field in enumerate(document["fields"]):
        try:
            fastavro.parse_schema({**document, "fields": [*sound, field]})
            sound.append(field)
        except Exception as field_error:  # noqa: BLE001 - as in parse_schema; here it becomes a line of the mistakes
            found = True
            name = field.get("name") if isinstance(field, dict) else None
            yield f"field {name or position}: {_fastavro_says(field_error)}"
    if not found:
        yield _fastavro_says(error)


def _fastavro_says(error: Exception) -> str:
    message = " ".join(str(error).split())
    if isinstance(error, fastavro.schema.UnknownType):
        return f"unknown type {message}; define it before it is used"
    if isinstance(error, KeyError):
        return f"not Avro: {message} is missing"
    if isinstance(error, fastavro.schema.SchemaParseException):
        return f"not Avro: {message}"
    return 'not Avro: a type is a name, a list of types, or an object such as {"type": "array", "items": "double"}'


def _why_unusable(avro: AvroType) -> str | None:
    inner, _ = split_nullable(avro)
    if inner.kind == "array":
        item = _without_column(inner.parts[0])
        return item and f"an array whose items are {item}"
    return _without_column(inner)


def _without_column(avro: AvroType) -> str | None:
    """What a type that has no column is called; None for one that has."""
    if avro.logical == "decimal":
        return "a decimal"
    if avro.kind in SCALARS:
        return None
    return {"null": "nulls only", "record": "a nested record", "array": "an array"}.get(avro.kind, f"a {avro.kind}")


def _usable(field: Mapping[str, Any], avro: AvroType, mistakes: list[str]) -> SchemaField:
    inner, nullable = split_nullable(avro)
    default = field.get("default")
    if default is not None:
        try:
            default = avro_json(inner)(default)
        except UnfitValueError as error:
            mistakes.append(f"field {field['name']}: its default does not fit: {error}")
    aliases = tuple(map(str, field.get("aliases", ())))
    return SchemaField(field["name"], _column_type(inner), nullable, inner, "default" in field, default, aliases)


def _column_type(avro: AvroType) -> pa.DataType:
    if avro.kind == "array":
        return pa.list_(_column_type(avro.parts[0]))
    return _COLUMN_TYPES[avro.logical or avro.kind]
