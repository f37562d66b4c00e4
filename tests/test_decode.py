"""Serialized PubsubMessages become rows of envelopes and fields, or failures that keep what is known."""

import json
import pickle
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal

import pyarrow as pa
import pytest
from google.protobuf.message import DecodeError
from google.pubsub_v1.types import PubsubMessage

from streaming.batches import ENVELOPE, FAILURE, TIMESTAMP, Batch
from streaming.decode import Decoder, raw_envelopes
from streaming.job_parts import Reference
from streaming.schema import parse_schema

SCHEMA = parse_schema(
    json.dumps(
        {
            "type": "record",
            "name": "Reading",
            "fields": [
                {"name": "device", "type": ["null", "string"]},
                {"name": "number", "type": "int"},
                {"name": "on", "type": "boolean"},
            ],
        }
    ),
    "reading.avsc",
)
PUBLISHED = datetime(2026, 1, 31, 12, 0, 0, 250_000, UTC)
READ = datetime(2026, 1, 31, 12, 0, 3, 141_592, UTC)
IN_AVRO = b"\x02\x02a\x0e\x01"  # device a, number 7, on
IN_AVRO_JSON = b'{"device": {"string": "a"}, "number": 7, "on": true}'
IN_PLAIN_JSON = b'{"device": "a", "number": 7, "on": true}'
COLUMNS = {"read_at": READ, "field:device": "a", "field:number": 7, "field:on": True}
BINARY = {"googclient_schemaencoding": "BINARY"}
JSON = {"googclient_schemaencoding": "JSON"}


def message(data: bytes, attributes: Mapping[str, str] | None = None, message_id: str = "m1") -> bytes:
    wrapped = PubsubMessage(data=data, attributes=attributes or {}, message_id=message_id, publish_time=PUBLISHED)
    return PubsubMessage.serialize(wrapped)


def clock() -> int:
    """The time `READ`, in nanoseconds."""
    return int(READ.timestamp()) * 1_000_000_000 + READ.microsecond * 1000 + 653


def decoder(
    encoding: Literal["avro", "json"] = "avro", key: str | None = None, identity: Reference | None = None
) -> Decoder:
    return Decoder(SCHEMA, encoding, Reference(field=key or "device"), identity, clock)


def row(payload: bytes, **known: Any) -> dict[str, Any]:
    envelope = {
        "id": "m1",
        "message_id": "m1",
        "publish_time": PUBLISHED,
        "key": "a",
        "event_time": None,
        "attributes": [],
        "payload": payload,
    }
    return {**envelope, **known}


def failed(payload: bytes, error_class: str, error_message: str, **known: Any) -> dict[str, Any]:
    failure = {
        "stage": "decode",
        "error_class": error_class,
        "error_message": error_message,
        "model": None,
        "stacktrace": None,
    }
    return {**row(payload, **known), **failure}


def column(batch: Batch, name: str) -> list[Any]:
    values: list[Any] = batch.column(name).to_pylist()
    return values


def test_a_message_becomes_a_row() -> None:
    batch = decoder()([message(IN_AVRO, {"site": "north"})])
    assert batch.rows.to_pylist() == [{**row(IN_AVRO, attributes=[("site", "north")]), **COLUMNS}]
    assert batch.failures.num_rows == 0


@pytest.mark.parametrize("messages", [[], [message(b"")]])
def test_without_good_messages_the_columns_are_the_same(messages: list[bytes]) -> None:
    batch = decoder()(messages)
    added = [
        ("read_at", TIMESTAMP),
        ("field:device", pa.string()),
        ("field:number", pa.int32()),
        ("field:on", pa.bool_()),
    ]
    assert batch.rows.schema == pa.schema([*ENVELOPE, *pa.schema(added)])
    assert len(batch) == 0
    assert (batch.failures.schema, batch.failures.num_rows) == (FAILURE, len(messages))


@pytest.mark.parametrize(
    ("encoding", "attributes", "payload"),
    [
        ("avro", {}, IN_AVRO),
        ("json", {}, IN_PLAIN_JSON),
        ("avro", BINARY, IN_AVRO),
        ("json", BINARY, IN_AVRO),
        ("avro", JSON, IN_AVRO_JSON),
        ("json", JSON, IN_AVRO_JSON),
        ("json", {"googclient_schemaencoding": "ENCODING_UNSPECIFIED"}, IN_PLAIN_JSON),
    ],
)
def test_each_message_is_read_in_its_own_encoding(
    encoding: Literal["avro", "json"], attributes: dict[str, str], payload: bytes
) -> None:
    batch = decoder(encoding)([message(payload, attributes)])
    assert batch.rows.to_pylist() == [{**row(payload, attributes=list(attributes.items())), **COLUMNS}]


def test_a_batch_of_all_encodings_keeps_its_order() -> None:
    messages = [
        message(IN_PLAIN_JSON, message_id="0"),
        message(IN_AVRO, BINARY, "1"),
        message(IN_AVRO_JSON, JSON, "2"),
        message(IN_PLAIN_JSON, BINARY, "3"),
        message(b'{"device": "b", "number": 8, "on": false}', message_id="4"),
        message(b"\x02\x02c\x12\x00", BINARY, "5"),
    ]
    batch = decoder("json")(messages)
    assert column(batch, "message_id") == ["0", "1", "2", "4", "5"]
    assert column(batch, "key") == ["a", "a", "a", "b", "c"]
    assert column(batch, "field:number") == [7, 7, 7, 8, 9]
    assert batch.failures.column("message_id").to_pylist() == ["3"]


