"""Records of a file's schema as datums of the job's."""

import io
import json
from typing import Any

import fastavro
import pytest

from streaming.batches import Failure
from streaming.formats.avro import AvroReader
from streaming.schema import MessageSchema, parse_schema
from streaming.stored.avro_datums import UnreadableSchemaError, datum_reader
from tests.stored_cases import datums


def record(*fields: dict[str, Any], name: str = "R") -> dict[str, Any]:
    return {"type": "record", "name": name, "fields": list(fields)}


def field(name: str, kind: Any, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": kind, **more}


def logical(kind: str, name: str) -> dict[str, Any]:
    return {"type": kind, "logicalType": name}


def schema(*fields: dict[str, Any]) -> MessageSchema:
    return parse_schema(json.dumps(record(*fields, name="Job")), "job.avsc")


def converted(written: Any, job: MessageSchema, value: Any) -> bytes:
    stream = io.BytesIO(datums([value], written)[0])
    payload = datum_reader(written, job)(stream)
    assert stream.read() == b""
    return payload


COLOUR = {"type": "enum", "name": "Colour", "symbols": ["red", "green"]}
MORE_COLOURS = {"type": "enum", "name": "Paint", "symbols": ["blue", "green", "red"]}
AT = logical("long", "timestamp-millis")
AT_MICROS = logical("long", "timestamp-micros")
DATE = logical("int", "date")
INNER = record(field("a", "int"), name="Inner")


@pytest.mark.parametrize(
    ("written", "wanted", "value", "expected"),
    [
        ("int", "double", 3, 3.0),
        ("int", "long", 3, 3),
        ("float", ["null", "double"], 1.5, 1.5),
        ("string", ["null", "string"], "a", "a"),
        (["null", "long"], ["null", "double"], 7, 7.0),
        (["null", "long"], ["double", "null"], None, None),
        (COLOUR, MORE_COLOURS, "green", "green"),
        (COLOUR, ["null", MORE_COLOURS], "red", "red"),
        ({"type": "array", "items": "int"}, {"type": "array", "items": "double"}, [1, 2], [1.0, 2.0]),
        ("long", AT, 1000, 1000),
        (["null", "int", "long"], ["null", "double"], 7, 7.0),
        (["null", COLOUR], ["null", MORE_COLOURS], "green", "green"),
        ("null", ["null", "double"], None, None),
    ],
)
def test_a_record_becomes_a_datum_of_the_job(written: Any, wanted: Any, value: Any, expected: Any) -> None:
    source = record(field("extra", "string"), field("x", written), field("key", "string"))
    payload = converted(
        source, schema(field("key", "string"), field("x", wanted)), {"extra": "e", "x": value, "key": "k"}
    )
    target = record(field("key", "string"), field("x", {**wanted, "logicalType": ""} if wanted is AT else wanted))
    assert fastavro.schemaless_reader(io.BytesIO(payload), fastavro.parse_schema(target)) == {"key": "k", "x": expected}


def test_equal_layouts_are_taken_as_they_stand() -> None:
    written = record(field("at", AT), field("colour", COLOUR), name="Written")
    value = {"at": 5, "colour": "green"}
    assert (
        converted(written, schema(field("at", "long"), field("colour", COLOUR)), value) == datums([value], written)[0]
    )


def test_a_field_that_the_file_lacks_gets_its_default() -> None:
    job = schema(
        field("key", "string"), field("x", "double", default=2.5), field("n", ["null", "string"], default=None)
    )
    payload = converted(record(field("key", "string")), job, {"key": "k"})
    target = record(field("key", "string"), field("x", "double"), field("n", ["null", "string"]))
    assert payload == datums([{"key": "k", "x": 2.5, "n": None}], target)[0]


def test_a_field_is_found_by_its_alias() -> None:
    written = record(field("temp", "double"), field("key", "string"))
    job = schema(field("temperature", "double", aliases=["t", "temp"], default=0.0), field("key", "string"))
    value = {"temp": 21.5, "key": "k"}
    assert converted(written, job, value) == datums([value], written)[0]
    more = record(field("n", "int"), *written["fields"])
    assert converted(more, job, {"n": 1, **value}) == datums([value], written)[0]


def test_a_fields_own_name_precedes_its_aliases() -> None:
    written = record(field("temp", "double"), field("temperature", "double"))
    job = schema(field("temperature", "double", aliases=["temp"]))
    target = record(field("temperature", "double"))
    assert converted(written, job, {"temp": 1.0, "temperature": 2.0}) == datums([{"temperature": 2.0}], target)[0]


@pytest.mark.parametrize(
    ("written", "wanted", "value", "zero"),
    [
        (COLOUR, ["null", "string", COLOUR], "green", None),
        (INNER, ["string", "null", INNER], {"a": 1}, ""),
        (["null", INNER], ["null", "string", INNER], {"a": 1}, None),
        ({"type": "fixed", "name": "F", "size": 2}, {"type": "fixed", "name": "F", "size": 3}, b"ab", bytes(3)),
        ("string", {"type": "map", "values": "int"}, "any", {}),
        (
            ["null", {**INNER, "namespace": "one"}, {**INNER, "namespace": "two"}],
            record(field("inner", INNER), field("colour", COLOUR), name="Outer"),
            None,
            {"inner": {"a": 0}, "colour": "red"},
        ),
    ],
)
def test_a_field_without_a_column_need_not_fit(written: Any, wanted: Any, value: Any, zero: Any) -> None:
    job = schema(field("u", wanted), field("x", "double"))
    expected = datums([{"u": zero, "x": 1.5}], record(field("u", wanted), field("x", "double")))[0]
    assert converted(record(field("x", "double"), field("u", written)), job, {"x": 1.5, "u": value}) == expected
    assert converted(record(field("x", "double")), job, {"x": 1.5}) == expected


def test_a_null_that_the_job_does_not_allow_is_left_to_decode() -> None:
    written = record(field("key", "string"), field("x", ["null", "double"]), field("n", "int"))
    job = schema(field("key", "string"), field("x", "double"), field("n", "int"))
    payloads = [converted(written, job, {"key": "k", "x": x, "n": 1}) for x in (2.5, None)]
    decoded = AvroReader(job).read(payloads)
    assert decoded.columns.slice(0, 1).to_pylist() == [{"field:key": "k", "field:x": 2.5, "field:n": 1}]
    assert decoded.failures == {
        1: Failure("decode", "AvroError", "field x: the payload of 2 bytes ends too early"),
    }


def test_a_text_that_is_not_utf_8_is_left_to_decode() -> None:
    written = record(field("extra", "string"), field("key", "string"))
    stream = io.BytesIO(b"\x02\xff\x02\xfe")
    assert datum_reader(written, schema(field("key", "string")))(stream) == b"\x02\xfe"


def test_an_enum_out_of_range_is_left_to_decode() -> None:
    written = record(field("colour", COLOUR), field("n", "int"))
    stream = io.BytesIO(b"\x12\x02")
    assert datum_reader(written, schema(field("colour", COLOUR), field("n", "int")))(stream) == b"\x12\x02"


@pytest.mark.parametrize(
    ("written", "wanted", "line"),
    [
        ("string", "double", "string in the file, double in message.schema"),
        ("double", "float", "double in the file, float in message.schema"),
        ("null", "double", "null in the file, double in message.schema"),
        ("string", ["null", "double"], "string in the file, double in message.schema"),
        ("string", "bytes", "string in the file, bytes in message.schema"),
        (AT, AT_MICROS, "timestamp-millis in the file, timestamp-micros in message.schema"),
        (DATE, AT, "date in the file, timestamp-millis in message.schema"),
        (
            logical("long", "timestamp-nanos"),
            AT_MICROS,
            "timestamp-nanos in the file, timestamp-micros in message.schema",
        ),
        (logical("long", "time-micros"), AT_MICROS, "time-micros in the file, timestamp-micros in message.schema"),
        (logical("int", "time-millis"), DATE, "time-millis in the file, date in message.schema"),
        (["null", DATE], ["null", AT], "date in the file, timestamp-millis in message.schema"),
        (
            {"type": "array", "items": logical("long", "timestamp-nanos")},
            {"type": "array", "items": AT},
            "timestamp-nanos in the file, timestamp-millis in message.schema",
        ),
        (
            {"type": "array", "items": ["null", "long"]},
            {"type": "array", "items": "long"},
            "null in the file, long in message.schema",
        ),
        (MORE_COLOURS, COLOUR, "blue in the file, which message.schema does not list"),
        (
            {"type": "array", "items": "string"},
            {"type": "array", "items": "long"},
            "string in the file, long in message.schema",
        ),
    ],
)
def test_what_does_not_fit_is_named_by_its_field(written: Any, wanted: Any, line: str) -> None:
    with pytest.raises(UnreadableSchemaError) as caught:
        datum_reader(
            record(field("x", written), field("n", "int")),
            schema(field("x", wanted), field("key", "string", default="")),
        )
    assert caught.value.lines == [f"field x: {line}"]


def test_a_missing_field_without_a_default() -> None:
    with pytest.raises(UnreadableSchemaError) as caught:
        datum_reader(record(field("x", "int")), schema(field("x", "int"), field("key", "string")))
    assert caught.value.lines == ["field key: not in the file; give it a default in message.schema"]


@pytest.mark.parametrize(
    ("document", "line"),
    [
        (record(field("x", "nonsense")), "its schema is not Avro: nonsense"),
        (
            record(field("x", {"type": "array", "items": "null"})),
            "field x: the items of this array have no bytes: a few could claim any number; remove it",
        ),
        (record(), "its records have no bytes: a few could claim any number; write some fields"),
        (record(field("x", "null")), "its records have no bytes: a few could claim any number; write some fields"),
        (["null", "int"], "holds no Avro records; write each as a record"),
    ],
)
def test_schemas_that_are_wrong_or_dangerous(document: Any, line: str) -> None:
    with pytest.raises(UnreadableSchemaError) as caught:
        datum_reader(document, None)
    assert caught.value.lines == [line]
