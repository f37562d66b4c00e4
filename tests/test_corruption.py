"""Corrupted payloads are what their fault says, and what the job's schema still reads in them is known."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from producers.messages import Fault
from producers.synthesis.contents import Contents
from producers.synthesis.corruption import PayloadWriter, Sent
from producers.synthesis.faults import Drawn
from producers.synthesis.payloads import Encoding, encoder
from producers.synthesis.reference_reader import reference_reader
from streaming.schema import MessageSchema
from tests.stream_cases import MICROS, schema

FIELDS = {"name": "string", "at": MICROS, "value": ["null", "double"]}
SCHEMA = schema(FIELDS)
ENCODINGS: list[Encoding] = ["avro", "avro_json", "json"]
CODES = {fault: code for code, fault in enumerate(Fault)}


def contents(count: int, of: MessageSchema = SCHEMA) -> Contents:
    values: dict[str, Any] = {
        "name": [f"device_{row}" for row in range(count)],
        "at": list(range(count)),
        "value": [row / 4 for row in range(count)],
    }
    arrays = [pa.array(values[field.name], field.type) for field in of.fields]
    return Contents(pa.RecordBatch.from_arrays(arrays, names=[field.name for field in of.fields]), {})


def send(
    fault: Fault,
    encoding: Encoding = "avro",
    *,
    newer: MessageSchema | None = None,
    count: int = 20,
    of: MessageSchema = SCHEMA,
) -> Sent:
    """Messages of which every second has the fault."""
    codes = np.where(np.arange(count) % 2, CODES[fault], -1)
    return PayloadWriter(of, encoding, newer)(contents(count, of), Drawn(codes), np.random.default_rng(1))


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_messages_without_a_fault_are_as_they_were(encoding: Encoding) -> None:
    sent = send(Fault.LATE, encoding)
    assert sent.payloads.equals(encoder(SCHEMA, encoding)(contents(20).fields))
    assert sent.contents.fields.equals(contents(20).fields)
    assert sent.unreadable.to_pylist() == [False] * 20


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_truncated_payloads_lack_their_end(encoding: Encoding) -> None:
    sent = send(Fault.TRUNCATED, encoding, count=200)
    whole = encoder(SCHEMA, encoding)(contents(200).fields).to_pylist()
    payloads = sent.payloads.to_pylist()
    assert payloads[::2] == whole[::2]
    pairs = list(zip(payloads[1::2], whole[1::2], strict=True))
    assert all(before.startswith(cut) and 0 < len(cut) < len(before) for cut, before in pairs)
    assert len({len(cut) for cut, _ in pairs}) > 10
    assert sent.unreadable.to_pylist() == [False, True] * 100
    assert sent.contents.fields.to_pylist() == [
        {"name": None, "at": None, "value": None} if row % 2 else each
        for row, each in enumerate(contents(200).fields.to_pylist())
    ]


def test_a_payload_of_one_byte_is_truncated_to_none() -> None:
    one = schema({"value": ["null", "double"]})
    empty = Contents(pa.RecordBatch.from_pydict({"value": pa.array([None], pa.float64())}), {})
    sent = PayloadWriter(one, "avro", None)(empty, Drawn(np.array([CODES[Fault.TRUNCATED]])), np.random.default_rng(1))
    assert (sent.payloads.to_pylist(), sent.unreadable.to_pylist()) == ([b""], [True])


HEARTBEAT = schema({"battery_percent": "int", "firmware": "string"})
LOCATION = schema({"site": "string", "floor": "long", "x": "double"})
OPTIONAL = schema({"a": ["null", "string"], "b": ["null", "double"]})


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("of", [SCHEMA, HEARTBEAT, LOCATION, OPTIONAL], ids=["reading", "first", "second", "optional"])
def test_payloads_of_another_schema_are_refused_whatever_the_jobs_is(of: MessageSchema, encoding: Encoding) -> None:
    columns = {field.name: pa.array([None if field.nullable else 1] * 40).cast(field.type) for field in of.fields}
    wrong = Drawn(np.full(40, CODES[Fault.WRONG_SCHEMA]))
    writer = PayloadWriter(of, encoding, None)
    sent = writer(Contents(pa.RecordBatch.from_pydict(columns), {}), wrong, np.random.default_rng(1))
    assert sent.unreadable.to_pylist() == [True] * 40
    assert len(set(sent.payloads.to_pylist())) > 10


def test_a_payload_of_another_schema_is_whole_in_that_one() -> None:
    payloads = send(Fault.WRONG_SCHEMA).payloads.to_pylist()[1::2]
    read = reference_reader(HEARTBEAT, "avro")
    assert all((record := read(payload)) and 50 < record["battery_percent"] <= 100 for payload in payloads)


APPENDED = schema(FIELDS | {"volts": "double"}, {"volts": 3.7})


@pytest.mark.parametrize(("encoding", "refused"), [("avro", True), ("avro_json", False), ("json", False)])
def test_an_appended_field_is_refused_in_binary_and_ignored_in_json(encoding: Encoding, refused: bool) -> None:
    sent = send(Fault.SCHEMA_CHANGE, encoding, newer=APPENDED)
    assert sent.unreadable.to_pylist() == [False, refused] * 10
    newer = reference_reader(APPENDED, encoding)(sent.payloads[1].as_py())
    assert newer == {"name": "device_1", "at": 1, "value": 0.25, "volts": 3.7}
    if not refused:
        assert sent.contents.fields.equals(contents(20).fields)


CHANGED = schema(
    {
        "at": {"type": "long", "logicalType": "timestamp-millis"},
        "name": {"type": "enum", "name": "Known", "symbols": ["none", "device_1"]},
        "value": "int",
        "note": ["null", "string"],
        "raw": "bytes",
    }
)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_fields_of_a_newer_schema_are_carried_over_where_they_fit(encoding: Encoding) -> None:
    newer = schema({"name": "string", "at": "string", "value": "long", "tags": {"type": "array", "items": "int"}})
    sent = send(Fault.SCHEMA_CHANGE, encoding, newer=newer, count=12)
    read = reference_reader(newer, encoding)
    assert [read(payload) for payload in sent.payloads.to_pylist()[7:10:2]] == [
        {"name": "device_7", "at": "1970-01-01 00:00:00.000007Z", "value": 1, "tags": []},
        {"name": "device_9", "at": "1970-01-01 00:00:00.000009Z", "value": 2, "tags": []},
    ]


def test_what_does_not_fit_a_newer_schema_becomes_its_first_or_zero() -> None:
    payloads = send(Fault.SCHEMA_CHANGE, newer=CHANGED, count=4).payloads.to_pylist()
    rest = {"at": 0, "value": 0, "note": None, "raw": b""}
    read = reference_reader(CHANGED, "avro")
    assert [read(payload) for payload in payloads[1::2]] == [{"name": "device_1"} | rest, {"name": "none"} | rest]
    numbers = schema({"name": "double", "value": "double"}, {"name": 1.5})
    payload = send(Fault.SCHEMA_CHANGE, newer=numbers, count=2).payloads.to_pylist()[1]
    assert reference_reader(numbers, "avro")(payload) == {"name": 1.5, "value": 0.25}


def test_a_poisoned_message_is_read_back() -> None:
    assert send(Fault.POISON).contents.fields.equals(contents(20).fields)