@pytest.mark.parametrize(("field", "text"), [("device", "a"), ("number", "7"), ("on", "true")])
def test_a_key_is_a_field_as_text(field: str, text: str) -> None:
    batch = decoder(key=field)([message(IN_AVRO)])
    assert column(batch, "key") == [text]


def test_a_key_may_be_an_attribute() -> None:
    keyed = Decoder(SCHEMA, "avro", Reference(attribute="gate"), None)
    batch = keyed([message(IN_AVRO, {"a": "x", "gate": "g1", "z": "y"}), message(b"", {"gate": "g2"})])
    assert column(batch, "key") == ["g1"]
    assert batch.failures.to_pylist() == [
        failed(b"", "EmptyPayload", "the payload is empty", key="g2", attributes=[("gate", "g2")])
    ]


def test_messages_without_a_key_fail() -> None:
    null, empty = b"\x00\x0e\x01", b"\x02\x00\x0e\x01"
    batch = decoder()([message(null), message(IN_AVRO), message(empty)])
    assert column(batch, "key") == ["a"]
    why = "no key: the field device is null or empty"
    assert batch.failures.to_pylist() == [
        failed(null, "MissingKey", why, key=None),
        failed(empty, "MissingKey", why, key=None),
    ]


def test_messages_without_the_keys_attribute_fail() -> None:
    batch = Decoder(SCHEMA, "avro", Reference(attribute="gate"))([message(IN_AVRO), message(IN_AVRO, {"gate": ""})])
    assert batch.failures.column("error_message").to_pylist() == ["no key: the attribute gate is missing or empty"] * 2


def test_a_replayed_message_keeps_its_id() -> None:
    messages = [
        message(IN_AVRO, {"original_message_id": "m0"}),
        message(IN_AVRO, {"original_message_id": ""}),
        message(IN_AVRO),
    ]
    batch = decoder()(messages)
    assert column(batch, "id") == ["m0", "m1", "m1"]
    assert column(batch, "message_id") == ["m1", "m1", "m1"]


def test_an_id_may_be_a_field() -> None:
    batch = decoder(identity=Reference(field="number"))([message(IN_AVRO, {"original_message_id": "m0"})])
    assert column(batch, "id") == ["7"]


def test_messages_without_their_id_fail_under_the_message_id() -> None:
    identity = Reference(attribute="reading")
    batch = decoder(identity=identity)([message(IN_AVRO), message(IN_AVRO, {"reading": "r1"})])
    assert column(batch, "id") == ["r1"]
    assert batch.failures.to_pylist() == [
        failed(IN_AVRO, "MissingId", "no id: the attribute reading is missing or empty")
    ]


def test_a_message_that_cannot_be_decoded_keeps_what_is_known() -> None:
    identity = Reference(attribute="reading")
    bad = IN_AVRO + b"\x00"
    batch = decoder(identity=identity)([message(bad, {"reading": "r1"}), message(bad)])
    why = "1 of 6 bytes follow the datum"
    assert batch.failures.to_pylist() == [
        failed(bad, "TrailingBytes", why, id="r1", key=None, attributes=[("reading", "r1")]),
        failed(bad, "TrailingBytes", why, key=None),
    ]


def test_the_time_is_read_once_for_a_batch() -> None:
    times = iter([1_000_000_000, 2_000_000_000])
    decode = Decoder(SCHEMA, "avro", Reference(field="device"), clock=lambda: next(times))
    first, second = (datetime(1970, 1, 1, 0, 0, second, tzinfo=UTC) for second in (1, 2))
    assert column(decode([message(IN_AVRO)] * 3), "read_at") == [first] * 3
    assert column(decode([message(IN_AVRO), message(b""), message(IN_AVRO)]), "read_at") == [second] * 2


def test_the_clock_is_that_of_the_machine() -> None:
    before = datetime.now(UTC)
    (read_at,) = column(Decoder(SCHEMA, "avro", Reference(field="device"))([message(IN_AVRO)]), "read_at")
    assert before <= read_at <= datetime.now(UTC)


def test_a_decoder_survives_pickling() -> None:
    original = decoder("json", identity=Reference(field="number"))
    batch, again = original([message(IN_PLAIN_JSON)]), pickle.loads(pickle.dumps(original))([message(IN_PLAIN_JSON)])
    assert again.rows.equals(batch.rows)
    assert again.failures.equals(batch.failures)


def test_raw_envelopes_do_without_the_payload() -> None:
    replayed = message(b"?", {"original_message_id": "m0"})
    envelopes = raw_envelopes([replayed, b"\xff\xff"])
    assert envelopes.schema == ENVELOPE
    assert envelopes.to_pylist() == [
        row(b"?", id="m0", key=None, attributes=[("original_message_id", "m0")]),
        row(b"\xff\xff", id="", message_id="", key=None, publish_time=datetime(1970, 1, 1, tzinfo=UTC)),
    ]


def test_what_is_no_pubsub_message_is_not_foreseen() -> None:
    with pytest.raises(DecodeError):
        decoder()([b"\xff\xff"])
