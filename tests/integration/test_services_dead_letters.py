"""Dead letters against both emulators: table and topic get them whole."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pytest
from google.cloud.bigquery import Client

from streaming.batches import ENVELOPE, Batch, Failure, failure_rows
from streaming.endpoints import bigquery_client
from streaming.errors import PermanentError
from streaming.options import Parameters
from streaming.services import DeadLetters, prepare
from tests.integration.ends import OUTPUTS, PROJECT, contract, own_ends, received, rows

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("emulators")]


@pytest.fixture
def client() -> Client:
    return bigquery_client(PROJECT)


@pytest.fixture
def prepared() -> Iterator[Parameters]:
    with own_ends() as ends:
        prepare(ends, contract(*OUTPUTS))
        yield ends


def failures(*envelopes: dict[str, Any]) -> pa.RecordBatch:
    """Each is a message that the second step has rejected; what is not said of it is unknown."""
    given = [dict.fromkeys(ENVELOPE.names) | envelope for envelope in envelopes]
    wrong = Failure("infer:times5", "InvalidArgumentError", "no number", "times5", "a\n  b")
    return failure_rows(pa.RecordBatch.from_pylist(given, ENVELOPE), [wrong] * len(given))


def write(parameters: Parameters, failed: pa.RecordBatch) -> None:
    DeadLetters(parameters.deadletter_table, parameters.output_deadletter_topic, "my-job").write(failed)


def test_a_dead_letter_goes_whole_to_table_and_topic(client: Client, prepared: Parameters) -> None:
    payload = bytes(range(256))
    known = {"message_id": "1", "key": "Gerät", "payload": payload, "attributes": [("a", "1"), ("ü", "")]}
    write(prepared, failures(known, {"message_id": "2", "payload": b""}))
    shown = {"errorMessage": "no number", "stacktrace": "a\n  b", "stage": "infer:times5"}
    shown |= {"error_class": "InvalidArgumentError", "model": "times5", "job_name": "my-job"}
    found = rows(client, prepared.deadletter_table, "message_id")
    (timestamp,) = {row.pop("timestamp") for row in found}
    assert found == [
        {
            **shown,
            "payloadString": payload.decode(errors="replace"),
            "payloadBytes": payload,
            "attributes": [{"key": "a", "value": "1"}, {"key": "ü", "value": ""}],
            "message_id": "1",
            "key": "Gerät",
        },
        {**shown, "payloadString": "", "payloadBytes": b"", "attributes": [], "message_id": "2", "key": None},
    ]
    said = {
        "error_stage": "infer:times5",
        "error_class": "InvalidArgumentError",
        "error_message": "no number",
        "error_model": "times5",
        "error_job_name": "my-job",
        "error_timestamp": timestamp.isoformat(),
    }
    assert prepared.output_deadletter_topic
    messages = received(prepared.output_deadletter_topic, 2)
    assert sorted(((each.data, dict(each.attributes)) for each in messages), key=lambda each: each[0]) == [
        (b"", {**said, "error_message_id": "2", "original_message_id": "2"}),
        (
            payload,
            {**said, "a": "1", "ü": "", "error_key": "Gerät", "error_message_id": "1", "original_message_id": "1"},
        ),
    ]


def test_an_event_goes_to_table_and_topic_without_a_message(client: Client, prepared: Parameters) -> None:
    refused = Failure("generation", "GenerationRefusedError", "generation 2: no variables", "times5")
    write(prepared, Batch(pa.RecordBatch.from_pylist([], ENVELOPE)).with_events([refused, refused]).failures)
    found = rows(client, prepared.deadletter_table, "message_id")
    (timestamp,) = {row.pop("timestamp") for row in found}
    event = {
        "payloadString": "",
        "payloadBytes": b"",
        "attributes": [],
        "errorMessage": "generation 2: no variables",
        "stacktrace": None,
        "stage": "generation",
        "error_class": "GenerationRefusedError",
        "message_id": None,
        "key": None,
        "model": "times5",
        "job_name": "my-job",
    }
    assert found == [event, event]
    said = {
        "error_stage": "generation",
        "error_class": "GenerationRefusedError",
        "error_message": "generation 2: no variables",
        "error_model": "times5",
        "error_job_name": "my-job",
        "error_timestamp": timestamp.isoformat(),
    }
    assert prepared.output_deadletter_topic
    messages = received(prepared.output_deadletter_topic, 2)
    assert [(each.data, dict(each.attributes)) for each in messages] == [(b"", said), (b"", said)]


def test_a_payload_of_9_9_megabytes(client: Client, prepared: Parameters) -> None:
    payload = b"0123456789" * 990_000
    write(prepared, failures({"message_id": "1", "payload": payload}))
    (row,) = rows(client, prepared.deadletter_table, "message_id")
    assert row["payloadBytes"] == payload[: 4 << 20]
    assert row["payloadString"] == payload[: 1 << 20].decode()
    assert row["errorMessage"] == "(payloadBytes holds 4194304 of 9900000 bytes) no number"
    assert prepared.output_deadletter_topic
    (message,) = received(prepared.output_deadletter_topic, 1)
    assert message.data == payload


def test_a_hundred_attributes(client: Client, prepared: Parameters) -> None:
    attributes = {f"name-{number:03}": "v" * number for number in range(100)}
    write(prepared, failures({"message_id": "1", "payload": b"x", "attributes": list(attributes.items())}))
    (row,) = rows(client, prepared.deadletter_table, "message_id")
    assert {each["key"]: each["value"] for each in row["attributes"]} == attributes
    assert prepared.output_deadletter_topic
    (message,) = received(prepared.output_deadletter_topic, 1)
    kept = {name: value for name, value in message.attributes.items() if name in attributes}
    assert len(message.attributes) == 100
    assert kept == dict(list(attributes.items())[: len(kept)])  # the shortest
    assert message.attributes["error_dropped_attributes"] == str(100 - len(kept))


def test_six_hundred_at_once(client: Client, prepared: Parameters) -> None:
    payloads = {str(number): f"payload {number}".encode() for number in range(600)}
    write(prepared, failures(*({"message_id": name, "payload": payload} for name, payload in payloads.items())))
    found = rows(client, prepared.deadletter_table, "message_id")
    assert len(found) == 600
    assert {row["message_id"]: row["payloadBytes"] for row in found} == payloads
    assert prepared.output_deadletter_topic
    messages = received(prepared.output_deadletter_topic, 600)
    assert len(messages) == 600
    assert {each.attributes["error_message_id"]: each.data for each in messages} == payloads


def test_a_dead_letter_that_the_topic_does_not_take_fails(prepared: Parameters) -> None:
    missing = f"{prepared.output_deadletter_topic}-missing"
    with pytest.raises(PermanentError, match=f"^topic {missing}: no such topic; create it with gcloud pubsub topics"):
        DeadLetters(prepared.deadletter_table, missing, "my-job").write(failures({"payload": b"x"}))


def test_without_a_topic_the_table_has_them_alone(client: Client, prepared: Parameters) -> None:
    DeadLetters(prepared.deadletter_table, None, "my-job").write(failures({"message_id": "1", "payload": b"x"}))
    assert [row["message_id"] for row in rows(client, prepared.deadletter_table, "message_id")] == ["1"]
