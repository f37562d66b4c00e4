"""The production ends against both emulators: what must exist is made or missed, and everything arrives whole."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pyarrow as pa
import pytest
from google.cloud.bigquery import Client, SchemaField
from google.cloud.bigquery import Table as BigQueryTable
from google.pubsub_v1.types import PubsubMessage

from streaming import services
from streaming.batches import ENVELOPE, Batch, Failure, failure_rows
from streaming.bigquery.columns import bigquery_schema
from streaming.endpoints import bigquery_client, publisher_client, show_pubsub, subscriber_client
from streaming.errors import JobError, Mistakes, PermanentError
from streaming.job import Message
from streaming.job_parts import Reference
from streaming.local.processes import free_port
from streaming.options import Parameters
from streaming.registry import forget, shared
from streaming.results import table_schema
from streaming.schema import parse_schema
from streaming.services import DeadLetters, Table, Topic, prepare
from streaming.wiring import Contract, Output
from tests.builders import X, plan

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("emulators")]

PROJECT = "my-project"
NOON = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
OUTPUTS = (
    Output("score", "score", pa.float64()),
    Output("scores", "scores", pa.list_(pa.float64())),
    Output("counts", "counts", pa.list_(pa.int64())),
    Output("labels", "labels", pa.list_(pa.string())),
    Output("high", "high", pa.bool_()),
    Output("flags", "flags", pa.list_(pa.bool_())),
)


@pytest.fixture(autouse=True)
def _anew_for_each_test() -> Iterator[None]:
    """What the process shares is closed, since the emulators may be others the next time."""
    yield
    for key in ("append", "publisher"):
        client: Any = shared(key, lambda: None)
        if client is not None:
            client.close()
        forget(key)
    forget(("bigquery", PROJECT))


@pytest.fixture
def client() -> Client:
    return bigquery_client(PROJECT)


@pytest.fixture
def parameters(client: Client) -> Parameters:
    """A dataset, topics with subscriptions `<topic>-read`, and the input's, all of the test's own."""
    name = f"t{uuid4().hex[:10]}"
    client.create_dataset(name)
    topics = [f"projects/{PROJECT}/topics/{name}-{kind}" for kind in ("in", "out", "dead")]
    with publisher_client() as publisher, subscriber_client() as subscriber:
        for topic in topics:
            publisher.create_topic(name=topic)
            request = {"name": read_by(topic), "topic": topic, "enable_message_ordering": True}
            subscriber.create_subscription(request=request)
    return Parameters(
        job_file="job.yaml",
        input_subscription=read_by(topics[0]),
        output_table=f"{PROJECT}.{name}.predictions",
        output_topic=topics[1],
        output_deadletter_topic=topics[2],
    )


@pytest.fixture
def prepared(parameters: Parameters) -> Parameters:
    prepare(parameters, contract(*OUTPUTS))
    return parameters


def read_by(topic: str) -> str:
    return topic.replace("/topics/", "/subscriptions/") + "-read"


def contract(*outputs: Output) -> Contract:
    schema = parse_schema('{"type": "record", "name": "R", "fields": [{"name": "value", "type": "double"}]}', "r.avsc")
    message = Message(format="avro", schema="r.avsc", key=Reference(attribute="device"))
    return Contract(message, schema, timedelta(minutes=1), (X,), (plan(outputs=outputs),))


def rows(client: Client, table: str, order: str) -> list[dict[str, Any]]:
    return [dict(row) for row in client.query(f"SELECT * FROM `{table}` ORDER BY {order}").result()]


def received(topic: str, count: int) -> list[PubsubMessage]:
    """So many messages of the topic, in the order of their arrival."""
    messages: list[PubsubMessage] = []
    with subscriber_client() as subscriber:
        while len(messages) < count:
            pulled = subscriber.pull(subscription=read_by(topic), max_messages=1000, timeout=60).received_messages
            if pulled:
                subscriber.acknowledge(subscription=read_by(topic), ack_ids=[each.ack_id for each in pulled])
            messages += [each.message for each in pulled]
    return messages


def test_prepare_makes_tables_and_view_once(client: Client, parameters: Parameters) -> None:
    for _ in range(2):
        prepare(parameters, contract(*OUTPUTS))
        tables = {each.table_id: each.table_type for each in client.list_tables(parameters.output_table.split(".")[1])}
        assert tables == {"predictions": "TABLE", "predictions_distinct": "VIEW", "predictions_error_records": "TABLE"}
        predictions = client.get_table(parameters.output_table)
        expected = bigquery_schema(table_schema(contract(*OUTPUTS).output_columns))
        assert [(each.name, each.field_type, each.mode) for each in predictions.schema] == [
            (each.name, each.field_type, each.mode) for each in expected
        ]


def test_a_column_that_does_not_fit_is_refused_with_one_line(client: Client, parameters: Parameters) -> None:
    schema = bigquery_schema(table_schema(contract(*OUTPUTS).output_columns))
    changed = [SchemaField("score", "STRING") if field.name == "score" else field for field in schema]
    client.create_table(BigQueryTable(parameters.output_table, changed))
    with pytest.raises(Mistakes) as mistakes:
        prepare(parameters, contract(*OUTPUTS))
    assert mistakes.value.lines == (
        f"output_table {parameters.output_table}: column score is STRING, the job writes FLOAT64; "
        "rename the job's column or write to another table",
    )


@pytest.mark.parametrize(
    ("place", "kind"),
    [("input_subscription", "subscriptions"), ("output_topic", "topics"), ("output_deadletter_topic", "topics")],
)
def test_what_is_missing_in_pubsub_is_named_with_the_remedy(parameters: Parameters, place: str, kind: str) -> None:
    missing = getattr(parameters, place) + "-missing"
    with pytest.raises(PermanentError) as error:
        prepare(parameters.model_copy(update={place: missing}), contract(*OUTPUTS))
    assert str(error.value) == f"{place}: there is no {missing}; create it with gcloud pubsub {kind} create"


def test_a_name_that_pubsub_does_not_take_is_said_to_be_one(parameters: Parameters) -> None:
    name = f"projects/{PROJECT}/topics/1"
    with pytest.raises(PermanentError) as error:
        prepare(parameters.model_copy(update={"output_topic": name}), contract(*OUTPUTS))
    assert str(error.value) == (
        f"output_topic: {name} is no name that Pub/Sub takes; mend it (400 Invalid [topics] name: (name={name}))"
    )


def test_a_pubsub_that_does_not_answer_may_answer_later(
    parameters: Parameters, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", f"localhost:{free_port()}")
    monkeypatch.setattr(services, "_SEE_SECONDS", 0.1)
    with pytest.raises(JobError) as error:
        prepare(parameters, contract(*OUTPUTS))
    assert type(error.value) is JobError
    assert str(error.value).startswith(
        f"input_subscription: {show_pubsub()} does not tell whether there is {parameters.input_subscription}; "
        "see whether it is up (Timeout of 0.1s"
    )


def test_missing_credentials_come_with_the_remedy(
    parameters: Parameters, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    for name in ("PUBSUB_EMULATOR_HOST", "BIGQUERY_EMULATOR_HOST", "GOOGLE_APPLICATION_CREDENTIALS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    with pytest.raises(PermanentError) as error:
        prepare(parameters, contract(*OUTPUTS))
    assert str(error.value).startswith(
        "no valid credentials; run gcloud auth application-default login (Your default credentials were not found."
    )


def test_rows_come_out_of_the_table_whole(client: Client, parameters: Parameters) -> None:
    prepare(parameters, contract(*OUTPUTS))
    schema = table_schema(contract(*OUTPUTS).output_columns)
    fixed = {
        **dict.fromkeys(("event_time", "publish_time", "read_at", "window_start", "window_end", "processed_at"), NOON),
        "message_id": "4711",
        "model": "times5",
        "model_version": "v1",
        "model_fingerprint": "f1",
        "batch_size": 3,
        "job_hash": "j1",
    }
    written = [
        {
            **fixed,
            "prediction_id": "a/times5",
            "key": "Gerät-1",
            "score": 1e-300,
            "scores": [1.5, -0.1, 3.0],
            "counts": [2**62, -1],
            "labels": ["", 'ü\n"'],
            "high": True,
            "flags": [True, False],
        },
        {
            **fixed,
            "prediction_id": "b/times5",
            "key": "k" * 100_000,
            "score": -2.5,
            "scores": [],
            "counts": [],
            "labels": [],
            "high": False,
            "flags": [],
        },
        {**dict.fromkeys(schema.names), "prediction_id": "c/times5"},
    ]
    assert Table(parameters.output_table).append(pa.RecordBatch.from_pylist(written, schema)).result(60) == []
    repeated = [field.name for field in schema if pa.types.is_list(field.type)]
    empty = {**written[2], **{name: [] for name in repeated}}
    assert rows(client, parameters.output_table, "prediction_id") == [*written[:2], empty]


def test_a_connection_that_has_broken_down_fails_one_bundle_and_is_replaced(prepared: Parameters) -> None:
    schema = table_schema(contract(*OUTPUTS).output_columns)
    row = pa.RecordBatch.from_pylist([{**dict.fromkeys(schema.names), "prediction_id": "a/times5"}], schema)
    table = Table(prepared.output_table)
    assert table.append(row).result(60) == []
    broken: Any = shared("append", lambda: None)
    broken.close()
    with pytest.raises(RuntimeError, match="closed"):
        table.append(row)
    assert table.append(row).result(60) == []


@pytest.mark.parametrize("ordering", [False, True])
def test_messages_carry_their_key_as_ordering_key_where_asked(parameters: Parameters, ordering: bool) -> None:
    assert parameters.output_topic
    data = [f"{number}".encode() for number in range(6)]
    attributes = [{"key": f"device-{number % 2}", "model": "times5"} for number in range(6)]
    keys = [each["key"] for each in attributes]
    assert Topic(parameters.output_topic, ordering).publish(data, attributes, keys).result(60) == []
    messages = received(parameters.output_topic, 6)
    assert sorted((each.data, dict(each.attributes), each.ordering_key) for each in messages) == [
        (datum, each, key if ordering else "") for datum, each, key in zip(data, attributes, keys, strict=True)
    ]
    if ordering:
        for key in ("device-0", "device-1"):
            of_key = [each.data for each in messages if each.ordering_key == key]
            assert of_key == sorted(of_key)


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
