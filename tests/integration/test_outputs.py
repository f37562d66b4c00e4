"""The job's tables, filled as a job fills them, and read back for a score; against bqemulator."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

import pyarrow as pa
import pytest
from google.cloud.bigquery import Client

from producers.scoring.outputs import Outputs, read_outputs
from producers.scoring.score import score
from streaming.bigquery.columns import bigquery_schema
from streaming.bigquery.error_records import insert
from streaming.bigquery.storage_write import AppendConnection
from streaming.bigquery.table_ids import TableId
from streaming.bigquery.tables import ensure_error_table, ensure_table
from streaming.endpoints import bigquery_client, bigquery_write_client
from streaming.errors import Mistakes
from streaming.results import table_schema
from tests.score_cases import SENT, START, answers, contract, letter, letters, outputs, row, rows, truth

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("emulators")]

OUTPUTS = [pa.field("prediction", pa.float64()), pa.field("label", pa.string()), pa.field("k", pa.list_(pa.int64()))]
ATTRIBUTES = [{"key": "original_message_id", "value": "m2"}]


@pytest.fixture
def client() -> Client:
    client = bigquery_client("my-project")
    client.create_dataset("scored", exists_ok=True)
    return client


def fill(client: Client, name: str, table: list[dict[str, Any]], dead: list[dict[str, Any]]) -> str:
    """A table of predictions and one of dead letters, as a job makes and fills them."""
    columns = table_schema(OUTPUTS)
    predictions, errors = (TableId("my-project", "scored", each) for each in (name, f"{name}_error_records"))
    ensure_table(client, predictions, bigquery_schema(columns))
    ensure_error_table(client, errors)
    connection = AppendConnection(bigquery_write_client())
    assert connection.append(str(predictions), pa.RecordBatch.from_pylist(table, columns)).result(30) == []
    connection.close()
    insert(client, errors, [as_json(each) for each in dead], [None] * len(dead))
    return str(predictions)


def as_json(each: dict[str, Any]) -> dict[str, Any]:
    payload = each["payloadBytes"]
    return each | {
        "timestamp": each["timestamp"].isoformat(),
        "payloadString": payload.decode(),
        "payloadBytes": base64.b64encode(payload).decode(),
    }


def sorted_rows(table: pa.Table | None) -> list[dict[str, Any]]:
    assert table is not None
    return sorted(table.to_pylist(), key=repr)


def test_tables_are_read_as_they_were_written(client: Client) -> None:
    dead = [*letters()[1:], letter(2, "decode", attributes=ATTRIBUTES)]
    made = fill(client, "whole", [each | {"label": "a", "k": [1, 2]} for each in rows()], dead)
    found = read_outputs(made, None, None, START, OUTPUTS)
    assert found.table is not None
    kept = [name for name in found.table.schema.names if name not in ("label", "k")]
    written = outputs(rows(), dead)
    assert sorted_rows(found.table.select(kept)) == sorted_rows(written.table)
    assert found.table["k"].to_pylist() == [[1, 2]] * len(rows())
    assert sorted_rows(found.dead_letters) == sorted_rows(written.dead_letters)
    read = Outputs(found.table, None, found.dead_letters)
    assert score(truth(*SENT), contract(), read, answers()).ok


def test_what_is_older_is_left_out(client: Client) -> None:
    made = fill(client, "older", [row(1, "times5"), row(2, "times5")], [letter(1, "decode"), letter(2, "decode")])
    found = read_outputs(made.replace(".", ":", 1), None, None, START + timedelta(seconds=2), OUTPUTS)
    assert [table["message_id"].to_pylist() for table in (found.table, found.dead_letters) if table] == [["m2"], ["m2"]]


def test_an_empty_table_has_no_rows(client: Client) -> None:
    made = fill(client, "empty", [row(1, "times5")], [letter(1, "decode")])
    found = read_outputs(made, None, None, START + timedelta(days=1), OUTPUTS)
    assert [table.num_rows for table in (found.table, found.dead_letters) if table is not None] == [0, 0]


def test_a_missing_table_is_one_line(client: Client) -> None:
    with pytest.raises(Mistakes, match=r"^--table my-project.scored.nowhere: no such table; name one that the job"):
        read_outputs("my-project.scored.nowhere", None, None, START, OUTPUTS)
