"""Avro binary is read as fastavro reads it, whether pyruhvro is asked first or not."""

import io
import json
from collections.abc import Sequence
from typing import Any

import fastavro
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streaming.batches import Failure
from streaming.formats.avro import AvroReader
from streaming.formats.avro_types import physical_schema
from streaming.formats.decoded import columns_schema
from streaming.schema import MessageSchema, parse_schema
from tests.avro_cases import Case, avro_binary, cases, raw

READING = parse_schema(
    json.dumps(
        {
            "type": "record",
            "name": "Reading",
            "fields": [
                {"name": "device", "type": "string"},
                {"name": "state", "type": {"type": "enum", "name": "State", "symbols": ["ON", "OFF"]}},
                {"name": "count", "type": ["null", "int"]},
                {"name": "samples", "type": {"type": "array", "items": "int"}},
            ],
        }
    ),
    "reading.avsc",
)
GOOD = b"\x04d1\x02\x02\x0a\x04\x02\x04\x00"
VALUES = {"field:device": "d1", "field:state": "OFF", "field:count": 5, "field:samples": [1, 2]}
NOTHING = dict.fromkeys(VALUES)


def expected_columns(schema: MessageSchema, records: Sequence[list[Any] | None]) -> pa.RecordBatch:
    nothing = [None] * len(schema.fields)
    rows = [record or nothing for record in records]
    names = columns_schema(schema.fields)
    arrays = [pa.array([row[index] for row in rows], kind) for index, kind in enumerate(names.types)]
    return pa.RecordBatch.from_arrays(arrays, schema=names)


def fastavro_values(schema: MessageSchema, payload: bytes) -> list[Any] | None:
    """What fastavro reads of the usable fields; None if it cannot, or leaves bytes over, or an int is none."""
    stream = io.BytesIO(payload)
    try:
        record = fastavro.schemaless_reader(stream, json.loads(physical_schema(schema.record)))
        values = [record[field.name] for field in schema.fields]
        expected_columns(schema, [values])
    except (EOFError, IndexError, ValueError, OverflowError):
        return None
    return values if stream.tell() == len(payload) else None


def mutated(payload: bytes) -> st.SearchStrategy[bytes]:
    places = st.integers(0, max(0, len(payload) - 1))
    flips = st.tuples(places, st.integers(0, 255))
    return st.one_of(
        st.just(payload),
        places.map(lambda end: payload[:end]),
        st.binary(min_size=1, max_size=3).map(lambda more: payload + more),
        flips.map(lambda flip: payload[: flip[0]] + bytes([flip[1]]) + payload[flip[0] + 1 :]),
        st.binary(max_size=12),
    )


@settings(max_examples=50, deadline=None)
@given(cases())
def test_every_record_comes_back_by_both_ways(case: Case) -> None:
    values = [[record[field.name] for field in case.schema.fields] for record in case.records]
    expected = raw(expected_columns(case.schema, values))
    reader = AvroReader(case.schema)
    for decoded in (reader.read(case.payloads), reader.read_each(case.payloads)):
        assert raw(decoded.columns) == expected
        assert decoded.failures == {}


@settings(max_examples=50, deadline=None)
@given(cases(), st.data())
def test_mutated_messages_get_fastavros_verdict(case: Case, data: st.DataObject) -> None:
    payloads = [data.draw(mutated(payload)) for payload in case.payloads]
    verdicts = [fastavro_values(case.schema, payload) for payload in payloads]
    decoded = AvroReader(case.schema, few=2).read(payloads)
    assert set(decoded.failures) == {row for row, values in enumerate(verdicts) if values is None}
    assert raw(decoded.columns) == raw(expected_columns(case.schema, verdicts))


