"""The reference reader refuses what is no whole message of the schema, as the job's readers do."""

from typing import Any

import pytest

from producers.synthesis.payloads import Encoding
from producers.synthesis.reference_reader import reference_reader
from streaming.formats.avro import AvroReader
from streaming.formats.json_records import JsonReader
from tests.stream_cases import schema

KIND = {"type": "enum", "name": "Kind", "symbols": ["A", "B"]}
SCHEMA = schema(
    {
        "at": {"type": "long", "logicalType": "timestamp-millis"},
        "n": "int",
        "f": "float",
        "kind": KIND,
        "s": ["null", "string"],
        "local": {"type": "long", "logicalType": "local-timestamp-micros"},
        "day": {"type": "int", "logicalType": "date"},
        "raw": "bytes",
        "list": {"type": "array", "items": "int"},
    },
    {"local": 0, "day": 0, "raw": "", "list": []},
)
REST: dict[str, Any] = {"local": 0, "day": 0, "raw": b"", "list": []}
WHOLE = b'{"at":5,"n":1,"f":0.5,"kind":"A","s":null}'


def same(encoding: Encoding, payload: bytes) -> Any:
    """What the reference reader reads; the job's reader must agree whether the payload is a message."""
    reader = AvroReader(SCHEMA) if encoding == "avro" else JsonReader(SCHEMA, plain=encoding == "json")
    record = reference_reader(SCHEMA, encoding)(payload)
    assert (record is None) == bool(reader.read([payload]).failures)
    return record


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{",
        b"[]",
        b'"at"',
        b"\xff",
        WHOLE[:-1],
        WHOLE + b"}",
        WHOLE.replace(b'"n":1,', b""),
        WHOLE.replace(b'"n":1', b'"n":2147483648'),
        WHOLE.replace(b'"n":1', b'"n":true'),
        WHOLE.replace(b'"n":1', b'"n":"1"'),
        WHOLE.replace(b'"n":1', b'"n":1.5'),
        WHOLE.replace(b'"n":1', b'"n":null'),
        WHOLE.replace(b"0.5", b"NaN"),
        WHOLE.replace(b"0.5", b"1e300"),
        WHOLE.replace(b'"A"', b'"C"'),
        WHOLE.replace(b"null", b"5"),
        WHOLE.replace(b"5,", b'"yesterday",', 1),
        WHOLE.replace(b"null", b'null,"raw":5'),
        WHOLE.replace(b"null", b'null,"list":[1,"2"]'),
        WHOLE.replace(b"null", b'null,"list":[2147483648]'),
    ],
)
@pytest.mark.parametrize("encoding", ["json", "avro_json"])
def test_json_that_is_no_message_is_refused(payload: bytes, encoding: Encoding) -> None:
    assert same(encoding, payload) is None


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (b"null", {"s": None}),
        (b'"x"', {"s": "x"}),
        (b'null,"other":{"x":1}', {"s": None}),
        (b'null,"n":3.0', {"s": None, "n": 3}),
        (b'null,"at":"1970-01-01T00:00:01.0025Z"', {"s": None, "at": 1002}),
        (b'null,"at":"1970-01-01T01:00:01+01:00"', {"s": None, "at": 1000}),
        (b'null,"local":"1970-01-01T00:00:01"', {"s": None, "local": 1_000_000}),
        (b'null,"day":"1970-01-03"', {"s": None, "day": 2}),
        (b'null,"raw":"/w==","list":[1,2]', {"s": None, "raw": b"\xff", "list": [1, 2]}),
    ],
)
def test_plain_json_is_read(given: bytes, expected: dict[str, Any]) -> None:
    usual = {"at": 5, "n": 1, "f": 0.5, "kind": "A"} | REST
    assert same("json", WHOLE.replace(b"null", given)) == usual | expected


def test_avro_json_is_read_with_its_tags() -> None:
    usual = {"at": 5, "n": 1, "f": 0.5, "kind": "A", "s": "x"} | REST
    assert same("avro_json", WHOLE.replace(b"null", b'{"string":"x"}')) == usual
    assert same("avro_json", WHOLE.replace(b"null", b'{"text":"x"}')) is None
    assert same("avro_json", WHOLE.replace(b',"s":null', b"")) is None


def test_a_local_time_has_no_zone_and_any_other_has_one() -> None:
    assert same("json", WHOLE.replace(b"null", b'null,"local":"1970-01-01T00:00:01Z"')) is None
    assert same("json", WHOLE.replace(b"null", b'null,"at":"1970-01-01T00:00:01"')) is None


def test_avro_binary_must_be_whole_and_nothing_more() -> None:
    payload = b"\x0a\x02\x00\x00\x00?\x00\x00\x00\x00\x00\x00"
    assert same("avro", payload) == {"at": 5, "n": 1, "f": 0.5, "kind": "A", "s": None} | REST
    assert all(same("avro", payload[:end]) is None for end in range(len(payload)))
    assert same("avro", payload + b"\x00") is None
    assert same("avro", b"\x0a\x80\x80\x80\x80\x20" + payload[2:]) is None  # 2**32 in an int
    assert same("avro", payload[:6] + b"\x04" + payload[7:]) is None  # a third symbol
