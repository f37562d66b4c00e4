"""Appends arrive whole, once as a rule, each with its own answer, whatever the service does meanwhile."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pyarrow as pa
import pytest
from google.api_core.exceptions import GoogleAPICallError, ResourceExhausted, ServiceUnavailable
from google.cloud.bigquery_storage_v1 import BigQueryWriteClient
from google.cloud.bigquery_storage_v1.types import StorageError
from grpc import StatusCode

from streaming.batches import TIMESTAMP
from streaming.bigquery.storage_write import AppendConnection
from streaming.endpoints import bigquery_write_client
from streaming.errors import PermanentError
from streaming.refusals import Refusal
from tests.bigquery_write_server import Answer, BigQueryWriteServer, EndStream, FallSilent, Received, Store

TABLE = "p.d.predictions"
SCHEMA = pa.schema([("key", pa.string()), ("value", pa.float64()), ("n", pa.int64())])
TRANSIENT = (
    StatusCode.ABORTED,
    StatusCode.UNAVAILABLE,
    StatusCode.INTERNAL,
    StatusCode.DEADLINE_EXCEEDED,
    StatusCode.RESOURCE_EXHAUSTED,
    StatusCode.OK,
)

Connect = Callable[..., AppendConnection]


@pytest.fixture
def server() -> Iterator[BigQueryWriteServer]:
    with BigQueryWriteServer() as server:
        yield server


@pytest.fixture
def client(server: BigQueryWriteServer, monkeypatch: pytest.MonkeyPatch) -> BigQueryWriteClient:
    monkeypatch.setenv("BIGQUERY_STORAGE_EMULATOR_HOST", server.host)
    return bigquery_write_client()


@pytest.fixture
def connect(client: BigQueryWriteClient) -> Iterator[Connect]:
    """Makes connections that hardly wait between attempts, and closes them."""
    made: list[AppendConnection] = []

    def connect(**parameters: Any) -> AppendConnection:
        made.append(AppendConnection(client, **{"backoff": (0.001, 0.01), **parameters}))
        return made[-1]

    yield connect
    for connection in made:
        connection.close()


def batch(first: int, rows: int) -> pa.RecordBatch:
    numbers = range(first, first + rows)
    columns = [[f"device-{n % 7}" for n in numbers], [n / 2 for n in numbers], list(numbers)]
    return pa.RecordBatch.from_arrays(
        [pa.array(c, t) for c, t in zip(columns, SCHEMA.types, strict=True)], schema=SCHEMA
    )


def answer(future: Future[list[Refusal]]) -> list[Refusal]:
    return future.result(60)


def test_rows_of_every_type_arrive_as_they_are(server: BigQueryWriteServer, connect: Connect) -> None:
    columns = {
        "event_time": pa.array([1_700_000_000_000_001, None], TIMESTAMP),
        "x": pa.array([0.5, None], pa.float64()),
        "n": pa.array([2**62, -1], pa.int64()),
        "text": pa.array(["ü€😀", ""], pa.string()),
        "flag": pa.array([True, False], pa.bool_()),
        "scores": pa.array([[0.25, 0.75], []], pa.list_(pa.float64())),
    }
    rows = pa.RecordBatch.from_pydict(columns)
    assert answer(connect().append(TABLE, rows)) == []
    assert server.tables == {TABLE: rows.to_pylist()}


def test_a_slice_of_a_batch_sends_its_own_rows_only(server: BigQueryWriteServer, connect: Connect) -> None:
    assert answer(connect().append(TABLE, batch(0, 100).slice(40, 3))) == []
    assert server.tables == {TABLE: batch(40, 3).to_pylist()}


def test_no_rows_are_answered_without_a_request(server: BigQueryWriteServer, connect: Connect) -> None:
    assert answer(connect().append(TABLE, batch(0, 0))) == []
    assert server.received == []


def test_the_schema_goes_with_the_first_request_and_whenever_table_or_schema_change(
    server: BigQueryWriteServer, connect: Connect
) -> None:
    connection = connect()
    narrow = batch(0, 1).select(["key"])
    for table, rows in [
        (TABLE, batch(0, 2)),
        (TABLE, batch(2, 3)),
        (TABLE, narrow),
        ("p:d.other", narrow),
        (TABLE, narrow),
    ]:
        assert answer(connection.append(table, rows)) == []
    assert server.received == [
        Received(1, TABLE, 2, with_schema=True),
        Received(1, TABLE, 3, with_schema=False),
        Received(1, TABLE, 1, with_schema=True),
        Received(1, "p.d.other", 1, with_schema=True),
        Received(1, TABLE, 1, with_schema=True),
    ]
    assert server.routes == ["write_stream=projects/p/datasets/d/tables/predictions/streams/_default"]
    assert server.tables == {
        TABLE: [*batch(0, 5).to_pylist(), *narrow.to_pylist(), *narrow.to_pylist()],
        "p.d.other": narrow.to_pylist(),
    }


def test_a_large_batch_goes_out_in_several_requests(server: BigQueryWriteServer, connect: Connect) -> None:
    rows = pa.RecordBatch.from_pydict({"n": pa.array(range(300)), "text": pa.array(["x" * 100_000] * 300)})
    assert answer(connect().append(TABLE, rows)) == []
    assert [request.rows for request in server.received] == [75, 75, 75, 75]
    assert [row["n"] for row in server.tables[TABLE]] == list(range(300))


def test_a_row_too_large_for_any_request_is_refused_and_the_others_are_written(
    server: BigQueryWriteServer, connect: Connect
) -> None:
    rows = pa.RecordBatch.from_pydict({"text": pa.array(["a", "x" * 9_000_000, "b"])})
    (refusal,) = answer(connect().append(TABLE, rows))
    assert (refusal.row, refusal.error_class) == (1, "RowTooLarge")
    assert server.tables == {TABLE: [{"text": "a"}, {"text": "b"}]}


def test_refused_rows_are_left_out_and_named_as_the_caller_counts(
    server: BigQueryWriteServer, connect: Connect
) -> None:
    server.refuse = lambda row: f"no {row['n']}" if row["n"] % 4 == 1 else None
    assert answer(connect().append(TABLE, batch(0, 10))) == [
        Refusal(row, "FIELDS_ERROR", f"no {row}") for row in (1, 5, 9)
    ]
    assert [row["n"] for row in server.tables[TABLE]] == [0, 2, 3, 4, 6, 7, 8]


def test_row_errors_that_come_a_few_at_a_time_are_all_named_as_the_caller_counts(
    server: BigQueryWriteServer, connect: Connect
) -> None:
    server.refuse = lambda row: "odd" if row["n"] % 2 else None
    server.refusals_shown = 3
    assert answer(connect().append(TABLE, batch(0, 20))) == [
        Refusal(row, "FIELDS_ERROR", "odd") for row in range(1, 20, 2)
    ]
    assert [row["n"] for row in server.tables[TABLE]] == list(range(0, 20, 2))
    assert [request.rows for request in server.received] == [20, 17, 14, 11, 10]


def test_a_batch_refused_whole_writes_nothing(server: BigQueryWriteServer, connect: Connect) -> None:
    server.refuse = lambda row: "no"
    assert answer(connect().append(TABLE, batch(0, 3))) == [Refusal(row, "FIELDS_ERROR", "no") for row in range(3)]
    assert server.tables == {}


@pytest.mark.parametrize("code", TRANSIENT)
def test_a_lost_stream_is_opened_again_and_its_requests_are_sent_again_in_order(
    code: StatusCode, server: BigQueryWriteServer, connect: Connect
) -> None:
    server.script.extend([Store(), EndStream(code)])
    connection = connect()
    futures = [connection.append(TABLE, batch(10 * i, 10)) for i in range(6)]
    assert [answer(future) for future in futures] == [[]] * 6
    assert server.tables == {TABLE: batch(0, 60).to_pylist()}
    assert server.streams == 2
    assert next(request for request in server.received if request.stream == 2).with_schema


def test_rows_stored_before_the_stream_was_lost_are_there_twice_and_no_others(
    server: BigQueryWriteServer, connect: Connect
) -> None:
    server.script.extend([Store(), EndStream(StatusCode.UNAVAILABLE, stored=True)])
    connection = connect()
    futures = [connection.append(TABLE, batch(10 * i, 10)) for i in range(4)]
    assert [answer(future) for future in futures] == [[]] * 4
    written = Counter(row["n"] for row in server.tables[TABLE])
    assert written == {n: 2 if 10 <= n < 20 else 1 for n in range(40)}


def test_an_idle_stream_that_ends_is_opened_again_by_the_next_append(
    server: BigQueryWriteServer, connect: Connect
) -> None:
    connection = connect()
    assert answer(connection.append(TABLE, batch(0, 1))) == []
    server.end_streams(StatusCode.ABORTED)
    assert answer(connection.append(TABLE, batch(1, 1))) == []
    assert server.streams == 2
    assert server.tables == {TABLE: batch(0, 2).to_pylist()}


def test_an_idle_stream_may_end_without_a_word(
    server: BigQueryWriteServer, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    connection = connect()
    assert answer(connection.append(TABLE, batch(0, 1))) == []
    server.end_streams(StatusCode.ABORTED)
    connection.close()
    assert caplog.messages == []


def test_a_server_that_restarts_gets_what_it_has_not_answered(server: BigQueryWriteServer, connect: Connect) -> None:
    server.script.append(Store(gate=threading.Event()))
    future = connect().append(TABLE, batch(0, 5))
    server.await_received(1)
    server.__exit__()
    with BigQueryWriteServer(server.port) as restarted:
        assert answer(future) == []
        assert restarted.tables == {TABLE: batch(0, 5).to_pylist()}


def test_a_silent_server_is_asked_again_on_another_stream(server: BigQueryWriteServer, connect: Connect) -> None:
    server.script.extend([Store(), FallSilent()])
    connection = connect(silence=0.05)
    futures = [connection.append(TABLE, batch(10 * i, 10)) for i in range(3)]
    assert [answer(future) for future in futures] == [[]] * 3
    assert server.tables == {TABLE: batch(0, 30).to_pylist()}
    assert server.streams == 2


def test_an_idle_connection_is_not_taken_for_a_silent_server(server: BigQueryWriteServer, connect: Connect) -> None:
    connection = connect(silence=0.4)
    assert answer(connection.append(TABLE, batch(0, 1))) == []
    time.sleep(0.5)  # nothing happens that could be awaited: that is the point
    assert answer(connection.append(TABLE, batch(1, 1))) == []
    assert server.streams == 1


@pytest.mark.parametrize("code", TRANSIENT[:-1])
def test_a_transient_error_in_an_answer_is_tried_again_on_the_same_stream(
    code: StatusCode, server: BigQueryWriteServer, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    server.script.extend([Answer(code), Answer(code)])
    retries: list[str] = []
    assert answer(connect(on_retry=lambda: retries.append("again")).append(TABLE, batch(0, 3))) == []
    assert retries == ["again"] * 2
    assert caplog.messages == ["Sending 1 append requests again: scripted"] * 2
    assert server.tables == {TABLE: batch(0, 3).to_pylist()}
    assert server.streams == 1


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (Answer(StatusCode.RESOURCE_EXHAUSTED, "quota"), ResourceExhausted),
        (EndStream(StatusCode.UNAVAILABLE, "away"), ServiceUnavailable),
    ],
)
def test_a_transient_error_that_stays_is_the_future_s_in_the_end(
    step: Answer | EndStream, expected: type[GoogleAPICallError], server: BigQueryWriteServer, connect: Connect
) -> None:
    server.script.extend([step] * 1000)
    error = connect(retry_for=0.05).append(TABLE, batch(0, 3)).exception(10)
    assert type(error) is expected
    assert str(error).partition(" ")[2] == f"table p.d.predictions: BigQuery did not take rows: {step.message}"
    assert server.tables == {}
    assert len(server.received) > 1


REMEDIES = {
    StatusCode.PERMISSION_DENIED: "no permission to write; grant roles/bigquery.dataEditor on its dataset",
    StatusCode.UNAUTHENTICATED: "no valid credentials; check the job's account and start the job again",
    StatusCode.INVALID_ARGUMENT: "the rows do not fit the table; compare its columns with what the job writes",
    StatusCode.FAILED_PRECONDITION: "BigQuery refuses the append with FAILED_PRECONDITION; see its words",
}


@pytest.mark.parametrize("fail", [Answer, EndStream])
@pytest.mark.parametrize(("code", "remedy"), REMEDIES.items())
def test_an_error_that_stays_fails_the_append_at_once_and_no_other(
    code: StatusCode, remedy: str, fail: Callable[..., Any], server: BigQueryWriteServer, connect: Connect
) -> None:
    server.script.append(fail(code, "their\nwords"))
    connection = connect()
    futures = [connection.append(TABLE, batch(10 * i, 10)) for i in range(3)]
    error = futures[0].exception(10)
    assert type(error) is PermanentError
    assert str(error) == f"table p.d.predictions: {remedy} (BigQuery: their words)"
    assert [answer(future) for future in futures[1:]] == [[], []]
    assert server.tables == {TABLE: batch(10, 20).to_pylist()}


@pytest.mark.parametrize("fail", [Answer, EndStream])
def test_a_table_that_is_not_found_may_appear_yet(
    fail: Callable[..., Any], server: BigQueryWriteServer, connect: Connect
) -> None:
    server.script.extend([fail(StatusCode.NOT_FOUND)] * 3)
    assert answer(connect().append(TABLE, batch(0, 3))) == []
    assert server.tables == {TABLE: batch(0, 3).to_pylist()}


def test_a_table_that_stays_missing_is_named(server: BigQueryWriteServer, connect: Connect) -> None:
    server.script.extend([EndStream(StatusCode.NOT_FOUND, "gone")] * 1000)
    error = connect(not_found_for=0.02).append(TABLE, batch(0, 3)).exception(10)
    assert type(error) is PermanentError
    assert str(error) == (
        "table p.d.predictions: no such table; create it, or name another, and start the job again (BigQuery: gone)"
    )


def test_a_column_that_the_service_does_not_know_yet_is_waited_for(
    server: BigQueryWriteServer, connect: Connect
) -> None:
    unknown = StorageError.StorageErrorCode.SCHEMA_MISMATCH_EXTRA_FIELDS
    server.script.append(Answer(StatusCode.INVALID_ARGUMENT, "extra fields: 'y'", storage_code=unknown))
    assert answer(connect().append(TABLE, batch(0, 3))) == []
    assert server.tables == {TABLE: batch(0, 3).to_pylist()}


def test_each_thread_gets_its_own_answers_through_losses_and_refusals(
    server: BigQueryWriteServer, connect: Connect
) -> None:
    server.refuse = lambda row: str(row["n"]) if row["n"] % 10 == 3 else None
    server.script.extend([*[Store()] * 20, EndStream(StatusCode.ABORTED)] * 6)
    connection = connect()

    def append(thread: int) -> list[list[Refusal]]:
        firsts = range(10_000 * thread, 10_000 * thread + 500, 10)
        return [answer(future) for future in [connection.append(f"p.d.t{thread}", batch(n, 10)) for n in firsts]]

    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(append, range(4)))
    expected = [
        [[Refusal(3, "FIELDS_ERROR", str(n + 3))] for n in range(10_000 * t, 10_000 * t + 500, 10)] for t in range(4)
    ]
    assert answers == expected
    for thread in range(4):
        written = Counter(row["n"] for row in server.tables[f"p.d.t{thread}"])
        assert written == dict.fromkeys((n for n in range(10_000 * thread, 10_000 * thread + 500) if n % 10 != 3), 1)


def test_append_waits_while_eight_requests_are_under_way(server: BigQueryWriteServer, connect: Connect) -> None:
    gate, ninth = threading.Event(), threading.Event()
    server.script.append(Store(gate))
    connection = connect()
    futures = [connection.append(TABLE, batch(i, 1)) for i in range(8)]
    server.await_received(8)

    def append_ninth() -> list[Refusal]:
        future = connection.append(TABLE, batch(8, 1))
        ninth.set()
        return answer(future)

    with ThreadPoolExecutor(1) as threads:
        last = threads.submit(append_ninth)
        assert not ninth.wait(0.05)
        gate.set()
        assert [answer(future) for future in futures] == [[]] * 8
        assert answer(last) == []
    assert server.most_unanswered == 8
    assert server.tables == {TABLE: batch(0, 9).to_pylist()}


def test_closing_waits_for_the_answers_and_ends_the_stream(server: BigQueryWriteServer, connect: Connect) -> None:
    gate = threading.Event()
    server.script.append(Store(gate))
    connection = connect()
    future = connection.append(TABLE, batch(0, 3))
    server.await_received(1)
    with ThreadPoolExecutor(1) as threads:
        closing = threads.submit(connection.close)
        gate.set()
        closing.result(10)
    assert future.done()
    assert answer(future) == []
    with pytest.raises(RuntimeError, match="the append connection is closed"):
        connection.append(TABLE, batch(3, 1))


def test_closing_a_connection_that_was_never_used_is_nothing(connect: Connect) -> None:
    connect().close()


def test_a_client_that_was_closed_fails_the_append_instead_of_leaving_it_waiting(
    client: BigQueryWriteClient, connect: Connect
) -> None:
    client.transport.close()
    connection = connect()
    error = connection.append(TABLE, batch(0, 1)).exception(10)
    assert type(error) is ValueError
    with pytest.raises(RuntimeError, match="the append connection is closed") as raised:
        connection.append(TABLE, batch(1, 1))
    assert raised.value.__cause__ is error


def test_a_name_that_is_no_table_s_is_the_caller_s_error(connect: Connect) -> None:
    with pytest.raises(ValueError, match="predictions"):
        connect().append("predictions", batch(0, 1))
