"""The BigQuery emulator under several callers at once: all of them are answered, with what was written."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing

import pyarrow as pa
import pytest
from google.cloud.bigquery import Client, Dataset, SchemaField, Table

from streaming.bigquery.storage_write import AppendConnection
from streaming.endpoints import bigquery_client, bigquery_write_client
from streaming.local.emulators import BigQueryEmulator

pytestmark = pytest.mark.integration

ROUNDS = 40
ROWS = 200
PATIENCE = 60  # seconds until callers count as hung


@pytest.fixture(autouse=True)
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """Of an emulator of the test's own, since one that hangs would take other tests with it."""
    with BigQueryEmulator() as emulator:
        for name, value in emulator.environment().items():
            monkeypatch.setenv(name, value)
        client = bigquery_client("p")
        client.create_dataset(Dataset("p.d"))
        for name in ("appended", "inserted"):
            client.create_table(
                Table(f"p.d.{name}", [SchemaField("x", "INT64"), SchemaField("xs", "INT64", "REPEATED")])
            )
        yield client


def append() -> None:
    rows = pa.RecordBatch.from_pydict({"x": pa.array(range(ROWS)), "xs": pa.array([[1, 2]] * ROWS)})
    with closing(AppendConnection(bigquery_write_client())) as connection:
        for _ in range(ROUNDS):
            assert connection.append("p.d.appended", rows).result(PATIENCE) == []


def insert() -> None:
    client = bigquery_client("p")
    for _ in range(ROUNDS):
        assert client.insert_rows_json("p.d.inserted", [{"x": x, "xs": [1, 2]} for x in range(20)]) == []


def query() -> None:
    client = bigquery_client("p")
    for table, name in [("appended", "a"), ("inserted", "b")] * (ROUNDS // 2):
        ((found, lowest),) = client.query(f"SELECT '{name}', COALESCE(MIN(x), 0) FROM p.d.{table}").result()
        assert (found, lowest) == (name, 0)


def at_once(*calls: Callable[[], None]) -> None:
    """Run each in a thread of its own; raises what one of them raises, or that it hangs."""
    errors: list[BaseException] = []

    def guarded(call: Callable[[], None]) -> None:
        try:
            call()
        except BaseException as error:  # noqa: BLE001 - raised again on the test's own thread
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(call,), name=call.__name__, daemon=True) for call in calls]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + PATIENCE
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    assert [thread.name for thread in threads if thread.is_alive()] == []
    assert errors == []


def count(client: Client, table: str) -> tuple[int, int]:
    ((rows, total),) = client.query(f"SELECT COUNT(*), SUM(x) FROM p.d.{table}").result()
    return rows, total


def test_appends_inserts_and_queries_at_once_are_all_answered(client: Client) -> None:
    at_once(append, append, insert, insert, query, query)
    assert count(client, "appended") == (2 * ROUNDS * ROWS, 2 * ROUNDS * sum(range(ROWS)))
    assert count(client, "inserted") == (2 * ROUNDS * 20, 2 * ROUNDS * sum(range(20)))


def test_many_append_streams_are_answered_while_all_are_open(client: Client) -> None:
    streams = 16
    all_answered = threading.Barrier(streams)
    row = pa.RecordBatch.from_pydict({"x": pa.array([1]), "xs": pa.array([[1]])})

    def append_one() -> None:
        with closing(AppendConnection(bigquery_write_client())) as connection:
            assert connection.append("p.d.appended", row).result(PATIENCE) == []
            all_answered.wait(PATIENCE)

    at_once(*[append_one] * streams)
    assert count(client, "appended") == (streams, streams)
