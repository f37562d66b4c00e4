"""Dead letters are inserted, all of them, or the caller hears why not."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from google.api_core.exceptions import RetryError

from streaming.bigquery import error_records
from streaming.bigquery.table_ids import TableId
from streaming.endpoints import bigquery_client
from streaming.errors import PermanentError
from tests.bigquery_rest_server import Asked, BigQueryRestServer, Reply, failure

TABLE = TableId("p", "d", "predictions_error_records")
PATH = "/projects/p/datasets/d/tables/predictions_error_records/insertAll"
STOPPED = [{"reason": "stopped", "location": "", "message": ""}]

Insert = Callable[..., None]


@pytest.fixture
def server() -> Iterator[BigQueryRestServer]:
    with BigQueryRestServer() as server:
        yield server


@pytest.fixture
def insert(server: BigQueryRestServer, monkeypatch: pytest.MonkeyPatch) -> Insert:
    """Inserts into the server's table, hardly waiting between attempts."""
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", server.host)
    return partial(error_records.insert, bigquery_client("p"), TABLE, backoff=(0.001, 0.01))


def rows(count: int, **more: Any) -> list[dict[str, Any]]:
    return [{"message_id": f"m{number}", "payloadString": "ü", **more} for number in range(count)]


def ids(count: int) -> list[str]:
    return [f"m{number}/decode" for number in range(count)]


def row_errors(*indexes: int, reason: str = "invalid") -> Reply:
    """The answer to three rows of which these have an error."""
    bad = [{"reason": reason, "location": "stage", "message": "no such field: stage."}]
    errors = [{"index": index, "errors": bad if index in indexes else STOPPED} for index in range(3)]
    return Reply({"insertErrors": errors})


def test_rows_go_with_their_insert_ids(server: BigQueryRestServer, insert: Insert) -> None:
    insert(rows(2), ["m0/decode", None])
    sent = [{"json": rows(2)[0], "insertId": "m0/decode"}, {"json": rows(2)[1], "insertId": None}]
    assert server.asked == [Asked("POST", PATH, {"rows": sent})]


def test_no_rows_make_no_request(server: BigQueryRestServer, insert: Insert) -> None:
    insert([], [])
    assert server.asked == []


def test_five_hundred_rows_are_the_most_of_a_request(server: BigQueryRestServer, insert: Insert) -> None:
    insert(rows(1001), ids(1001))
    assert [len(asked.body["rows"]) for asked in server.asked] == [500, 500, 1]
    assert [row["insertId"] for asked in server.asked for row in asked.body["rows"]] == ids(1001)


def test_a_request_has_at_most_eight_megabytes_of_json(server: BigQueryRestServer, insert: Insert) -> None:
    sizes = [3_000_000, 3_000_000, 3_000_000, 9_000_000, 1]
    insert([{"payloadString": "x" * size} for size in sizes], ids(5))
    assert [[len(row["json"]["payloadString"]) for row in asked.body["rows"]] for asked in server.asked] == [
        [3_000_000, 3_000_000],
        [3_000_000],
        [9_000_000],
        [1],
    ]


@pytest.mark.parametrize(
    "reply",
    [
        failure(503, "backendError", "away"),
        failure(500, "internalError", "oops"),
        failure(504, "timeout", "late"),
        failure(429, "rateLimitExceeded", "slow down"),
        failure(403, "quotaExceeded", "slow down"),
        row_errors(1, reason="backendError"),
        row_errors(),
    ],
)
def test_a_passing_fault_is_tried_again(reply: Reply, server: BigQueryRestServer, insert: Insert) -> None:
    server.replies.extend([reply, reply])
    retries: list[str] = []
    insert(rows(3), ids(3), on_retry=lambda: retries.append("again"))
    assert retries == ["again"] * 2
    assert [len(asked.body["rows"]) for asked in server.asked] == [3, 3, 3]


def test_a_table_that_is_not_found_may_appear_yet(server: BigQueryRestServer, insert: Insert) -> None:
    server.replies.extend([failure(404, "notFound", "Not found")] * 3)
    insert(rows(1), ids(1))
    assert len(server.asked) == 4


def test_a_fault_that_stays_is_raised_with_the_table(server: BigQueryRestServer, insert: Insert) -> None:
    server.replies.extend([failure(503, "backendError", "away")] * 1000)
    with pytest.raises(RetryError) as raised:
        insert(rows(1), ids(1), retry_for=0.05)
    assert raised.value.__notes__ == ["while inserting dead letters into p.d.predictions_error_records"]


@pytest.mark.parametrize(
    ("status", "remedy", "words"),
    [
        (404, "no such table; create it, or name another, and start the job again", "their words"),
        (403, "no permission to write; grant roles/bigquery.dataEditor on its dataset", "their words"),
        (401, "no valid credentials; check the job's account and start the job again", "cannot be refreshed."),
    ],
)
def test_what_somebody_has_to_mend_is_named_with_the_table(
    status: int, remedy: str, words: str, server: BigQueryRestServer, insert: Insert
) -> None:
    server.replies.extend([failure(status, "any", "their words")] * 1000)
    with pytest.raises(PermanentError) as raised:
        insert(rows(1), ids(1), not_found_for=0.02)
    message = str(raised.value)
    assert message.startswith(f"table p.d.predictions_error_records: {remedy} (")
    assert message.endswith(f"{words})")


def test_a_row_that_bigquery_refuses_is_raised_with_its_message_and_the_words(
    server: BigQueryRestServer, insert: Insert
) -> None:
    server.replies.append(row_errors(1))
    with pytest.raises(PermanentError) as raised:
        insert(rows(3), ids(3))
    assert str(raised.value) == (
        "table p.d.predictions_error_records: BigQuery refuses the dead letter of message m1; "
        "compare the table's columns (invalid: no such field: stage. stage)"
    )


def test_any_other_fault_is_raised_as_it_is(server: BigQueryRestServer, insert: Insert) -> None:
    server.replies.append(failure(400, "invalid", "bad request"))
    with pytest.raises(Exception, match="bad request") as raised:
        insert(rows(1), ids(1))
    assert type(raised.value).__name__ == "BadRequest"
