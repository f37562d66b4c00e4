"""What stands in a field that nothing fills: its default, null, or a zero of its type."""

from __future__ import annotations

from typing import Any

from streaming.formats.avro_types import AvroType
from streaming.schema import SchemaField


def constant(field: SchemaField) -> Any:
    """The value of a usable field that nothing fills, as Arrow takes it: its default, or else null, or else a zero."""
    if field.has_default:
        return field.default
    return None if field.nullable else zero(field.avro)


def zero(avro: AvroType) -> Any:
    """A value of any type, as fastavro takes it: null, or else the first, empty or zero one."""
    match avro.kind:
        case "record":
            return {name: zero(part) for name, part in zip(avro.fields, avro.parts, strict=True)}
        case "union":
            return None if any(part.kind == "null" for part in avro.parts) else zero(avro.parts[0])
        case "enum":
            return avro.symbols[0]
        case "fixed":
            return bytes(avro.size)
    return _ZEROS[avro.kind]


def json_zero(avro: AvroType) -> Any:
    """As `zero`, in Avro's JSON encoding: what is of a union stands under the name of its type."""
    if avro.kind == "record":
        return {name: json_zero(part) for name, part in zip(avro.fields, avro.parts, strict=True)}
    if avro.kind == "union" and zero(avro) is not None:
        return {avro.parts[0].tag: json_zero(avro.parts[0])}
    return zero(avro)


_ZEROS: dict[str, Any] = {
    "null": None,
    "boolean": False,
    "int": 0,
    "long": 0,
    "float": 0.0,
    "double": 0.0,
    "bytes": b"",
    "string": "",
    "array": (),
    "map": {},
}
