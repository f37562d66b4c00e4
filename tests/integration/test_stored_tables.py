"""A table read from bqemulator, whose Storage Read service gives Arrow as BigQuery's does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pytest
from google.cloud.bigquery import SchemaField, Table

from streaming import registry
from streaming.endpoints import bigquery_client
from streaming.stored.inputs import Found, find
from streaming.stored.tables import read

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("emulators", "_client")]


@pytest.fixture
def _client() -> Iterator[None]:
    registry.forget("bigquery_read_client")
    yield
    registry.forget("bigquery_read_client")


def made(name: str) -> str:
    client = bigquery_client("my-project")
    client.create_dataset("stored", exists_ok=True)
    columns = [SchemaField("key", "STRING"), SchemaField("value", "FLOAT64"), SchemaField("at", "TIMESTAMP")]
    client.create_table(Table(f"my-project.stored.{name}", columns))
    return f"my-project:stored.{name}"


def rows_of(found: Found) -> list[dict[str, Any]]:
    """All rows, into however many streams and responses the service divides them."""
    batches = [records.rows for part in found.parts for records in read(part, found.columns)]
    return pa.Table.from_batches(batches, found.columns).to_pylist()


def test_the_rows_of_a_table() -> None:
    name = made("readings")
    rows = [{"key": f"k{n}", "value": n / 2, "at": "2026-01-01T00:00:00Z"} for n in range(300)]
    assert bigquery_client("my-project").insert_rows_json("my-project.stored.readings", rows) == []
    found = find(None, name, {"key", "value"})
    assert (found.form, found.parameter, found.value) == ("rows", "input_table", name)
    assert found.origins == ("my-project.stored.readings",)
    assert found.columns == pa.schema([("key", pa.string()), ("value", pa.float64())])
    assert sorted(rows_of(found), key=lambda row: row["value"]) == [
        {"key": row["key"], "value": row["value"]} for row in rows
    ]
    assert find(None, name).columns == pa.schema([*found.columns, ("at", pa.timestamp("us", tz="UTC"))])


def test_an_empty_table() -> None:
    assert rows_of(find(None, made("empty"))) == []
