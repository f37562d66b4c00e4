"""Avro types as trees without references, and the forms of a schema that the decoders are given."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

PRIMITIVES = frozenset({"null", "boolean", "int", "long", "float", "double", "bytes", "string"})
SCALARS = PRIMITIVES - {"null"} | {"enum"}
LOGICAL_TYPES = frozenset(
    {
        ("int", "date"),
        ("long", "timestamp-millis"),
        ("long", "timestamp-micros"),
        ("long", "local-timestamp-millis"),
        ("long", "local-timestamp-micros"),
        ("bytes", "decimal"),
        ("fixed", "decimal"),
    }
)
"""Those that make a difference here, with the types they go with. Any other is ignored, as Avro wants it."""


@dataclass(frozen=True)
class AvroType:
    """An Avro type, with the definition of each named type in the place of its name."""

    kind: str
    """A primitive type, or record, enum, fixed, array, map or union."""
    logical: str = ""
    """One of `LOGICAL_TYPES`, or empty."""
    name: str = ""
    """The full name of a record, an enum or a fixed."""
    symbols: tuple[str, ...] = ()
    size: int = 0
    fields: tuple[str, ...] = ()
    """The names of a record's fields; their types are `parts`."""
    parts: tuple[AvroType, ...] = ()
    """The types inside: a record's fields, an array's items, a map's values or a union's branches."""

    @property
    def tag(self) -> str:
        """What names this type in a union of Avro's JSON encoding, as in `{"double": 1.5}`."""
        return self.name or self.kind


def split_nullable(avro: AvroType) -> tuple[AvroType, bool]:
    """The type beside null in a union of two, and true; any other type as it is, and false."""
    others = [branch for branch in avro.parts if branch.kind != "null"]
    if avro.kind == "union" and len(avro.parts) == 2 and len(others) == 1:
        return others[0], True
    return avro, False


def scalar_of(avro: AvroType) -> AvroType:
    """The type of the items, for an array; any other type as it is."""
    return avro.parts[0] if avro.kind == "array" else avro


def physical_schema(record: AvroType) -> str:
    """The JSON schema of what stands in the bytes: no logical types, no defaults, no documentation.

    So no decoder can overflow on a date or fail on a type it knows only by name. Each named type gets a name of its
    own, so that one which is used twice can be defined twice.
    """
    return json.dumps(_physical(record, (f"T{number}" for number in itertools.count())))


def _physical(avro: AvroType, names: Iterator[str]) -> Any:
    if avro.kind in PRIMITIVES:
        return avro.kind
    name = next(names)
    types = [_physical(part, names) for part in avro.parts]
    if avro.kind == "union":
        return types
    if avro.kind in ("array", "map"):
        return {"type": avro.kind, "items" if avro.kind == "array" else "values": types[0]}
    if avro.kind == "enum":
        return {"type": "enum", "name": name, "symbols": list(avro.symbols)}
    if avro.kind == "fixed":
        return {"type": "fixed", "name": name, "size": avro.size}
    fields = [{"name": field, "type": kind} for field, kind in zip(avro.fields, types, strict=True)]
    return {"type": "record", "name": name, "fields": fields}


def pyruhvro_schema(record: AvroType) -> str | None:
    """The physical schema as pyruhvro reads it, or None if it cannot.

    It panics on bytes. They are encoded as strings are, so a field of bytes is read as strings; deeper inside they
    cannot be, for there the check that strings are UTF-8 would reject them.
    """
    as_text = replace(record, parts=tuple(map(_text_for_bytes, record.parts)))
    return physical_schema(as_text) if _pyruhvro_reads(as_text) else None


def holds_bytes(avro: AvroType) -> bool:
    """Whether a field of this type holds bytes or an array of them, or null."""
    return scalar_of(split_nullable(avro)[0]).kind == "bytes"


def _text_for_bytes(avro: AvroType) -> AvroType:
    if avro.kind == "bytes":
        return AvroType("string")
    return replace(avro, parts=tuple(map(_text_for_bytes, avro.parts))) if holds_bytes(avro) else avro


def _pyruhvro_reads(avro: AvroType, in_collection: bool = False) -> bool:
    if avro.kind in ("bytes", "fixed") or (avro.kind == "record" and not avro.parts):
        return False
    if avro.kind == "union" and in_collection and split_nullable(avro)[0].kind not in SCALARS:
        return False  # one byte of a null fills every column of every other branch: kilobytes, millions of times
    inside = in_collection or avro.kind in ("array", "map")
    return all(_pyruhvro_reads(part, inside) for part in avro.parts)


def fewest_bytes(avro: AvroType) -> int:
    """The length of the shortest encoding of a value."""
    if avro.kind == "record":
        return sum(map(fewest_bytes, avro.parts))
    if avro.kind == "union":
        return 1 + min(map(fewest_bytes, avro.parts), default=0)
    return {"null": 0, "float": 4, "double": 8, "fixed": avro.size}.get(avro.kind, 1)


def expansion(avro: AvroType) -> float:
    """About how many bytes of Python objects one encoded byte becomes at worst, in the items of a collection."""
    inside = max(map(expansion, avro.parts), default=0.0)
    if avro.kind not in ("array", "map"):
        return inside
    key_bytes, slot = (1, 100) if avro.kind == "map" else (0, 8)
    return max(inside, (_object_bytes(avro.parts[0]) + slot) / (fewest_bytes(avro.parts[0]) + key_bytes))


def _object_bytes(avro: AvroType) -> int:
    """About the memory of a value's Python object, were its texts and collections empty."""
    parts = map(_object_bytes, avro.parts)
    if avro.kind == "record":
        return 240 + sum(parts)
    if avro.kind == "union":
        return max(parts)
    return {"null": 0, "array": 80, "map": 80}.get(avro.kind, 40)
