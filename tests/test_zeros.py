"""What stands in a field that nothing fills."""

from typing import Any

import pytest

from producers.synthesis.zeros import constant, json_zero, zero
from tests.stream_cases import schema

PLACE = {
    "type": "record",
    "name": "Place",
    "fields": [{"name": "lat", "type": ["double", "string"]}, {"name": "note", "type": ["string", "null"]}],
}


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("boolean", False),
        ("int", 0),
        ("double", 0.0),
        ("string", ""),
        ("bytes", b""),
        ({"type": "enum", "name": "Kind", "symbols": ["B", "A"]}, "B"),
        ({"type": "array", "items": "int"}, ()),
        (["string", "null"], None),
    ],
)
def test_a_required_field_holds_the_first_empty_or_zero_value(kind: Any, expected: Any) -> None:
    assert constant(schema({"f": kind}).fields[0]) == expected


@pytest.mark.parametrize(
    ("kind", "default"), [("double", 1.5), (["string", "null"], "x"), (["null", "string"], None), ("int", 0)]
)
def test_a_default_comes_first(kind: Any, default: Any) -> None:
    assert constant(schema({"f": kind}, {"f": default}).fields[0]) == default


@pytest.mark.parametrize(
    ("kind", "binary", "in_json"),
    [
        ({"type": "map", "values": "int"}, {}, {}),
        ({"type": "fixed", "name": "F", "size": 2}, b"\0\0", b"\0\0"),
        (["int", "string"], 0, {"int": 0}),
        (["int", "string", "null"], None, None),
        (PLACE, {"lat": 0.0, "note": None}, {"lat": {"double": 0.0}, "note": None}),
        ("null", None, None),
    ],
)
def test_fields_without_a_column_have_a_zero_too(kind: Any, binary: Any, in_json: Any) -> None:
    avro = schema({"usable": "int", "f": kind}).record.parts[1]
    assert (zero(avro), json_zero(avro)) == (binary, in_json)
