"""Rows of a BigQuery table: what is asked for, what comes as which type, and what is said where there is none."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pyarrow as pa
import pytest

from producers.scoring.table_rows import read_table, see_table
from producers.table_access import NoTableError
from streaming.batches import TIMESTAMP
from streaming.bigquery.table_ids import TableId
from streaming.errors import JobError, Mistakes
from tests.bigquery_rest_server import Asked, BigQueryRestServer, Reply, failure

TABLE = TableId("my-project", "data", "by day")
PATH = "/projects/my-project/datasets/data/tables/by%20day"
COLUMNS = pa.schema([("number", pa.int64()), ("key", pa.string()), ("score", pa.float64()), ("at", TIMESTAMP)])
TYPES = {"key": "STRING", "score": "FLOAT", "number": "INTEGER", "at": "TIMESTAMP"}
FIELDS = [{"name": name, "type": kind} for name, kind in TYPES.items()]
SINCE = datetime(2026, 3, 1, 14, 0, tzinfo=timezone(timedelta(hours=2)))
REMEDY = "name the table and the job file of the same run"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[BigQueryRestServer]:
    with BigQueryRestServer() as server:
        monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", server.host)
        yield server


def table(*fields: dict[str, str]) -> Reply:
    reference = {"projectId": TABLE.project, "datasetId": TABLE.dataset, "tableId": TABLE.table}
    return Reply({"tableReference": reference, "schema": {"fields": [*fields]}})


def job(body: dict[str, Any]) -> Reply:
    """A query that is done, as the service tells of it."""
    reference = {"projectId": TABLE.project, "jobId": "j", "location": "EU"}
    return Reply({"jobReference": reference, "status": {"state": "DONE"}, **body})


def answer(server: BigQueryRestServer, *rows: list[str | None]) -> None:
    """Have the table, and as a query's answer these rows, of columns in the order of `FIELDS`."""
    said = [{"f": [{"v": value} for value in row]} for row in rows]
    whole = {"jobComplete": True, "totalRows": str(len(rows)), "schema": {"fields": FIELDS}, "rows": said}
    server.replies.append(table(*FIELDS))
    server.otherwise = job({"configuration": {"query": {}}, **whole})


def test_a_table_is_seen_by_its_columns_alone(server: BigQueryRestServer) -> None:
    server.replies.append(table(*FIELDS, {"name": "more", "type": "STRING"}))
    see_table(TABLE, COLUMNS, "--table")
    assert server.asked == [Asked("GET", PATH, {})]


def test_a_table_that_lacks_columns(server: BigQueryRestServer) -> None:
    server.otherwise = table(FIELDS[1], {"name": "Key", "type": "STRING"})
    line = f"--table my-project.data.by day: lacks the columns number, key, at; {REMEDY}"
    for look in (
        lambda: see_table(TABLE, COLUMNS, "--table"),
        lambda: read_table(TABLE, COLUMNS, "at", SINCE, "--table"),
    ):
        with pytest.raises(Mistakes) as caught:
            look()
        assert caught.value.lines == (line,)
    assert [each.method for each in server.asked] == ["GET", "GET"]


def test_rows_have_the_wanted_columns_in_the_wanted_order_and_types(server: BigQueryRestServer) -> None:
    answer(server, ["a", "0.5", "1", "1772366400000001"], [None, None, "-2", "1772366400000002"])
    found = read_table(TABLE, COLUMNS, "at", SINCE, "--table")
    times = [datetime(2026, 3, 1, 12, 0, 0, micros, tzinfo=UTC) for micros in (1, 2)]
    assert found.schema == COLUMNS
    assert found.to_pylist() == [
        {"number": 1, "key": "a", "score": 0.5, "at": times[0]},
        {"number": -2, "key": None, "score": None, "at": times[1]},
    ]


def test_the_query_is_bounded_below_by_an_instant_of_utc(server: BigQueryRestServer) -> None:
    answer(server)
    assert read_table(TABLE, COLUMNS, "at", SINCE, "--table") == COLUMNS.empty_table()
    asked = next(each for each in server.asked if each.method == "POST").body["configuration"]["query"]
    assert asked["query"] == (
        "SELECT `number`, `key`, `score`, `at` FROM `my-project.data.by day` WHERE `at` >= @since"
    )
    assert asked["queryParameters"] == [
        {
            "name": "since",
            "parameterType": {"type": "TIMESTAMP"},
            "parameterValue": {"value": "2026-03-01 12:00:00+00:00"},
        }
    ]


def test_a_table_that_goes_between_the_look_and_the_query(server: BigQueryRestServer) -> None:
    server.replies.append(table(*FIELDS))
    server.otherwise = failure(404, "notFound", "Not found")
    with pytest.raises(NoTableError) as caught:
        read_table(TABLE, COLUMNS, "at", SINCE, "--deadletter-table")
    assert caught.value.lines == (
        "--deadletter-table my-project.data.by day: no such table; name one that the job has made",
    )


def test_a_query_that_bigquery_cannot_do(server: BigQueryRestServer) -> None:
    server.replies.append(table(*FIELDS))
    server.otherwise = failure(400, "invalidQuery", "No matching signature for operator >=")
    with pytest.raises(JobError) as caught:
        read_table(TABLE, COLUMNS, "key", SINCE, "--table")
    assert str(caught.value) == (
        "--table my-project.data.by day: BigQuery could not read it: No matching signature for operator >=; "
        f"check the emulator (BIGQUERY_EMULATOR_HOST={server.host})"
    )
