"""The forms of a schema that the decoders are given, and what a type can cost."""

import json
from typing import Any

import pytest

from streaming.formats.avro_types import (
    AvroType,
    expansion,
    fewest_bytes,
    holds_bytes,
    physical_schema,
    pyruhvro_schema,
)
from streaming.schema import parse_schema

ENUM = {"type": "enum", "name": "State", "symbols": ["ON", "OFF"]}
INNER = {"type": "record", "name": "Inner", "fields": [{"name": "a", "type": "int"}]}


def record_of(*kinds: Any) -> AvroType:
    fields = [{"name": f"f{position}", "type": kind} for position, kind in enumerate(("int", *kinds))]
    return parse_schema(
        json.dumps({"type": "record", "name": "R", "namespace": "plant", "fields": fields}), "r.avsc"
    ).record


def array(items: Any) -> dict[str, Any]:
    return {"type": "array", "items": items}


def test_the_physical_schema_defines_each_named_type_where_it_is_used() -> None:
    fixed = {"type": "fixed", "name": "F", "size": 16, "logicalType": "uuid"}
    record = record_of(ENUM, ["null", "State"], INNER, fixed, {"type": "long", "logicalType": "timestamp-micros"})
    assert json.loads(physical_schema(record)) == {
        "type": "record",
        "name": "T0",
        "fields": [
            {"name": "f0", "type": "int"},
            {"name": "f1", "type": {"type": "enum", "name": "T1", "symbols": ["ON", "OFF"]}},
            {"name": "f2", "type": ["null", {"type": "enum", "name": "T3", "symbols": ["ON", "OFF"]}]},
            {"name": "f3", "type": {"type": "record", "name": "T4", "fields": [{"name": "a", "type": "int"}]}},
            {"name": "f4", "type": {"type": "fixed", "name": "T5", "size": 16}},
            {"name": "f5", "type": "long"},
        ],
    }


def test_pyruhvro_reads_fields_of_bytes_as_strings() -> None:
    form = pyruhvro_schema(record_of("bytes", ["bytes", "null"], array("bytes"), ["null", array("bytes")]))
    assert form is not None
    assert [field["type"] for field in json.loads(form)["fields"]] == [
        "int",
        "string",
        ["string", "null"],
        {"type": "array", "items": "string"},
        ["null", {"type": "array", "items": "string"}],
    ]


@pytest.mark.parametrize(
    "kind",
    [
        {"type": "fixed", "name": "F", "size": 2},
        {"type": "map", "values": "bytes"},
        ["string", "bytes"],
        {"type": "record", "name": "Empty", "fields": []},
        array(["null", INNER]),
        {"type": "map", "values": ["string", "long"]},
    ],
)
def test_pyruhvro_is_spared_what_it_cannot_read(kind: Any) -> None:
    assert pyruhvro_schema(record_of(kind)) is None


@pytest.mark.parametrize(
    "kind",
    [
        ["null", INNER],
        array(INNER),
        array(["null", "long"]),
        {"type": "map", "values": "int"},
        ["string", "long"],
        "null",
    ],
)
def test_pyruhvro_reads_what_has_no_column(kind: Any) -> None:
    record = record_of(kind)
    assert pyruhvro_schema(record) == physical_schema(record)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("bytes", True), (["null", array("bytes")], True), (array(["null", "bytes"]), False), (["bytes", "int"], False)],
)
def test_fields_of_bytes_are_told(kind: Any, expected: bool) -> None:
    assert holds_bytes(record_of(kind).parts[1]) is expected


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("null", 0),
        ("boolean", 1),
        ("float", 4),
        ("double", 8),
        ("string", 1),
        (array("double"), 1),
        ({"type": "fixed", "name": "F", "size": 7}, 7),
        (["null", "double"], 1),
        (["double", "float"], 5),
        ({"type": "record", "name": "P", "fields": [{"name": "a", "type": "float"}, {"name": "b", "type": "null"}]}, 4),
    ],
)
def test_the_shortest_encoding_is_known(kind: Any, expected: int) -> None:
    assert fewest_bytes(record_of(kind).parts[1]) == expected


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("double", 0),
        (array("boolean"), 48),
        (array("double"), 6),
        (array(["null", "int"]), 48),
        (array(array("int")), 88),
        (array(INNER), 288),
        ({"type": "map", "values": INNER}, 190),
        (["null", array(INNER)], 288),
    ],
)
def test_the_worst_expansion_is_that_of_a_collections_items(kind: Any, expected: float) -> None:
    assert expansion(record_of(kind)) == expected
