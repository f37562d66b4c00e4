"""The latest dead letters are read from their table, and what keeps them from being read is one line."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from streaming.dataflow.monitor.reasons import ask_reasons
from streaming.errors import PermanentError
from streaming.monitoring.report import Reason
from tests.bigquery_rest_server import BigQueryRestServer, Reply, failure
from tests.monitor_cases import reasons

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
WHERE = "cannot read the latest dead letters of my-project.iot.errors"
QUERY = """\
SELECT MAX(timestamp) AS latest, stage, error_class, errorMessage AS message
FROM `my-project.iot.errors`
WHERE timestamp >= @since AND job_name = @job_name
GROUP BY stage, error_class, message
ORDER BY latest DESC
LIMIT 10"""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[BigQueryRestServer]:
    monkeypatch.setattr("streaming.service_errors.PATIENCE_SECONDS", 0.05)
    with BigQueryRestServer() as server:
        monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", server.host)
        yield server


def test_the_latest_of_the_job_are_read(server: BigQueryRestServer) -> None:
    at = datetime(2026, 3, 1, 11, 59, 30, tzinfo=UTC)
    server.replies.append(reasons((at, "infer:times5", "ValueError", "not finite")))
    assert ask_reasons("my-project:iot.errors", "jobs-project", "readings", NOW) == (
        Reason(at, "infer:times5", "ValueError", "not finite"),
    )
    (asked,) = server.asked
    assert (asked.method, asked.path) == ("POST", "/projects/jobs-project/queries")
    assert asked.body["query"] == QUERY
    given = {each["name"]: each["parameterValue"]["value"] for each in asked.body["queryParameters"]}
    assert given == {"since": "2026-02-28 12:00:00+00:00", "job_name": "readings"}


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (
            failure(403, "accessDenied", "User does not have bigquery.jobs.create permission."),
            f"{WHERE}: User does not have bigquery.jobs.create permission; the caller needs roles/bigquery.jobUser on "
            "the job's project and roles/bigquery.dataViewer on the table",
        ),
        (
            failure(404, "notFound", "Not found: Table my-project:iot.errors"),
            f"{WHERE}: Not found: Table my-project:iot.errors; name the table by --deadletter-table",
        ),
        (failure(503, "backendError", "Try later."), f"{WHERE}: Try later"),
    ],
)
def test_a_refusal_is_told_with_what_to_do(reply: Reply, words: str, server: BigQueryRestServer) -> None:
    server.replies.extend([reply] * 20)
    with pytest.raises(PermanentError) as raised:
        ask_reasons("my-project.iot.errors", "jobs-project", "readings", NOW)
    assert str(raised.value) == words


def test_a_server_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streaming.service_errors.PATIENCE_SECONDS", 0.05)
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", "127.0.0.1:1")
    with pytest.raises(PermanentError) as raised:
        ask_reasons("my-project.iot.errors", "jobs-project", "readings", NOW)
    assert str(raised.value) == f"{WHERE}: nothing listens there"


def test_a_name_that_is_no_tables_is_told() -> None:
    with pytest.raises(PermanentError, match="the dead letters cannot be read: 'x' is not a table"):
        ask_reasons("x", "jobs-project", "readings", NOW)
