"""A schema becomes a tree without references. What is refused, `test_schema` shows."""

from streaming.formats.avro_resolver import resolve_record
from streaming.formats.avro_types import AvroType

STATE = AvroType("enum", name="plant.State", symbols=("ON", "OFF"))
INNER = AvroType("record", name="other.Inner", fields=("a",), parts=(AvroType("int", "date"),))


def test_references_are_replaced_by_what_they_name() -> None:
    state = {"type": "enum", "name": "State", "symbols": ["ON", "OFF"]}
    inner = {
        "type": "record",
        "name": "Inner",
        "namespace": "other",
        "fields": [{"name": "a", "type": {"type": "int", "logicalType": "date"}}],
    }
    document = {
        "type": "record",
        "name": "Reading",
        "namespace": "plant",
        "fields": [
            {"name": "state", "type": state},
            {"name": "before", "type": ["null", "State"]},
            {"name": "inner", "type": inner},
            {"name": "more", "type": {"type": "array", "items": "other.Inner"}},
            {"name": "sizes", "type": {"type": "map", "values": {"type": "fixed", "name": "F", "size": 3}}},
        ],
    }
    record, mistakes = resolve_record(document)
    assert mistakes == []
    assert record == AvroType(
        "record",
        name="plant.Reading",
        fields=("state", "before", "inner", "more", "sizes"),
        parts=(
            STATE,
            AvroType("union", parts=(AvroType("null"), STATE)),
            INNER,
            AvroType("array", parts=(INNER,)),
            AvroType("map", parts=(AvroType("fixed", name="plant.F", size=3),)),
        ),
    )


def test_unknown_logical_types_are_ignored() -> None:
    kinds = [
        {"type": "string", "logicalType": "date"},
        {"type": "long", "logicalType": "starlight"},
        {"type": "int", "logicalType": 7},
    ]
    fields = [{"name": f"f{position}", "type": kind} for position, kind in enumerate(kinds)]
    record, _ = resolve_record({"type": "record", "name": "R", "fields": fields})
    assert record.parts == (AvroType("string"), AvroType("long"), AvroType("int"))


def test_places_name_nested_fields() -> None:
    empty = {"type": "array", "items": "null"}
    leaf = {"type": "record", "name": "Leaf", "fields": [{"name": "gone", "type": empty}]}
    branch = {"type": "record", "name": "Branch", "fields": [{"name": "leaf", "type": ["null", leaf]}]}
    _, mistakes = resolve_record(
        {"type": "record", "name": "R", "fields": [{"name": "twigs", "type": {"type": "array", "items": branch}}]}
    )
    assert mistakes == [
        "field twigs[].leaf.gone: the items of this array have no bytes: a few could claim any number; remove it"
    ]
