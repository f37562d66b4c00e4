"""The job's tables against bqemulator, as far as it goes.

It does not tell a missing dataset from an error of its own, and it forgets to give an existing table its new columns.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest
from google.cloud.bigquery import Client, SchemaField

from streaming.batches import TIMESTAMP
from streaming.bigquery.storage_write import AppendConnection
from streaming.bigquery.table_ids import TableId
from streaming.bigquery.tables import distinct_view_id, ensure_distinct_view, ensure_error_table, ensure_table
from streaming.endpoints import bigquery_client, bigquery_write_client
from streaming.errors import Mistakes

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("emulators")]

SCHEMA = [
    SchemaField("prediction_id", "STRING", "REQUIRED"),
    SchemaField("key", "STRING"),
    SchemaField("model", "STRING"),
    SchemaField("event_time", "TIMESTAMP"),
    SchemaField("processed_at", "TIMESTAMP"),
    SchemaField("scores", "FLOAT64", "REPEATED"),
]
NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)


@pytest.fixture
def client() -> Client:
    client = bigquery_client("my-project")
    client.create_dataset("tables", exists_ok=True)
    return client


def rows(client: Client, table: TableId) -> list[dict[str, Any]]:
    return [dict(row) for row in client.query(f"SELECT * FROM `{table}`").result()]


def described(client: Client, table: TableId) -> list[tuple[str, str, str]]:
    return [(field.name, field.field_type, field.mode) for field in client.get_table(str(table)).schema]


def test_a_table_is_made_once(client: Client) -> None:
    table = TableId("my-project", "tables", "once")
    ensure_table(client, table, SCHEMA)
    ensure_table(client, table, SCHEMA)
    made = client.get_table(str(table))
    assert (made.time_partitioning.field, made.clustering_fields) == ("event_time", ["key", "model"])
    assert described(client, table) == [(field.name, field.field_type, field.mode) for field in SCHEMA]


def test_a_table_that_would_have_to_grow_is_refused(client: Client) -> None:
    table = TableId("my-project", "tables", "grows")
    ensure_table(client, table, SCHEMA)
    with pytest.raises(Mistakes, match=r"lacks y, which the emulator cannot add; delete the table, or name another$"):
        ensure_table(client, table, [*SCHEMA, SchemaField("y", "STRING", "REQUIRED")])


def test_a_table_that_does_not_fit_is_refused(client: Client) -> None:
    table = TableId("my-project", "tables", "misfit")
    ensure_table(client, table, SCHEMA)
    with pytest.raises(Mistakes, match=r"column scores is REPEATED, the job writes NULLABLE"):
        ensure_table(client, table, [*SCHEMA[:-1], SchemaField("scores", "FLOAT64")])


def test_a_missing_dataset_is_named(client: Client) -> None:
    with pytest.raises(Mistakes, match=r"^output_table my-project\.nowhere\.t: no such dataset; create it with bq mk"):
        ensure_table(client, TableId("my-project", "nowhere", "t"), SCHEMA)


def test_the_view_shows_the_latest_of_repeated_predictions(client: Client) -> None:
    table = TableId("my-project", "tables", "repeated")
    ensure_table(client, table, SCHEMA)
    ensure_distinct_view(client, table)
    ensure_distinct_view(client, table)
    arrow = pa.schema(
        [
            ("prediction_id", pa.string()),
            ("key", pa.string()),
            ("model", pa.string()),
            ("event_time", TIMESTAMP),
            ("processed_at", TIMESTAMP),
            ("scores", pa.list_(pa.float64())),
        ]
    )
    written = [
        {
            "prediction_id": name,
            "key": "k",
            "model": "m",
            "event_time": NOON,
            "processed_at": NOON.replace(second=second),
            "scores": [second / 2, 1.0],
        }
        for name, second in [("a", 1), ("b", 1), ("a", 2)]
    ]
    connection = AppendConnection(bigquery_write_client())
    assert connection.append(str(table), pa.RecordBatch.from_pylist(written, arrow)).result(30) == []
    connection.close()
    assert sorted(rows(client, distinct_view_id(table)), key=lambda row: str(row["prediction_id"])) == [
        written[2],
        written[1],
    ]


def test_the_table_of_dead_letters_takes_rows_with_attributes(client: Client) -> None:
    table = TableId("my-project", "tables", "errors")
    ensure_error_table(client, table)
    ensure_error_table(client, table)
    row = {"timestamp": "2024-05-01T12:00:00Z", "payloadString": "x", "payloadBytes": "eA=="}
    assert (
        client.insert_rows_json(str(table), [{**row, "attributes": [{"key": "a", "value": "b"}]}], row_ids=["1"]) == []
    )
    (found,) = rows(client, table)
    assert (found["timestamp"], found["payloadBytes"], found["attributes"]) == (
        NOON,
        b"x",
        [{"key": "a", "value": "b"}],
    )
