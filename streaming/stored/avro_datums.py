"""Records of an Avro file as datums of the job's schema, whatever schema the file was written with.

Where both lay out the same bytes, a datum is taken as it stands. Else the job's fields are found by their names or
aliases, numbers are promoted, and the datum is written anew. Of what else Avro's schema resolution knows, a file is
refused at launch where it would need an enum's default, or a text for bytes.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import fastavro

from streaming.errors import one_line
from streaming.formats.avro_resolver import resolve_record
from streaming.formats.avro_types import AvroType, fewest_bytes, physical_schema, scalar_of
from streaming.schema import MessageSchema, SchemaField

DatumReader = Callable[[io.BytesIO], bytes]
"""Reads a record from a stream and gives it as a payload.

Raises EOFError, IndexError, ValueError or OverflowError where there is none.
"""

_PROMOTIONS = {
    "int": ("long", "float", "double"),
    "long": ("float", "double"),
    "float": ("double",),
}
_ANY_TEXT = {"string": AvroType("bytes")}
_ANY_VALUE = {"string": AvroType("bytes"), "enum": AvroType("long")}


class UnreadableSchemaError(Exception):
    """Why a file's records cannot be read, one line for each reason; the file is to be named before each."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        super().__init__("; ".join(lines))


def datum_reader(document: object, schema: MessageSchema | None) -> DatumReader:
    """What gives payloads of the job's schema; without one, of the file's own.

    Args:
        document: the file's schema, as JSON gives it.
        schema: the job's.

    Raises:
        UnreadableSchemaError: the file holds no records, or some that are dangerous to read or no such datums.
    """
    if not isinstance(document, dict) or document.get("type") != "record":
        raise UnreadableSchemaError(["holds no Avro records; write each as a record"])
    written = _record(document)
    if schema is None:
        return _as_they_stand(written)
    written = _renamed(written, schema)
    types = [field["type"] for field in document["fields"]]
    wrong = list(_misfits(written, types, schema))
    if wrong:
        raise UnreadableSchemaError(wrong)
    if physical_schema(written) == physical_schema(schema.record):
        return _as_they_stand(written)
    return _written_anew(written, schema)


def _record(document: dict[str, Any]) -> AvroType:
    try:
        record, mistakes = resolve_record(document)
    except Exception as error:  # fastavro raises whatever its walk over a malformed schema meets
        raise UnreadableSchemaError([f"its schema is not Avro: {one_line(error)}"]) from error
    if mistakes:
        raise UnreadableSchemaError(mistakes)
    if fewest_bytes(record) == 0:
        raise UnreadableSchemaError(["its records have no bytes: a few could claim any number; write some fields"])
    return record


def _renamed(written: AvroType, schema: MessageSchema) -> AvroType:
    """The file's record, with the job's name for each field that the file has under an alias."""
    lacking = [field for field in schema.fields if field.name not in written.fields]
    names = {alias: field.name for field in lacking for alias in field.aliases if alias not in schema.record.fields}
    return replace(written, fields=tuple(names.get(name, name) for name in written.fields))


def _as_they_stand(written: AvroType) -> DatumReader:
    layout = _parsed(_layout(written, _ANY_VALUE))

    def read(stream: io.BytesIO) -> bytes:
        start = stream.tell()
        fastavro.schemaless_reader(stream, layout)
        stop = stream.tell()
        stream.seek(start)
        return stream.read(stop - start)

    return read


def _layout(avro: AvroType, instead: Mapping[str, AvroType]) -> AvroType:
    """A type of the same bytes that more values fit: what a datum holds is for Decode to judge, message by message."""
    return instead.get(avro.kind) or replace(avro, parts=tuple(_layout(part, instead) for part in avro.parts))


