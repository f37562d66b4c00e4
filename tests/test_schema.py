"""A message schema names its columns, and every mistake in it."""

import json
import pickle
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from streaming.errors import Mistakes
from streaming.schema import MessageSchema, load_schema, parse_schema, physical_type

ENUM = {"type": "enum", "name": "State", "symbols": ["ON", "OFF"]}
NESTED = {"type": "record", "name": "Inner", "fields": [{"name": "a", "type": "int"}]}


def parse(*fields: Any, **more: Any) -> MessageSchema:
    return parse_schema(json.dumps({"type": "record", "name": "R", "fields": list(fields), **more}), "r.avsc")


def field(name: str, kind: Any, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": kind, **more}


def logical(kind: str, name: str) -> dict[str, str]:
    return {"type": kind, "logicalType": name}


def mistakes(*fields: Any) -> tuple[str, ...]:
    with pytest.raises(Mistakes) as caught:
        parse(*fields)
    return caught.value.lines


@pytest.mark.parametrize(
    ("kind", "column"),
    [
        ("boolean", pa.bool_()),
        ("int", pa.int32()),
        ("long", pa.int64()),
        ("float", pa.float32()),
        ("double", pa.float64()),
        ("bytes", pa.binary()),
        ("string", pa.string()),
        (ENUM, pa.string()),
        (logical("int", "date"), pa.date32()),
        (logical("long", "timestamp-millis"), pa.timestamp("ms", "UTC")),
        (logical("long", "timestamp-micros"), pa.timestamp("us", "UTC")),
        (logical("long", "local-timestamp-millis"), pa.timestamp("ms")),
        (logical("long", "local-timestamp-micros"), pa.timestamp("us")),
        (logical("string", "uuid"), pa.string()),
        (logical("int", "time-millis"), pa.int32()),
        (logical("string", "date"), pa.string()),
        ({"type": "array", "items": "float"}, pa.list_(pa.float32())),
        ({"type": "array", "items": logical("long", "timestamp-micros")}, pa.list_(pa.timestamp("us", "UTC"))),
    ],
)
def test_each_usable_type_is_a_column(kind: Any, column: pa.DataType) -> None:
    schema = parse(field("plain", kind), field("first", ["null", kind] if kind is not ENUM else ["null", "State"]))
    assert [(each.name, each.type, each.nullable) for each in schema.fields] == [
        ("plain", column, False),
        ("first", column, True),
    ]
    assert schema.unusable == {}


@pytest.mark.parametrize(
    ("column", "physical"),
    [
        (pa.timestamp("ms", "UTC"), pa.int64()),
        (pa.date32(), pa.int32()),
        (pa.binary(), pa.binary()),
        (pa.list_(pa.timestamp("us")), pa.list_(pa.int64())),
    ],
)
def test_times_stand_as_numbers_in_the_bytes(column: pa.DataType, physical: pa.DataType) -> None:
    assert physical_type(column) == physical


def test_null_may_come_last_in_a_union() -> None:
    (only,) = parse(field("x", ["double", "null"])).fields
    assert (only.type, only.nullable) == (pa.float64(), True)


def test_fields_without_a_column_say_why() -> None:
    schema = parse(
        field("x", "double"),
        field("nested", NESTED),
        field("maybe", ["null", "Inner"]),
        field("map", {"type": "map", "values": "double"}),
        field("union", ["string", "double"]),
        field("alone", ["double"]),
        field("fixed", {"type": "fixed", "name": "F", "size": 10**12}),
        field("money", {**logical("bytes", "decimal"), "precision": 4, "scale": 2}),
        field("nothing", "null"),
        field("records", {"type": "array", "items": "Inner"}),
        field("gaps", {"type": "array", "items": ["null", "double"]}),
    )
    assert [each.name for each in schema.fields] == ["x"]
    assert schema.unusable == {
        "nested": "a nested record",
        "maybe": "a nested record",
        "map": "a map",
        "union": "a union",
        "alone": "a union",
        "fixed": "a fixed",
        "money": "a decimal",
        "nothing": "nulls only",
        "records": "an array whose items are a nested record",
        "gaps": "an array whose items are a union",
    }


def test_a_field_is_found_by_name() -> None:
    schema = parse(field("x", "double"), field("m", {"type": "map", "values": "int"}))
    assert schema.field("x") == schema.fields[0]
    assert schema.field("m") is None


def test_defaults_are_values_of_the_type() -> None:
    schema = parse(
        field("none", "int"),
        field("number", "double", default=1),
        field("bytes", "bytes", default="\u00ff"),
        field("null", ["null", "int"], default=None),
        field("list", {"type": "array", "items": "int"}, default=[1, 2]),
        field("time", logical("long", "timestamp-micros"), default=5),
    )
    assert [(each.has_default, each.default) for each in schema.fields] == [
        (False, None),
        (True, 1.0),
        (True, b"\xff"),
        (True, None),
        (True, [1, 2]),
        (True, 5),
    ]


def test_a_schema_survives_pickling() -> None:
    schema = parse(
        field("x", ["null", logical("long", "timestamp-micros")]), field("m", {"type": "map", "values": "int"})
    )
    assert pickle.loads(pickle.dumps(schema)) == schema


def test_all_mistakes_are_named_with_path_and_field() -> None:
    assert mistakes(
        field("x", "double"),
        field("x", "double"),
        field("a b", "double"),
        field("empty", {"type": "array", "items": "null"}),
        field("hollow", {"type": "map", "values": {"type": "record", "name": "Z", "fields": [field("n", "null")]}}),
        field("zero", {"type": "array", "items": {"type": "fixed", "name": "F0", "size": 0}}),
        field(
            "tree", {"type": "record", "name": "Node", "fields": [field("kids", {"type": "array", "items": "Node"})]}
        ),
        field("twice", ["int", "null", "int"]),
        field("deep", ["null", ["int"]]),
        field("bare", {"type": "enum", "name": "E0", "symbols": []}),
        field("less", {"type": "fixed", "name": "F1", "size": -1}),
        field("small", "int", default=2**31),
        field("odd", ["null", ENUM], default="MAYBE"),
    ) == (
        "r.avsc: field x: stands 2 times; rename or remove the others",
        "r.avsc: field a b: no Avro name; use letters, digits and _, not starting with a digit",
        "r.avsc: field empty: the items of this array have no bytes: a few could claim any number; remove it",
        "r.avsc: field hollow: the items of this map have no bytes: a few could claim any number; remove it",
        "r.avsc: field zero: the items of this array have no bytes: a few could claim any number; remove it",
        "r.avsc: field tree.kids[]: Node contains itself, to no bounded depth; flatten it",
        "r.avsc: field twice: a union of int, null, int; name each type once",
        "r.avsc: field deep: a union directly inside a union; write their branches in one list",
        "r.avsc: field bare: an enum without symbols; add them",
        "r.avsc: field less: a fixed of size -1; give a number of bytes",
        "r.avsc: field small: its default does not fit: 2147483648 does not fit an int",
        "r.avsc: field odd: its default does not fit: expected one of OFF, ON, got the string 'MAYBE'",
    )


def test_a_record_that_contains_itself_is_refused() -> None:
    assert mistakes(field("x", "int"), field("again", ["null", "R"])) == (
        "r.avsc: field again: R contains itself, to no bounded depth; flatten it",
    )


def test_what_fastavro_refuses_is_named_field_by_field() -> None:
    assert mistakes(
        field("good", "double"),
        field("unknown", "dubble"),
        field("items", {"type": "array"}),
        field("nested", {"type": {"type": "array", "items": "int"}}),
        field("default", "int", default="x"),
        field("null", {"type": "array", "items": "int"}, default=None),
        {"name": "typeless"},
        "nothing",
    ) == (
        "r.avsc: field unknown: unknown type dubble; define it before it is used",
        "r.avsc: field items: not Avro: 'items' is missing",
        "r.avsc: field nested: not Avro: a type is a name, a list of types, or an object such as "
        '{"type": "array", "items": "double"}',
        "r.avsc: field default: not Avro: Default value <x> must match schema type: int",
        "r.avsc: field null: not Avro: Default value <None> must match schema type: array",
        "r.avsc: field typeless: not Avro: Record field 'typeless' is missing 'type'",
        "r.avsc: field 7: not Avro: Record field must be a dict, not str: nothing",
    )


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("{", "s.avsc: not JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
        ('"double"', 's.avsc: a message schema is an Avro record; write {"type": "record", "name": ...}'),
        ('["null", "int"]', 's.avsc: a message schema is an Avro record; write {"type": "record", "name": ...}'),
        ('{"type": "record", "name": "R"}', "s.avsc: the record has no list of fields; add it"),
        (
            '{"type": "record", "fields": []}',
            "s.avsc: not Avro: \"name\" is a required field missing from the schema: {'type': 'record', 'fields': []}",
        ),
        (
            '{"type": "record", "name": "R", "fields": []}',
            "s.avsc: no field can become a column (it has none); add a scalar",
        ),
        (
            '{"type": "record", "name": "R", "fields": [{"name": "m", "type": {"type": "map", "values": "int"}}]}',
            "s.avsc: no field can become a column (m is a map); add a scalar",
        ),
    ],
)
def test_what_is_no_message_schema_is_refused(text: str, line: str) -> None:
    with pytest.raises(Mistakes) as caught:
        parse_schema(text, "s.avsc")
    assert caught.value.lines == (line,)


def test_json_without_bottom_is_refused() -> None:
    with pytest.raises(Mistakes, match=r"^s.avsc: not JSON: "):
        parse_schema("[" * 100_000, "s.avsc")


def test_a_schema_is_read_from_its_file(tmp_path: Path) -> None:
    path = tmp_path / "r.avsc"
    path.write_text('{"type": "record", "name": "R", "fields": [{"name": "x", "type": "double"}]}')
    assert load_schema(str(path)) == parse(field("x", "double"))


def test_a_missing_file_is_a_mistake() -> None:
    with pytest.raises(Mistakes, match=r"^message.schema: no file none.avsc$"):
        load_schema("none.avsc")
