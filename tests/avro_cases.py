"""Generated message schemas and records for the tests of the decoders."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import fastavro
import pyarrow as pa
from hypothesis import strategies as st

from streaming.formats.avro_types import physical_schema
from streaming.schema import MessageSchema, parse_schema

Values = st.SearchStrategy[Any]

INTS = st.integers(-(2**31), 2**31 - 1)
LONGS = st.integers(-(2**63), 2**63 - 1)
PRIMITIVES: Mapping[str, Values] = {
    "boolean": st.booleans(),
    "int": INTS,
    "long": LONGS,
    "float": st.floats(width=32),
    "double": st.floats(),
    "bytes": st.binary(max_size=5),
    "string": st.text(max_size=5),
}
LOGICAL: Mapping[str, tuple[str, Values]] = {
    "date": ("int", INTS),
    "time-millis": ("int", INTS),
    "time-micros": ("long", LONGS),
    "timestamp-millis": ("long", LONGS),
    "timestamp-micros": ("long", LONGS),
    "local-timestamp-millis": ("long", LONGS),
    "local-timestamp-micros": ("long", LONGS),
    "uuid": ("string", st.uuids().map(str)),
}
SYMBOLS = ["A", "B", "c_3"]
_KEYS = st.text(min_size=1, max_size=3)  # fastavro's JSON writer fails on an empty one


@dataclass(frozen=True)
class Case:
    """A schema and records of it, whose values are what stands in the bytes: a date is its number of days."""

    document: dict[str, Any]
    records: list[dict[str, Any]]

    @property
    def schema(self) -> MessageSchema:
        return parse_schema(json.dumps(self.document), "case.avsc")

    @property
    def payloads(self) -> list[bytes]:
        """The records in Avro binary, by fastavro."""
        schema = fastavro.parse_schema(json.loads(physical_schema(self.schema.record)))
        return [avro_binary(schema, record) for record in self.records]

    @property
    def json_payloads(self) -> list[bytes]:
        """The records in Avro's JSON encoding, by fastavro."""
        schema = fastavro.parse_schema(self.document)
        return [avro_json(schema, record).encode() for record in self.records]


def avro_binary(schema: Any, record: Mapping[str, Any]) -> bytes:
    stream = io.BytesIO()
    fastavro.schemaless_writer(stream, schema, record)
    return stream.getvalue()


def avro_json(schema: Any, record: Mapping[str, Any]) -> str:
    stream = io.StringIO()
    fastavro.json_writer(stream, schema, [record])
    return stream.getvalue()


@st.composite
def cases(draw: st.DrawFn, finite: bool = False, logical: bool = True) -> Case:
    """A case of up to six fields and twenty records; at least one field is usable.

    Args:
        finite: without NaN and infinities, which JSON does not have.
        logical: with logical types.
    """
    types = [
        draw(_usable(0, logical)),
        *(draw(_any(position, logical)) for position in range(1, draw(st.integers(1, 6)))),
    ]
    fields = [{"name": f"f{position}", "type": kind} for position, (kind, _) in enumerate(types)]
    records = st.fixed_dictionaries({f"f{position}": values for position, (_, values) in enumerate(types)})
    if finite:
        records = records.filter(lambda record: "nan" not in repr(record) and "inf" not in repr(record))
    document = {"type": "record", "name": "Reading", "namespace": "plant", "fields": fields}
    return Case(document, draw(st.lists(records, max_size=20)))


def _any(position: int, logical: bool) -> st.SearchStrategy[tuple[Any, Values]]:
    return st.one_of(_usable(position, logical), _unusable(position))


@st.composite
def _usable(draw: st.DrawFn, position: int, logical: bool) -> tuple[Any, Values]:
    kind, values = draw(_scalar(position, logical))
    if draw(st.booleans()):
        kind, values = {"type": "array", "items": kind}, st.lists(values, max_size=4)
    shape = draw(st.sampled_from(["required", "null first", "null last"]))
    if shape == "required":
        return kind, values
    return ["null", kind] if shape == "null first" else [kind, "null"], st.none() | values


@st.composite
def _scalar(draw: st.DrawFn, position: int, logical: bool) -> tuple[Any, Values]:
    name = draw(st.sampled_from([*PRIMITIVES, "enum", *(LOGICAL if logical else ())]))
    if name == "enum":
        return {"type": "enum", "name": f"E{position}", "symbols": SYMBOLS}, st.sampled_from(SYMBOLS)
    if name in PRIMITIVES:
        return name, PRIMITIVES[name]
    physical, values = LOGICAL[name]
    return {"type": physical, "logicalType": name}, values


def _unusable(position: int) -> st.SearchStrategy[tuple[Any, Values]]:
    inner = {
        "type": "record",
        "name": f"R{position}",
        "fields": [{"name": "a", "type": "int"}, {"name": "b", "type": ["null", "string"]}],
    }
    inners = st.fixed_dictionaries({"a": INTS, "b": st.none() | PRIMITIVES["string"]})
    choices: list[tuple[Any, Values]] = [
        (inner, inners),
        (["null", inner], st.none() | inners),
        ({"type": "array", "items": inner}, st.lists(inners, max_size=3)),
        ({"type": "array", "items": ["null", "long"]}, st.lists(st.none() | LONGS, max_size=3)),
        (
            {"type": "array", "items": {"type": "array", "items": "string"}},
            st.lists(st.lists(st.text(max_size=3)), max_size=3),
        ),
        ({"type": "map", "values": "double"}, st.dictionaries(_KEYS, PRIMITIVES["double"], max_size=3)),
        ({"type": "map", "values": "bytes"}, st.dictionaries(_KEYS, PRIMITIVES["bytes"], max_size=3)),
        (["string", "null", "boolean"], st.none() | st.booleans() | st.text(max_size=3)),
        ({"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 2}, PRIMITIVES["bytes"]),
        ({"type": "fixed", "name": f"F{position}", "size": 3}, st.binary(min_size=3, max_size=3)),
        ("null", st.none()),
    ]
    return st.sampled_from(choices)


def raw(columns: pa.RecordBatch) -> list[tuple[str, pa.DataType, str]]:
    """Names, types and values in a form in which NaN equals NaN, -0.0 is not 0.0, and no time overflows."""
    return [
        (name, column.type, repr(column.cast(_raw_type(column.type)).to_pylist()))
        for name, column in zip(columns.schema.names, columns.columns, strict=True)
    ]


def _raw_type(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_list(kind):
        return pa.list_(_raw_type(kind.value_type))
    if pa.types.is_timestamp(kind):
        return pa.int64()
    return pa.int32() if pa.types.is_date(kind) else kind
