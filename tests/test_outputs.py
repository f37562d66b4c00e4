"""Where outputs are read from, and what is said when they cannot be."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from producers.scoring.outputs import DEAD_LETTER, Outputs, prediction_columns, read_outputs, see_tables
from streaming.errors import JobError, Mistakes, PermanentError
from tests.bigquery_rest_server import Asked, BigQueryRestServer, Reply, failure
from tests.score_cases import START

TABLE = "my-project:d.predictions"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[BigQueryRestServer]:
    with BigQueryRestServer() as server:
        monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", server.host)
        yield server


def test_nothing_to_read_from_is_a_mistake() -> None:
    with pytest.raises(Mistakes) as caught:
        read_outputs(None, TABLE, None, START)
    assert caught.value.lines == (
        "--table, --messages: nothing to score; name the job's table, a file of messages, or both",
    )


@pytest.mark.parametrize(("table", "letters", "place"), [("p.d", None, "--table"), (None, "x", "--deadletter-table")])
def test_what_is_no_table_is_a_mistake(tmp_path: Path, table: str | None, letters: str | None, place: str) -> None:
    (tmp_path / "messages").touch()
    with pytest.raises(Mistakes) as caught:
        read_outputs(table, letters, str(tmp_path / "messages"), START)
    name = table or letters
    assert caught.value.lines == (
        f"{place}: {name!r} is not a table; write PROJECT:DATASET.TABLE or PROJECT.DATASET.TABLE",
    )


def test_messages_alone_have_no_dead_letters(tmp_path: Path) -> None:
    (tmp_path / "messages").touch()
    outputs = read_outputs(None, None, str(tmp_path / "messages"), START)
    assert outputs == Outputs(None, prediction_columns([]).empty_table(), None)
    assert [name for name, _ in outputs.places] == ["messages"]


def test_the_table_comes_before_the_messages() -> None:
    empty = prediction_columns([]).empty_table()
    assert [name for name, _ in Outputs(empty, empty, DEAD_LETTER.empty_table()).places] == ["table", "messages"]


def test_a_missing_table_is_one_line(server: BigQueryRestServer) -> None:
    server.replies.append(failure(404, "notFound", "Not found"))
    with pytest.raises(Mistakes) as caught:
        read_outputs(TABLE, None, None, START)
    assert caught.value.lines == ("--table my-project.d.predictions: no such table; name one that the job has made",)
    assert server.asked == [Asked("GET", "/projects/my-project/datasets/d/tables/predictions", {})]


def test_a_table_of_other_columns_is_one_line(server: BigQueryRestServer) -> None:
    fields = [{"name": name, "type": "STRING"} for name in prediction_columns([]).names]
    reference = {"projectId": "my-project", "datasetId": "d", "tableId": "predictions"}
    server.replies.append(Reply({"tableReference": reference, "schema": {"fields": fields}}))
    with pytest.raises(Mistakes) as caught:
        read_outputs(TABLE, None, None, START, [pa.field("risk", pa.float64()), pa.field("hours", pa.float64())])
    assert caught.value.lines == (
        "--table my-project.d.predictions: lacks the columns risk, hours; "
        "name the table and the job file of the same run",
    )


def test_a_refusal_is_one_line(server: BigQueryRestServer) -> None:
    server.replies.append(failure(403, "accessDenied", "Access Denied"))
    with pytest.raises(PermanentError, match=r"^--table .*: no permission to read it; .* \(Access Denied\)$"):
        read_outputs(TABLE, None, None, START)


def test_an_emulator_that_is_down_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streaming.service_errors.REFUSED_SECONDS", 0.0)
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", "127.0.0.1:1")
    for ask in (lambda: see_tables(TABLE, None), lambda: read_outputs(TABLE, None, None, START)):
        with pytest.raises(JobError) as caught:
            ask()
        assert str(caught.value) == (
            "--table my-project.d.predictions: BigQuery could not read it: nothing listens there; "
            "check the emulator (BIGQUERY_EMULATOR_HOST=127.0.0.1:1)"
        )
