"""Payloads hold what the columns say: the job's readers and the reference reader read the same values again."""

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings

from producers.synthesis.payloads import Encoding, encoder
from producers.synthesis.reference_reader import reference_reader
from streaming.formats.avro import AvroReader
from streaming.formats.decoded import columns_schema, from_records
from streaming.formats.json_records import JsonReader
from streaming.schema import MessageSchema
from tests.avro_cases import Case, cases, raw
from tests.stream_cases import schema

ALL_KINDS = schema(
    {
        "i": "int",
        "l": "long",
        "f": "float",
        "d": "double",
        "b": "boolean",
        "s": ["null", "string"],
        "e": [{"type": "enum", "name": "Kind", "symbols": ["A", "B"]}, "null"],
        "day": {"type": "int", "logicalType": "date"},
        "ms": {"type": "long", "logicalType": "timestamp-millis"},
        "us": ["null", {"type": "long", "logicalType": "timestamp-micros"}],
        "here": {"type": "long", "logicalType": "local-timestamp-micros"},
    }
)
VALUES: dict[str, list[Any]] = {
    "i": [1, -(2**31)],
    "l": [-2, 2**63 - 1],
    "f": [1.5, 0.10000000149011612],
    "d": [0.1, -1e300],
    "b": [True, False],
    "s": ["\u00fc", None],
    "e": [None, "B"],
    "day": [1, 20_513],
    "ms": [0, 1_772_366_400_001],
    "us": [1_772_366_400_000_001, None],
    "here": [1_772_366_400_000_001, 5],
}
PLAIN = [
    {
        "i": 1, "l": -2, "f": 1.5, "d": 0.1, "b": True, "s": "\u00fc", "e": None, "day": "1970-01-02",
        "ms": "1970-01-01T00:00:00.000000Z", "us": "2026-03-01T12:00:00.000001Z", "here": "2026-03-01T12:00:00.000001",
    },
    {
        "i": -(2**31), "l": 2**63 - 1, "f": 0.10000000149011612, "d": -1e300, "b": False, "s": None, "e": "B",
        "day": "2026-03-01", "ms": "2026-03-01T12:00:00.001000Z", "us": None, "here": "1970-01-01T00:00:00.000005",
    },
]  # fmt: skip
TAGGED = [
    {
        "i": 1, "l": -2, "f": 1.5, "d": 0.1, "b": True, "s": {"string": "\u00fc"}, "e": None, "day": 1, "ms": 0,
        "us": {"long": 1_772_366_400_000_001}, "here": 1_772_366_400_000_001,
    },
    {
        "i": -(2**31), "l": 2**63 - 1, "f": 0.10000000149011612, "d": -1e300, "b": False, "s": None,
        "e": {"Kind": "B"}, "day": 20_513, "ms": 1_772_366_400_001, "us": None, "here": 5,
    },
]  # fmt: skip


def columns(of: MessageSchema, values: dict[str, list[Any]]) -> pa.RecordBatch:
    arrays = [pa.array(values[field.name], field.type) for field in of.fields]
    return pa.RecordBatch.from_arrays(arrays, names=[field.name for field in of.fields])


def read_by_job(of: MessageSchema, encoding: Encoding, payloads: list[bytes]) -> pa.RecordBatch:
    """What the job's own reader makes of the payloads, all of which it must read."""
    reader = AvroReader(of) if encoding == "avro" else JsonReader(of, plain=encoding == "json")
    decoded = reader.read(payloads)
    assert decoded.failures == {}
    return decoded.columns


def check_case(case: Case, encoding: Encoding) -> None:
    of = case.schema
    given_columns = columns(of, {field.name: [each[field.name] for each in case.records] for field in of.fields})
    expected = pa.RecordBatch.from_arrays(given_columns.columns, schema=columns_schema(of.fields))
    payloads = encoder(of, encoding)(given_columns).to_pylist()
    assert raw(read_by_job(of, encoding, payloads)) == raw(expected)
    records = [reference_reader(of, encoding)(payload) for payload in payloads]
    lists = [[record[field.name] for field in of.fields] for record in records if record is not None]
    assert raw(from_records(of.fields, lists).columns) == raw(expected)


@given(cases())
@settings(max_examples=40, deadline=None)
def test_avro_binary_is_read_again(case: Case) -> None:
    check_case(case, "avro")


@given(cases(finite=True))
@settings(max_examples=40, deadline=None)
def test_avro_json_is_read_again(case: Case) -> None:
    check_case(case, "avro_json")


@given(cases(finite=True, logical=False))
@settings(max_examples=40, deadline=None)
def test_plain_json_is_read_again(case: Case) -> None:
    check_case(case, "json")


@pytest.mark.parametrize(("encoding", "expected"), [("avro_json", TAGGED), ("json", PLAIN)])
def test_json_holds_each_kind_of_value_as_its_encoding_has_it(encoding: Encoding, expected: list[Any]) -> None:
    payloads = encoder(ALL_KINDS, encoding)(columns(ALL_KINDS, VALUES)).to_pylist()
    assert [json.loads(payload) for payload in payloads] == expected


@pytest.mark.parametrize("encoding", ["avro", "avro_json", "json"])
def test_each_kind_of_value_is_read_again(encoding: Encoding) -> None:
    payloads = encoder(ALL_KINDS, encoding)(columns(ALL_KINDS, VALUES)).to_pylist()
    read = reference_reader(ALL_KINDS, encoding)
    assert [read(payload) for payload in payloads] == [{name: VALUES[name][row] for name in VALUES} for row in (0, 1)]
    assert raw(read_by_job(ALL_KINDS, encoding, payloads)) == raw(
        pa.RecordBatch.from_arrays(columns(ALL_KINDS, VALUES).columns, schema=columns_schema(ALL_KINDS.fields))
    )


def test_avro_binary_is_the_bytes_of_the_specification() -> None:
    of = schema({"name": "string", "count": ["null", "long"], "value": "double"})
    said = columns(of, {"name": ["ab", ""], "count": [None, -1], "value": [1.0, 0.0]})
    assert encoder(of, "avro")(said).to_pylist() == [
        b"\x04ab\x00\x00\x00\x00\x00\x00\x00\xf0?",
        b"\x00\x02\x01\x00\x00\x00\x00\x00\x00\x00\x00",
    ]


def test_what_is_not_finite_stands_in_json_as_python_writes_it() -> None:
    of = schema({"d": "double", "f": ["null", "float"]})
    said = columns(of, {"d": [1.0, np.nan, np.inf], "f": [None, 2.0, -np.inf]})
    assert encoder(of, "json")(said).to_pylist() == [
        b'{"d":1.0,"f":null}',
        b'{"d":NaN,"f":2.0}',
        b'{"d":Infinity,"f":-Infinity}',
    ]


def test_a_slice_of_columns_is_encoded_as_a_copy_of_it() -> None:
    of = schema({"n": ["null", "long"], "s": "string"})
    said = columns(of, {"n": [None, 1, None, 3], "s": ["a", "b", "c", "d"]})
    copy = columns(of, {"n": [None, 3], "s": ["c", "d"]})
    assert encoder(of, "avro")(said.slice(2)).equals(encoder(of, "avro")(copy))


def test_no_message_is_no_payload() -> None:
    of = schema({"n": "long"})
    for encoding in ("avro", "avro_json", "json"):
        assert encoder(of, encoding)(columns(of, {"n": []})).to_pylist() == []
