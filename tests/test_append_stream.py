"""One call: requests out, answers in, and what ended it; the connection above it is in `test_storage_write`."""

import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa
import pytest
from google.rpc.code_pb2 import ABORTED, CANCELLED
from google.rpc.status_pb2 import Status
from grpc import StatusCode

from streaming.bigquery.append_errors import CLOSED, UNREADABLE
from streaming.bigquery.append_requests import AppendRequest, to_request
from streaming.bigquery.append_stream import AppendStream
from streaming.bigquery.table_ids import TableId
from streaming.endpoints import bigquery_write_client
from tests.bigquery_write_server import BigQueryWriteServer, EndStream, Received

ROWS = pa.RecordBatch.from_pydict({"n": [1, 2]})
REQUEST = to_request(TableId("p", "d", "t"), ROWS, range(2))


class Owner:
    """Has a queue of requests, and keeps the answers."""

    def __init__(self, answer: Callable[[Any], None] | None = None) -> None:
        self.requests: queue.SimpleQueue[AppendRequest | None] = queue.SimpleQueue()
        self.answers: list[Any] = []
        self.changed = threading.Condition()
        self.stream = AppendStream(
            bigquery_write_client(),
            REQUEST.write_stream,
            lambda stream: self.requests.get(),
            answer or self.answers.append,
            self.changed,
        )

    def await_over(self) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: self.stream.over, 10)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[BigQueryWriteServer]:
    with BigQueryWriteServer() as server:
        monkeypatch.setenv("BIGQUERY_STORAGE_EMULATOR_HOST", server.host)
        yield server


def test_every_request_has_its_answer_and_the_schema_goes_once(server: BigQueryWriteServer) -> None:
    owner = Owner()
    for request in (REQUEST, REQUEST, None):
        owner.requests.put(request)
    owner.await_over()
    assert server.received == [Received(1, "p.d.t", 2, with_schema=True), Received(1, "p.d.t", 2, with_schema=False)]
    assert [answer.WhichOneof("response") for answer in owner.answers] == ["append_result", "append_result"]
    owner.requests.put(None)


def test_what_the_server_ends_it_with_is_its_status(server: BigQueryWriteServer) -> None:
    server.script.append(EndStream(StatusCode.ABORTED, "idle"))
    owner = Owner()
    owner.requests.put(REQUEST)
    owner.await_over()
    assert owner.stream.end() == Status(code=ABORTED, message="idle")
    owner.requests.put(None)


def test_a_server_that_closes_in_good_order_has_closed(server: BigQueryWriteServer) -> None:
    server.script.append(EndStream(StatusCode.OK))
    owner = Owner()
    owner.requests.put(REQUEST)
    owner.await_over()
    assert owner.stream.end() == CLOSED
    owner.requests.put(None)


def test_ending_it_cancels_the_call(server: BigQueryWriteServer) -> None:
    owner = Owner()
    assert owner.stream.end().code == CANCELLED
    assert owner.stream.over
    owner.requests.put(None)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_an_answer_that_cannot_be_dealt_with_ends_it(server: BigQueryWriteServer) -> None:
    def fail(answer: Any) -> None:
        raise IndexError("nobody asked")

    owner = Owner(fail)
    owner.requests.put(REQUEST)
    owner.await_over()
    assert owner.stream.end() == UNREADABLE
    owner.requests.put(None)
