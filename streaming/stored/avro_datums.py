"""Records of an Avro file as datums of the job's schema, whatever schema the file was written with.

Where both lay out the same bytes, a datum is taken as it stands. Else it is read by Avro's rules of schema resolution
and written anew; files for which some record could not be are refused at launch.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import fastavro

from streaming.errors import one_line
from streaming.formats.avro_resolver import resolve_record
from streaming.formats.avro_types import PRIMITIVES, AvroType, physical_schema, split_nullable
from streaming.schema import MessageSchema

DatumReader = Callable[[io.BytesIO], bytes]
"""Reads a record from a stream and gives it as a payload.

Raises EOFError, IndexError, ValueError or OverflowError where there is none.
"""

_PROMOTIONS = {
    "int": ("long", "float", "double"),
    "long": ("float", "double"),
    "float": ("double",),
}


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
    written = _record(document)
    if schema is None:
        return _as_they_stand(written)
    wrong = list(_misfits(written, schema))
    if wrong:
        raise UnreadableSchemaError(wrong)
    if physical_schema(written) == physical_schema(schema.record):
        return _as_they_stand(written)
    return _resolved(written, schema)


def _record(document: object) -> AvroType:
    if not isinstance(document, dict) or document.get("type") != "record":
        raise UnreadableSchemaError(["holds no Avro records; write each as a record"])
    try:
        record, mistakes = resolve_record(document)
    except Exception as error:  # fastavro raises whatever its walk over a malformed schema meets
        raise UnreadableSchemaError([f"its schema is not Avro: {one_line(error)}"]) from error
    if mistakes:
        raise UnreadableSchemaError(mistakes)
    return record


def _as_they_stand(written: AvroType) -> DatumReader:
    layout = _parsed(_document(_layout(written)))

    def read(stream: io.BytesIO) -> bytes:
        start = stream.tell()
        fastavro.schemaless_reader(stream, layout)
        stop = stream.tell()
        stream.seek(start)
        return stream.read(stop - start)

    return read


def _layout(avro: AvroType) -> AvroType:
    """A type of the same bytes that more values fit: what a datum holds is for Decode to judge, message by message."""
    if avro.kind in ("string", "enum"):
        return AvroType("bytes" if avro.kind == "string" else "long")
    return replace(avro, parts=tuple(map(_layout, avro.parts)))


def _resolved(written: AvroType, schema: MessageSchema) -> DatumReader:
    whole = schema.record
    known = [(name, part) for name, part in zip(whole.fields, whole.parts, strict=True) if name in written.fields]
    there = replace(whole, fields=tuple(name for name, _ in known), parts=tuple(part for _, part in known))
    source, target, result = _parsed(_document(written)), _parsed(_document(there)), _parsed(_document(whole))
    defaults = {field.name: field.default for field in schema.fields if field.name not in written.fields}

    def read(stream: io.BytesIO) -> bytes:
        record = fastavro.schemaless_reader(stream, source, target)
        written_anew = io.BytesIO()
        fastavro.schemaless_writer(written_anew, result, record | defaults)
        return written_anew.getvalue()

    return read


def _misfits(written: AvroType, schema: MessageSchema) -> Iterator[str]:
    """Why records of the file cannot be read as messages of the job, by field."""
    parts = dict(zip(written.fields, written.parts, strict=True))
    for name, wanted in zip(schema.record.fields, schema.record.parts, strict=True):
        if name in parts:
            wrong = _misfit(parts[name], wanted)
            if wrong:
                yield f"field {name}: {wrong}"
        elif (field := schema.field(name)) is None or not field.has_default:
            yield f"field {name}: not in the file; give it a default in message.schema"


def _misfit(written: AvroType, wanted: AvroType) -> str | None:
    """Why a value of the one type cannot be read as one of the other, or None."""
    if written.kind == "union":
        return next(filter(None, (_misfit(branch, wanted) for branch in written.parts)), None)
    if wanted.kind == "union":
        if any(_misfit(written, branch) is None for branch in wanted.parts):
            return None
        return f"{_show(written)} in the file, {_show(wanted)} in message.schema"
    if written.kind != wanted.kind:
        if wanted.kind in _PROMOTIONS.get(written.kind, ()):
            return None
        return f"{_show(written)} in the file, {_show(wanted)} in message.schema"
    if written.logical and wanted.logical and written.logical != wanted.logical:
        return f"{written.logical} in the file, {wanted.logical} in message.schema"
    return _misfit_inside(written, wanted)


def _misfit_inside(written: AvroType, wanted: AvroType) -> str | None:
    if written.kind == "fixed" and written.size != wanted.size:
        return f"fixed of {written.size} bytes in the file, of {wanted.size} in message.schema"
    if unknown := set(written.symbols) - set(wanted.symbols):
        return f"{', '.join(sorted(unknown))} in the file, which message.schema does not list"
    if written.kind == "record":
        if missing := set(wanted.fields) - set(written.fields):
            return f"the file has no {', '.join(sorted(missing))} in it"
        given = dict(zip(written.fields, written.parts, strict=True))
        pairs = [(given[name], part) for name, part in zip(wanted.fields, wanted.parts, strict=True)]
    else:
        pairs = list(zip(written.parts, wanted.parts, strict=True))
    return next(filter(None, (_misfit(one, other) for one, other in pairs)), None)


def _show(avro: AvroType) -> str:
    return " or ".join(map(_show, avro.parts)) if avro.kind == "union" else avro.kind


def _parsed(document: Any) -> Any:
    return fastavro.parse_schema(document)


def _document(avro: AvroType, place: str = "T") -> Any:
    """The JSON schema of what stands in the bytes, each named type called after its place.

    So both schemas have one name for what belongs together, and a type that is used twice can be defined twice.
    """
    if avro.kind in PRIMITIVES:
        return avro.kind
    if avro.kind == "union":
        _, nullable = split_nullable(avro)
        return [_document(part, place if nullable else f"{place}_{part.tag.split('.')[-1]}") for part in avro.parts]
    if avro.kind in ("array", "map"):
        return {"type": avro.kind, "items" if avro.kind == "array" else "values": _document(avro.parts[0], place)}
    if avro.kind == "enum":
        return {"type": "enum", "name": place, "symbols": list(avro.symbols)}
    if avro.kind == "fixed":
        return {"type": "fixed", "name": place, "size": avro.size}
    parts = zip(avro.fields, avro.parts, strict=True)
    fields = [{"name": name, "type": _document(part, f"{place}_{name}")} for name, part in parts]
    return {"type": "record", "name": place, "fields": fields}
