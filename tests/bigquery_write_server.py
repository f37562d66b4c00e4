"""A BigQueryWrite service in this process: keeps the rows of default streams, and misbehaves as it is told.

It reads requests as they come and answers them in order, one stream a thread, as BigQuery does. Each request takes the
next step of the script, or is stored and answered when there is none.
"""

import queue
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import grpc
import pyarrow as pa
from google.cloud.bigquery_storage_v1.types import AppendRowsRequest, AppendRowsResponse, RowError, StorageError
from google.rpc.status_pb2 import Status

from tests.grpc_servers import GrpcServer

APPEND_ROWS = "/google.cloud.bigquery.storage.v1.BigQueryWrite/AppendRows"
PATIENCE = 60  # seconds until a test that waits for nothing fails


@dataclass(frozen=True)
class Received:
    """A request as it came: on which stream, for which table, of how many rows, with or without the schema."""

    stream: int
    table: str
    rows: int
    with_schema: bool


@dataclass(frozen=True)
class Store:
    """Take the rows, once `gate` is open."""

    gate: threading.Event | None = None


@dataclass(frozen=True)
class Answer:
    """Answer with an error; the stream goes on."""

    code: grpc.StatusCode
    message: str = "scripted"
    storage_code: int = 0


@dataclass(frozen=True)
class EndStream:
    """End the call, before the rows are stored or after; with OK, as a server does that closes in good order."""

    code: grpc.StatusCode
    message: str = "scripted"
    stored: bool = False


@dataclass(frozen=True)
class FallSilent:
    """Say nothing more on this stream, having stored the rows or not."""

    stored: bool = False


Step = Store | Answer | EndStream | FallSilent
Inbox = queue.SimpleQueue[tuple[str, pa.RecordBatch] | grpc.StatusCode | None]


class BigQueryWriteServer(GrpcServer):
    """The server.

    Attributes:
        tables: by `P.D.T`, the rows as dicts, in the order in which they were stored.
        received: every request, in the order in which they came.
        routes: the routing header of every stream.
        streams: how many there were.
        most_unanswered: requests that had come and were not answered, at most.
        script: what to do with the next requests, whatever their stream.
        refuse: given a row, BigQuery's words why it does not take it, or None.
        refusals_shown: most row errors in one answer.
    """

    def __init__(self, port: int = 0) -> None:
        super().__init__(port)
        self.tables: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.received: list[Received] = []
        self.routes: list[str] = []
        self.streams = 0
        self.script: deque[Step] = deque()
        self.refuse: Callable[[dict[str, Any]], str | None] = lambda row: None
        self.refusals_shown = 1000
        self.most_unanswered = 0
        self._unanswered = 0
        self._open: list[tuple[Inbox, threading.Event]] = []
        self._changed = threading.Condition()

    def await_received(self, requests: int) -> None:
        """Wait until so many requests have come in all."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.received) >= requests, PATIENCE)

    def end_streams(self, code: grpc.StatusCode) -> None:
        """End every stream, each of them idle."""
        for inbox, over in self._open:
            inbox.put(code)
            assert over.wait(PATIENCE)

    def service(self, call: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        if call.method != APPEND_ROWS:
            return None
        self.routes.append(dict(call.invocation_metadata)["x-goog-request-params"])
        return grpc.stream_stream_rpc_method_handler(
            self._append_rows, AppendRowsRequest.deserialize, AppendRowsResponse.serialize
        )

    def _append_rows(
        self, requests: Iterator[AppendRowsRequest], context: grpc.ServicerContext
    ) -> Iterator[AppendRowsResponse]:
        inbox: Inbox = queue.SimpleQueue()
        over = threading.Event()
        context.add_callback(over.set)
        with self._changed:
            self.streams += 1
            self._unanswered = 0
            stream = self.streams
            self._open.append((inbox, over))
        threading.Thread(target=self._receive, args=(stream, requests, inbox), daemon=True).start()
        while (item := inbox.get()) is not None:
            if isinstance(item, grpc.StatusCode):
                context.abort(item, "idle")
            table, rows = item
            step = self.script.popleft() if self.script else Store()
            if isinstance(step, FallSilent | EndStream) and step.stored:
                self._store_or_refuse(table, rows)
            match step:
                case EndStream(grpc.StatusCode.OK):
                    return
                case EndStream():
                    context.abort(step.code, step.message)
                case FallSilent():
                    while inbox.get() is not None:
                        pass
                    return
                case Store(gate) if gate is not None:
                    assert gate.wait(PATIENCE)
            with self._changed:
                self._unanswered -= 1
            yield _error(step) if isinstance(step, Answer) else self._store_or_refuse(table, rows)

    def _receive(self, stream: int, requests: Iterator[AppendRowsRequest], inbox: Inbox) -> None:
        schema = b""
        try:
            for request in requests:
                _, project, _, dataset, _, table, *_ = request.write_stream.split("/")
                given = request.arrow_rows.writer_schema.serialized_schema
                schema = given or schema
                rows = _decode(schema, request.arrow_rows.rows.serialized_record_batch)
                name = f"{project}.{dataset}.{table}"
                with self._changed:
                    self.received.append(Received(stream, name, rows.num_rows, bool(given)))
                    self._unanswered += 1
                    self.most_unanswered = max(self.most_unanswered, self._unanswered)
                    self._changed.notify_all()
                inbox.put((name, rows))
        except grpc.RpcError:
            pass  # the client has cancelled
        finally:
            inbox.put(None)

    def _store_or_refuse(self, table: str, rows: pa.RecordBatch) -> AppendRowsResponse:
        words = [(index, self.refuse(row)) for index, row in enumerate(rows.to_pylist())]
        errors = [
            RowError(index=index, code=RowError.RowErrorCode.FIELDS_ERROR, message=message)
            for index, message in words
            if message is not None
        ]
        if errors:
            status = Status(code=3, message="Errors found while processing rows.")
            return AppendRowsResponse(error=status, row_errors=errors[: self.refusals_shown])
        self._store(table, rows)
        return AppendRowsResponse(append_result=AppendRowsResponse.AppendResult())

    def _store(self, table: str, rows: pa.RecordBatch) -> None:
        with self._changed:
            self.tables[table].extend(rows.to_pylist())


def _decode(schema: bytes, rows: bytes) -> pa.RecordBatch:
    return pa.ipc.read_record_batch(pa.py_buffer(rows), pa.ipc.read_schema(pa.py_buffer(schema)))


def _error(step: Answer) -> AppendRowsResponse:
    status = Status(code=step.code.value[0], message=step.message)
    if step.storage_code:
        status.details.add().Pack(StorageError.pb()(code=step.storage_code))
    return AppendRowsResponse(error=status)
