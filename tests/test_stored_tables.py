"""Tables: a session at launch, its streams as parts, their rows as Arrow."""

from collections.abc import Iterator
from typing import Any

import grpc
import pyarrow as pa
import pytest
from google.cloud.bigquery_storage_v1.types import DataFormat

from streaming import registry
from streaming.errors import Mistakes, PermanentError
from streaming.stored.records import Part, Records
from streaming.stored.tables import parts, read
from tests.bigquery_read_server import BigQueryReadServer
from tests.bigquery_rest_server import BigQueryRestServer, Reply, failure

COLUMNS = pa.schema([("key", pa.string()), ("value", pa.float64())])
SESSION = "projects/p/locations/us/sessions/s/streams"


def rows(*numbers: int) -> pa.RecordBatch:
    values = [{"key": f"k{number}", "value": number / 2, "other": number} for number in numbers]
    return pa.RecordBatch.from_pylist(values, pa.schema([*COLUMNS, ("other", pa.int64())]))


def table(**more: Any) -> Reply:
    columns = [("key", "STRING"), ("value", "FLOAT"), ("other", "INTEGER")]
    return Reply(
        {
            "tableReference": {"projectId": "p", "datasetId": "d", "tableId": "t"},
            "type": "TABLE",
            "lastModifiedTime": "1767225600123",
            "schema": {"fields": [{"name": name, "type": kind} for name, kind in columns]},
            **more,
        }
    )


@pytest.fixture
def reader() -> Iterator[BigQueryReadServer]:
    with BigQueryReadServer([[rows(1, 2), rows(3)], [rows(4, 5)]]) as server:
        yield server


@pytest.fixture(autouse=True)
def rest(reader: BigQueryReadServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[BigQueryRestServer]:
    with BigQueryRestServer() as server:
        monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", server.host)
        monkeypatch.setenv("BIGQUERY_STORAGE_EMULATOR_HOST", reader.host)
        server.otherwise = table()
        yield server
        registry.forget("bigquery_read_client")


def mistakes(name: str = "p:d.t", wanted: set[str] | None = None) -> tuple[str, ...]:
    with pytest.raises(Mistakes) as caught:
        parts(name, wanted, "--input_table")
    return caught.value.lines


def looks(records: list[Records]) -> list[tuple[str, int, int, list[dict[str, Any]]]]:
    return [(each.origin, each.first, each.published, each.rows.to_pylist()) for each in records]


def test_each_stream_is_a_part(reader: BigQueryReadServer) -> None:
    found, columns = parts("p:d.t", {"value", "key", "absent"}, "--input_table")
    changed = 1_767_225_600_123_000
    assert found == (
        Part("p.d.t/1", "table", 1, changed, f"{SESSION}/0"),
        Part("p.d.t/2", "table", 1, changed, f"{SESSION}/1"),
    )
    assert columns.equals(COLUMNS, check_metadata=True)
    (asked,) = reader.asked
    assert (asked.table, asked.data_format) == ("projects/p/datasets/d/tables/t", DataFormat.ARROW)
    assert list(asked.read_options.selected_fields) == ["key", "value"]


def test_all_columns() -> None:
    assert parts("p.d.t", None, "--input_table")[1].names == ["key", "value", "other"]


def test_rows_are_numbered_within_their_stream() -> None:
    (first, second), columns = parts("p:d.t", {"key"}, "--input_table")
    assert looks(list(read(first, columns))) == [
        ("p.d.t/1", 1, first.published, [{"key": "k1"}, {"key": "k2"}]),
        ("p.d.t/1", 3, first.published, [{"key": "k3"}]),
    ]
    assert looks(list(read(second, columns))) == [("p.d.t/2", 1, second.published, [{"key": "k4"}, {"key": "k5"}])]


def test_a_broken_connection_is_taken_up_where_it_broke(reader: BigQueryReadServer) -> None:
    (first, _), columns = parts("p:d.t", {"value"}, "--input_table")
    reader.breaks = [grpc.StatusCode.UNAVAILABLE]
    assert [each.rows.column(0).to_pylist() for each in read(first, columns)] == [[0.5, 1.0], [1.5]]


def test_a_session_that_is_over(reader: BigQueryReadServer) -> None:
    (first, _), columns = parts("p:d.t", {"value"}, "--input_table")
    reader.breaks = [grpc.StatusCode.FAILED_PRECONDITION]
    with pytest.raises(PermanentError) as caught:
        list(read(first, columns))
    why = "the session that reads it is over (scripted)"
    assert str(caught.value) == f"p.d.t/1: {why}; start the job again: a session lives for 6 hours"


def test_no_table_of_that_name() -> None:
    assert mistakes("nonsense") == (
        "--input_table: 'nonsense' is not a table; write PROJECT:DATASET.TABLE or PROJECT.DATASET.TABLE",
    )


def test_a_missing_table(rest: BigQueryRestServer) -> None:
    rest.otherwise = failure(404, "notFound", "Not found: Table p:d.t")
    assert mistakes() == ("--input_table p.d.t: no such table; correct the name (Not found: Table p:d.t)",)


def test_a_table_that_may_not_be_read(reader: BigQueryReadServer) -> None:
    reader.refuse = grpc.StatusCode.PERMISSION_DENIED
    remedy = "grant roles/bigquery.dataViewer on it, and roles/bigquery.readSessionUser on its project"
    assert mistakes() == (f"--input_table p.d.t: no permission to read it; {remedy} (scripted)",)


def test_a_table_that_bigquery_cannot_read(reader: BigQueryReadServer) -> None:
    reader.refuse = grpc.StatusCode.INVALID_ARGUMENT
    assert mistakes() == ("--input_table p.d.t: BigQuery could not read it (scripted)",)


def test_a_view(rest: BigQueryRestServer) -> None:
    rest.otherwise = table(type="VIEW")
    assert mistakes() == ("--input_table p.d.t: is a VIEW, which cannot be read so; store its rows in a table",)


def test_a_table_with_none_of_the_columns() -> None:
    line = "--input_table p.d.t: has no column that the job reads, but key, value, other"
    assert mistakes(wanted={"x"}) == (line,)
