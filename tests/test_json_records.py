"""JSON messages become the columns that the same records in Avro binary become."""

import io
import json
from typing import Any

import fastavro
import pyarrow as pa
import pytest
from hypothesis import given, settings

from streaming.batches import Failure
from streaming.formats.avro import AvroReader
from streaming.formats.decoded import Decoded
from streaming.formats.json_records import JsonReader
from streaming.schema import MessageSchema, parse_schema
from tests.avro_cases import Case, cases, raw


def schema_of(*fields: dict[str, Any]) -> MessageSchema:
    return parse_schema(json.dumps({"type": "record", "name": "R", "fields": fields}), "r.avsc")


READING = schema_of(
    {"name": "device", "type": "string"},
    {"name": "temperature", "type": ["null", "double"]},
    {"name": "unit", "type": {"type": "enum", "name": "Unit", "symbols": ["C", "K"]}, "default": "C"},
    {"name": "at", "type": ["null", {"type": "long", "logicalType": "timestamp-millis"}]},
    {"name": "more", "type": {"type": "map", "values": "double"}},
)


def plain(*payloads: bytes) -> Decoded:
    return JsonReader(READING, plain=True).read(list(payloads))


def avro(*payloads: bytes) -> Decoded:
    return JsonReader(READING, plain=False).read(list(payloads))


def values(decoded: Decoded) -> list[tuple[Any, ...]]:
    columns = [
        column.cast(pa.int64()) if pa.types.is_timestamp(column.type) else column for column in decoded.columns.columns
    ]
    return list(zip(*(column.to_pylist() for column in columns), strict=True))


@settings(max_examples=50, deadline=None)
@given(cases(finite=True))
def test_avro_json_equals_avro_binary(case: Case) -> None:
    decoded = JsonReader(case.schema, plain=False).read(case.json_payloads)
    assert decoded.failures == {}
    assert raw(decoded.columns) == raw(AvroReader(case.schema).read_each(case.payloads).columns)


@settings(max_examples=50, deadline=None)
@given(cases(finite=True, logical=False))
def test_avro_json_is_what_fastavro_reads(case: Case) -> None:
    decoded = JsonReader(case.schema, plain=False).read(case.json_payloads)
    schema = fastavro.parse_schema(case.document)
    read = [next(fastavro.json_reader(io.StringIO(payload.decode()), schema)) for payload in case.json_payloads]
    assert decoded.columns.to_pylist() == [
        {f"field:{field.name}": record[field.name] for field in case.schema.fields} for record in read
    ]


@settings(max_examples=50, deadline=None)
@given(cases(finite=True, logical=False))
def test_plain_json_without_bytes_is_the_record_itself(case: Case) -> None:
    usable = {each.name: "bytes" not in str(each.avro) for each in case.schema.fields}
    kept = [field for field in case.document["fields"] if usable.get(field["name"])] or [
        {"name": "none", "type": ["null", "int"]}
    ]
    schema = schema_of(*kept)
    names = [field.name for field in schema.fields]
    records = [{name: record.get(name) for name in names} for record in case.records]
    decoded = JsonReader(schema, plain=True).read([json.dumps(record).encode() for record in records])
    assert decoded.failures == {}
    assert decoded.columns.to_pylist() == [{f"field:{name}": record[name] for name in names} for record in records]


def test_fields_may_be_left_out_where_there_is_something_instead() -> None:
    payload = b'{"device": "a"}'
    assert values(plain(payload)) == [("a", None, "C", None)]
    assert avro(payload).failures == {
        0: Failure("decode", "MissingField", "field temperature: missing, and it has no default")
    }


def test_both_encodings_of_one_reading() -> None:
    in_plain = b'{"device": "a", "temperature": 20, "unit": "K", "at": "1970-01-01T00:00:01Z", "other": [1], "more": 7}'
    in_avro = b'{"device": "a", "temperature": {"double": 20}, "unit": "K", "at": {"long": 1000}, "more": 7}'
    assert values(plain(in_plain)) == values(avro(in_avro)) == [("a", 20.0, "K", 1000)]


def test_of_a_name_that_stands_twice_the_last_counts() -> None:
    assert values(plain(b'{"device": "a", "device": "b"}')) == [("b", None, "C", None)]


@pytest.mark.parametrize(
    ("payload", "error_class", "message"),
    [
        (b"", "EmptyPayload", "the payload is empty"),
        (b" ", "JsonError", "not JSON: input data is empty: line 1 column 1 (char 0)"),
        (b"{", "JsonError", "not JSON: unexpected end of data: line 1 column 2 (char 1)"),
        (
            b'{"device": NaN}',
            "JsonError",
            "not JSON: unexpected character, expected a JSON value: line 1 column 12 (char 11)",
        ),
        (
            b'{"device": "\xff"}',
            "JsonError",
            "not JSON: str is not valid UTF-8: surrogates not allowed: line 1 column 1 (char 0)",
        ),
        (b"[" * 100_000, "JsonError", "not JSON: depth limit exceeded: line 1 column 1026 (char 1025)"),
        (b"[1]", "WrongType", "expected an object, got an array"),
        (b'"hot"', "WrongType", "expected an object, got the string 'hot'"),
        (b'{"device": null}', "WrongType", "field device: expected a string, got null"),
        (b'{"temperature": 1}', "MissingField", "field device: missing, and it has no default"),
        (
            b'{"device": "a", "temperature": "hot"}',
            "WrongType",
            "field temperature: expected a double, got the string 'hot'",
        ),
        (
            b'{"device": "a", "temperature": 1e999}',
            "JsonError",
            "not JSON: number is infinity when parsed as double: line 1 column 32 (char 31)",
        ),
        (
            b'{"device": "a", "at": 123456789012345678901234567890}',
            "WrongType",
            "field at: expected a long, got the number 1.2345678901234568e+29",
        ),
        (
            b'{"device": "a", "at": 9223372036854775808}',
            "OutOfRange",
            "field at: 9223372036854775808 does not fit a long",
        ),
    ],
)
def test_a_bad_message_fails_alone(payload: bytes, error_class: str, message: str) -> None:
    decoded = plain(b'{"device": "a"}', payload, b'{"device": "c"}')
    assert values(decoded) == [("a", None, "C", None), (None,) * 4, ("c", None, "C", None)]
    assert decoded.failures == {1: Failure("decode", error_class, message)}


def test_a_failure_quotes_no_more_than_it_must() -> None:
    decoded = plain(b'{"device": "a", "temperature": "' + b"x" * 10_000_000 + b'"}')
    shown = "x" * 79
    assert decoded.failures == {
        0: Failure("decode", "WrongType", f"field temperature: expected a double, got the string '{shown}…")
    }
