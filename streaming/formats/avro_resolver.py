"""A parsed Avro schema to a tree without references, refusing what is dangerous to decode.

A recursive type lets a few kilobytes crash the process, and a collection whose items have no bytes lets a few bytes
claim gigabytes of them: no message may ever be decoded against either.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import fastavro

from streaming.formats.avro_types import LOGICAL_TYPES, PRIMITIVES, AvroType, fewest_bytes

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_STAND_IN = AvroType("int")  # for a part that is wrong, so that the rest can be looked at


def resolve_record(document: dict[str, Any]) -> tuple[AvroType, list[str]]:
    """The tree of a record's schema, and everything wrong in it, as in `field readings[].value: ...`.

    Raises:
        Exception: whatever `fastavro.parse_schema` meets in a schema that is not Avro.
    """
    named: dict[str, Any] = {}
    parsed = fastavro.parse_schema(document, named, _write_hint=False)
    resolver = _Resolver(named)
    return resolver.resolve(parsed, "field ", ()), resolver.mistakes


class _Resolver:
    """Walks over what `fastavro.parse_schema` returns, and collects mistakes.

    Throughout, `place` is what a mistake is named after, and `inside` the full names of the records around it.
    """

    def __init__(self, named: Mapping[str, Any]) -> None:
        self._named = named
        self.mistakes: list[str] = []

    def resolve(self, schema: Any, place: str, inside: tuple[str, ...]) -> AvroType:
        if isinstance(schema, list):
            return self._union(schema, place, inside)
        if isinstance(schema, str):
            return AvroType(schema) if schema in PRIMITIVES else self._reference(schema, place, inside)
        kind, logical = schema["type"], schema.get("logicalType")
        if (kind, logical) not in LOGICAL_TYPES:
            logical = ""
        if kind in ("record", "error"):
            return self._record(schema, place, inside)
        if kind in ("array", "map"):
            return self._collection(kind, schema["items" if kind == "array" else "values"], place, inside)
        if kind == "enum":
            return self._enum(schema, place)
        if kind == "fixed":
            return self._fixed(schema, place, logical)
        return AvroType(kind, logical)

    def _reference(self, name: str, place: str, inside: tuple[str, ...]) -> AvroType:
        if name in inside:
            self._mistake(place, f"{name} contains itself, to no bounded depth; flatten it")
            return _STAND_IN
        return self.resolve(self._named[name], place, inside)

    def _record(self, schema: Any, place: str, inside: tuple[str, ...]) -> AvroType:
        names = [str(field["name"]) for field in schema["fields"]]
        places = [f"{place}.{name}" if inside else f"{place}{name}" for name in names]
        for name, where in dict(zip(names, places, strict=True)).items():
            if not _NAME.fullmatch(name):
                self._mistake(where, "no Avro name; use letters, digits and _, not starting with a digit")
            if names.count(name) > 1:
                self._mistake(where, f"stands {names.count(name)} times; rename or remove the others")
        deeper = (*inside, schema["name"])
        types = [field["type"] for field in schema["fields"]]
        parts = [self.resolve(kind, where, deeper) for kind, where in zip(types, places, strict=True)]
        return AvroType("record", name=schema["name"], fields=tuple(names), parts=tuple(parts))

    def _collection(self, kind: str, items: Any, place: str, inside: tuple[str, ...]) -> AvroType:
        item = self.resolve(items, f"{place}[]", inside)
        if fewest_bytes(item) == 0:
            self._mistake(place, f"the items of this {kind} have no bytes: a few could claim any number; remove it")
            item = _STAND_IN
        return AvroType(kind, parts=(item,))

    def _union(self, branches: list[Any], place: str, inside: tuple[str, ...]) -> AvroType:
        parts = tuple(self.resolve(branch, place, inside) for branch in branches)
        tags = [part.tag for part in parts]
        if "union" in tags:
            self._mistake(place, "a union directly inside a union; write their branches in one list")
        elif not tags or len(set(tags)) < len(tags):
            self._mistake(place, f"a union of {', '.join(tags) or 'nothing'}; name each type once")
        return AvroType("union", parts=parts)

    def _enum(self, schema: Any, place: str) -> AvroType:
        if not schema["symbols"]:
            self._mistake(place, "an enum without symbols; add them")
        return AvroType("enum", name=schema["name"], symbols=tuple(schema["symbols"]))

    def _fixed(self, schema: Any, place: str, logical: str) -> AvroType:
        size = schema["size"]
        if type(size) is not int or size < 0:
            self._mistake(place, f"a fixed of size {size!r}; give a number of bytes")
            return _STAND_IN
        return AvroType("fixed", logical, schema["name"], size=size)

    def _mistake(self, place: str, wrong: str) -> None:
        self.mistakes.append(f"{place}: {wrong}")
