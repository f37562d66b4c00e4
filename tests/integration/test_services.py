"""The production ends against both emulators: what must exist is made or missed, and what is written arrives whole."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest
from google.cloud.bigquery import Client, SchemaField
from google.cloud.bigquery import Table as BigQueryTable

from streaming import services
from streaming.bigquery.columns import bigquery_schema
from streaming.endpoints import bigquery_client, show_pubsub
from streaming.errors import JobError, Mistakes, PermanentError
from streaming.local.processes import free_port
from streaming.options import Parameters
from streaming.registry import shared
from streaming.results import table_schema
from streaming.services import Table, Topic, prepare
from tests.integration.ends import OUTPUTS, PROJECT, contract, own_ends, received, rows

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("emulators")]

NOON = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)


@pytest.fixture
def client() -> Client:
    return bigquery_client(PROJECT)


@pytest.fixture
def parameters() -> Iterator[Parameters]:
    with own_ends() as ends:
        yield ends


@pytest.fixture
def prepared(parameters: Parameters) -> Parameters:
    prepare(parameters, contract(*OUTPUTS))
    return parameters


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
