"""One AppendRows call of the BigQuery Storage Write API: requests out, answers in, in the same order."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import grpc
from google.api_core.gapic_v1 import routing_header
from google.cloud.bigquery_storage_v1 import BigQueryWriteClient
from google.cloud.bigquery_storage_v1.types import AppendRowsResponse
from google.rpc.status_pb2 import Status

from streaming.bigquery.append_errors import CLOSED, UNREADABLE, status_of
from streaming.bigquery.append_requests import AppendRequest


class AppendStream:
    """The call and its two threads: gRPC's own, which takes requests, and one that reads answers.

    Args:
        client: the generated client.
        write_stream: where the first request goes; Google routes the call to that table's region.
        take: waits for the next request; None ends the requests. It is given this stream, and returns when it is over.
        answer: called with each raw `AppendRowsResponse`.
        changed: notified, and held, when the stream is over.

    Attributes:
        over: whether no more answers come.
    """

    def __init__(
        self,
        client: BigQueryWriteClient,
        write_stream: str,
        take: Callable[[AppendStream], AppendRequest | None],
        answer: Callable[[Any], None],
        changed: threading.Condition,
    ) -> None:
        self.over = False
        self._take = take
        self._answer = answer
        self._changed = changed
        self._status = UNREADABLE
        # The transport's method: the client's own would retry with a half consumed iterator, and hand out nothing
        # that can be cancelled before the first answer is there.
        header = routing_header.to_grpc_metadata({"write_stream": write_stream})
        self._call = client.transport.append_rows(self._requests(), metadata=[header])
        self._reader = threading.Thread(target=self._read, name="append-answers", daemon=True)
        self._reader.start()

    def end(self) -> Status:
        """End the call if it has not ended, wait for its last answer, and say what ended it."""
        self._call.cancel()
        self._reader.join()
        return self._status

    def _requests(self) -> Iterator[Any]:
        sent: tuple[str, bytes] | None = None
        while (request := self._take(self)) is not None:
            target = (request.write_stream, request.schema)
            yield request.message(with_schema=target != sent)
            sent = target

    def _read(self) -> None:
        try:
            for response in self._call:
                self._answer(AppendRowsResponse.pb(response))
            self._status = CLOSED
        except grpc.RpcError as error:
            self._status = status_of(error)
        finally:
            with self._changed:
                self.over = True
                self._changed.notify_all()