@pytest.mark.parametrize("position", [0, 7, 19])
@pytest.mark.parametrize(
    ("payload", "error_class", "message"),
    [
        (b"", "EmptyPayload", "the payload is empty"),
        (GOOD + b"\x00\x00", "TrailingBytes", "2 of 12 bytes follow the datum"),
        (GOOD[:-1], "AvroError", "field samples: the payload of 9 bytes ends too early"),
        (
            b"\x04d1\x04" + GOOD[4:],
            "AvroError",
            "field state: a union's or an enum's index is out of range, or the payload ends early",
        ),
        (
            b"\x04d1\x02\x06" + GOOD[5:],
            "AvroError",
            "field count: a union's or an enum's index is out of range, or the payload ends early",
        ),
        (b"\x04\xff1" + GOOD[3:], "NotUtf8", "field device: a string is not UTF-8: invalid start byte"),
        (b"\x04d1\x02\x02\x80\x80\x80\x80\x10\x00", "OutOfRange", "field count: 2147483648 does not fit an int"),
        (b"\x04d1\x02\x00\x02\xff\xff\xff\xff\x1f\x00", "OutOfRange", "field samples: -4294967296 does not fit an int"),
        (
            b"\x04d1\x02\x00\x80\x80\x80\x80\x80\x40",
            "AvroError",
            "field samples: the payload of 11 bytes ends too early",
        ),
        (b"\x80\x80\x80\x80\x80\x40", "AvroError", "field device: the payload of 6 bytes ends too early"),
        (b"\x01" + GOOD[1:], "AvroError", "field device: the payload of 10 bytes ends too early"),
    ],
)
def test_a_bad_message_fails_alone(payload: bytes, error_class: str, message: str, position: int) -> None:
    payloads = [GOOD] * 20
    payloads[position] = payload
    decoded = AvroReader(READING, few=2).read(payloads)
    assert decoded.failures == {position: Failure("decode", error_class, message)}
    expected = [VALUES] * 20
    expected[position] = NOTHING
    assert decoded.columns.to_pylist() == expected


@pytest.mark.parametrize(
    "samples",
    [
        b"\x02\x02\x02\x04\x00",  # two blocks of one item
        b"\x03\x04\x02\x04\x00",  # a block of minus two items, and its size
        b"\x84\x00\x02\x04\x00",  # a count with an idle byte
    ],
)
def test_other_encodings_of_the_same_value_are_read(samples: bytes) -> None:
    decoded = AvroReader(READING).read([GOOD, b"\x04d1\x02\x02\x0a" + samples, GOOD])
    assert decoded.columns.to_pylist() == [VALUES] * 3
    assert decoded.failures == {}


def test_a_batch_of_bad_messages_only() -> None:
    decoded = AvroReader(READING).read([GOOD[:-1]] * 200)
    assert decoded.columns.to_pylist() == [NOTHING] * 200
    assert {each.error_class for each in decoded.failures.values()} == {"AvroError"}
    assert sorted(decoded.failures) == list(range(200))


def test_no_messages_have_the_same_columns() -> None:
    decoded = AvroReader(READING).read([])
    assert decoded.columns.schema == columns_schema(READING.fields)
    assert (decoded.columns.num_rows, decoded.failures) == (0, {})


def test_dates_beyond_pythons_calendar_are_read() -> None:
    kinds = {"day": ("int", "date", 2**31 - 1), "time": ("long", "timestamp-micros", 2**63 - 1)}
    fields = [
        {"name": name, "type": {"type": kind, "logicalType": logical}} for name, (kind, logical, _) in kinds.items()
    ]
    schema = parse_schema(json.dumps({"type": "record", "name": "R", "fields": fields}), "r.avsc")
    values = {name: value for name, (_, _, value) in kinds.items()}
    payload = avro_binary(json.loads(physical_schema(schema.record)), values)
    for decoded in (AvroReader(schema).read([payload]), AvroReader(schema).read_each([payload])):
        assert decoded.failures == {}
        assert raw(decoded.columns) == [
            ("field:day", pa.date32(), "[2147483647]"),
            ("field:time", pa.timestamp("us", "UTC"), "[9223372036854775807]"),
        ]