def _written_anew(written: AvroType, schema: MessageSchema) -> DatumReader:
    """Reads the fields that become columns; in the places of the others stand zeros, as nobody looks at them.

    A datum ends before the first null that the job's schema does not allow, for Decode to reject it at that field.
    """
    parts, values = dict[str, AvroType](), dict[str, Any]()
    for name, part in zip(schema.record.fields, schema.record.parts, strict=True):
        field = schema.field(name)
        if field is None:
            size = _zeros(part)
            parts[name], values[name] = AvroType("fixed", size=size), bytes(size)
        elif name in written.fields:
            parts[name] = _layout(part, _ANY_TEXT)
        else:
            parts[name], values[name] = part, field.default
    source, target = _parsed(_layout(written, _ANY_TEXT)), _parsed(_of(parts))
    before = {name: _parsed(_of(parts, name)) for name in _perhaps_null(written, schema)}

    def read(stream: io.BytesIO) -> bytes:
        record = fastavro.schemaless_reader(stream, source) | values
        whole_or_not = next((before[name] for name in before if record[name] is None), target)
        written_anew = io.BytesIO()
        fastavro.schemaless_writer(written_anew, whole_or_not, record)
        return written_anew.getvalue()

    return read


def _zeros(avro: AvroType) -> int:
    """So many zero bytes are a value of the type."""
    if avro.kind == "union":
        return 1 + _zeros(avro.parts[0])
    return sum(map(_zeros, avro.parts)) if avro.kind == "record" else fewest_bytes(avro)


def _of(parts: Mapping[str, AvroType], before: str | None = None) -> AvroType:
    """A record of these fields, or of those before one of them."""
    names = tuple(parts) if before is None else tuple(parts)[: list(parts).index(before)]
    return AvroType("record", fields=names, parts=tuple(parts[name] for name in names))


def _perhaps_null(written: AvroType, schema: MessageSchema) -> Iterator[str]:
    """The fields that may be null in the file, but not in the job."""
    parts = dict(zip(written.fields, written.parts, strict=True))
    for field in schema.fields:
        if not field.nullable and field.name in parts and parts[field.name].kind == "union":
            yield field.name


def _misfits(written: AvroType, types: Sequence[Any], schema: MessageSchema) -> Iterator[str]:
    """Why records of the file cannot be read as messages of the job, by field; `types` are the file's, as JSON."""
    given = dict(zip(written.fields, zip(written.parts, types, strict=True), strict=True))
    for field in schema.fields:
        if field.name in given:
            part, kind = given[field.name]
            wrong = _misfit(part, field.avro, or_null=field.nullable or part.kind == "union") or _mistimed(kind, field)
            if wrong:
                yield f"field {field.name}: {wrong}"
        elif not field.has_default:
            yield f"field {field.name}: not in the file; give it a default in message.schema"


def _misfit(written: AvroType, wanted: AvroType, or_null: bool = False) -> str | None:
    """Why a value of the one type cannot be read as one of the other, or None."""
    if written.kind == "union":
        return next(filter(None, (_misfit(branch, wanted, or_null) for branch in written.parts)), None)
    if written.kind == "null" and or_null:
        return None
    if wanted.kind not in (written.kind, *_PROMOTIONS.get(written.kind, ())):
        return f"{written.kind} in the file, {wanted.kind} in message.schema"
    if unknown := set(written.symbols) - set(wanted.symbols):
        return f"{', '.join(sorted(unknown))} in the file, which message.schema does not list"
    return _misfit(written.parts[0], wanted.parts[0]) if wanted.kind == "array" else None


def _mistimed(kind: Any, field: SchemaField) -> str | None:
    """Why numbers of this type, as JSON gives it, are not the times or dates of the field, or None."""
    wanted = scalar_of(field.avro).logical
    other = next((logical for logical in _logical_types(kind) if logical != wanted), None)
    return f"{other} in the file, {wanted} in message.schema" if wanted and other else None


def _logical_types(kind: Any) -> Iterator[str]:
    """Those that stand in a type, a union's branches or an array's items; also such as nothing else here knows."""
    for part in kind if isinstance(kind, list) else [kind]:
        if isinstance(part, dict):
            if logical := part.get("logicalType"):
                yield str(logical)
            yield from _logical_types([part["type"], part.get("items")])


def _parsed(avro: AvroType) -> Any:
    return fastavro.parse_schema(json.loads(physical_schema(avro)))
