"""BigQuery's Storage Write API: Arrow rows into default streams, at least once, over one lasting connection.

An append crosses several threads. The caller's cuts the rows into requests and queues them; gRPC's takes them from the
queue as it can send them; a reader takes the answers. The connection's own thread opens streams, notices silence, and
queues again what a lost stream left unanswered.

Google's `AppendRowsStream` is not used: shared by threads it mixes up their answers, and it hides why a stream ended.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from google.api_core.retry import exponential_sleep_generator
from google.cloud.bigquery_storage_v1 import BigQueryWriteClient
from google.rpc.status_pb2 import Status

from streaming.bigquery.append_errors import SILENT, is_missing, is_transient, row_faults, to_error
from streaming.bigquery.append_requests import AppendRequest, cut
from streaming.bigquery.append_stream import AppendStream
from streaming.bigquery.table_ids import parse_table_id
from streaming.refusals import Outcome, Refusal

_LOG = logging.getLogger(__name__)


@dataclass(eq=False)
class _Pending:
    """A request under way, from its append to its answer, over as many streams as it takes."""

    request: AppendRequest
    outcome: Outcome
    failing_since: float | None = None


class AppendConnection:
    """Appends of any thread to any tables of one region; one for each process.

    Args:
        client: the generated client.
        under_way: how many requests may be unanswered; `append` waits while there are as many.
        silence: seconds without any answer after which a stream is given up and its requests sent again.
        retry_for: seconds a request may go on failing for transient reasons before its future fails.
        not_found_for: seconds a table may be not found, since it may have been made a moment ago.
        backoff: shortest and longest mean wait, in seconds, before sending again; doubled each time, with full jitter.
        on_retry: called for each request that is sent again, on a thread of the connection.
    """

    def __init__(
        self,
        client: BigQueryWriteClient,
        *,
        under_way: int = 8,
        silence: float = 60.0,
        retry_for: float = 120.0,
        not_found_for: float = 20.0,
        backoff: tuple[float, float] = (0.2, 10.0),
        on_retry: Callable[[], None] = lambda: None,
    ) -> None:
        self._client = client
        self._most_under_way = under_way
        self._silence = silence
        self._retry_for = retry_for
        self._not_found_for = not_found_for
        self._backoff = backoff
        self._on_retry = on_retry

        self._changed = threading.Condition()  # guards everything below; told of every change of it
        self._under_way = 0
        self._unsent: deque[_Pending] = deque()
        self._unanswered: deque[_Pending] = deque()
        self._heard = 0.0  # when the server last answered, or was given something to answer
        self._resume = 0.0  # when sending may go on
        self._waits = self._new_waits()
        self._closed = False
        self._failure: Exception | None = None  # what closed it, if not its owner
        self._thread: threading.Thread | None = None

    def append(self, table: str, rows: pa.RecordBatch) -> Future[list[Refusal]]:
        """Send rows; waits while too many requests are under way, so never call it from a future's callback.

        Args:
            table: `P.D.T` or `P:D.T`.
            rows: columns named and typed as BigQuery takes them from Arrow.

        Returns:
            A future of the rows that BigQuery refuses, numbered as in `rows`; all others are in the table, some
            perhaps twice. It fails with an `errors.PermanentError` when somebody has to mend something first, or with
            a `google.api_core.exceptions.GoogleAPICallError` when BigQuery could not be had for `retry_for` seconds;
            then any of the rows may be in the table.

        Raises:
            ValueError: `table` is not the name of a table.
            RuntimeError: the connection is closed.
        """
        requests, refusals = cut(parse_table_id(table), rows)
        outcome = Outcome(len(requests), refusals)
        for request in requests:
            if outcome.future.done():  # one has failed, and with it the append
                break
            self._submit(_Pending(request, outcome))
        return outcome.future

    def close(self) -> None:
        """Wait until nothing is under way, then end the stream. Later appends raise."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            thread = self._thread
        if thread is not None:
            thread.join()

    def _submit(self, pending: _Pending) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._under_way < self._most_under_way)
            if self._closed:
                raise RuntimeError("the append connection is closed") from self._failure
            self._under_way += 1
            self._unsent.append(pending)
            self._changed.notify_all()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="append-connection", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        try:
            while (first := self._await_work()) is not None:
                stream = AppendStream(self._client, first.write_stream, self._take, self._judge, self._changed)
                silent = self._await_end(stream)
                status = stream.end()
                self._take_back(SILENT if silent else status)
        except Exception as error:  # noqa: BLE001 - whoever waits for an answer must hear that none will come
            self._break_off(error)

    def _await_work(self) -> AppendRequest | None:
        """The request that the next stream begins with; None when the connection is closed and nothing under way."""
        with self._changed:
            while not self._may_send():
                if self._finished():
                    return None
                self._changed.wait(self._until_resume())
            return self._unsent[0].request

    def _await_end(self, stream: AppendStream) -> bool:
        """Wait until the stream is over, or no longer needed, or the server silent for too long: whether it is that."""
        with self._changed:
            while not stream.over and not self._finished():
                left = self._heard + self._silence - time.monotonic() if self._unanswered else None
                if left is not None and left <= 0:
                    return True
                self._changed.wait(left)
            return False

    def _take(self, stream: AppendStream) -> AppendRequest | None:
        with self._changed:
            while not stream.over and not self._may_send():
                self._changed.wait(self._until_resume())
            if stream.over:
                return None
            if not self._unanswered:
                self._heard = time.monotonic()
            self._unanswered.append(self._unsent.popleft())
            self._changed.notify_all()
            return self._unanswered[-1].request

    def _take_back(self, status: Status) -> None:
        """Queue again, in order, what the lost stream left unanswered.

        A fault that does not pass is the first one's, for answers come in order.
        """
        with self._changed:
            lost, self._unanswered = list(self._unanswered), deque()
        blamed = lost if is_transient(status) else lost[:1]
        given_up = [pending for pending in blamed if self._gives_up(pending, status)]
        self._try_again([pending for pending in lost if pending not in given_up], status)
        for pending in given_up:
            self._settle(pending, to_error(status, pending.request.table))

    def _judge(self, answer: Any) -> None:
        with self._changed:
            self._heard = time.monotonic()
            pending = self._unanswered.popleft()
        faults = row_faults(answer.row_errors, len(pending.request.numbers))
        if faults:
            self._refuse(pending, faults)
        elif not answer.error.code:
            self._settle(pending)
        elif self._gives_up(pending, answer.error):
            self._settle(pending, to_error(answer.error, pending.request.table))
        else:
            self._try_again([pending], answer.error)

    def _refuse(self, pending: _Pending, faults: dict[int, tuple[str, str]]) -> None:
        """Nothing of a request with refused rows was written: what is left of it goes out again."""
        numbers = pending.request.numbers
        pending.outcome.refuse(Refusal(numbers[index], *fault) for index, fault in faults.items())
        rest = pending.request.without(faults)
        if rest is None:
            self._settle(pending)
        else:
            self._queue_first([_Pending(rest, pending.outcome)])

    def _break_off(self, error: Exception) -> None:
        with self._changed:
            self._closed, self._failure = True, error
            left = [*self._unanswered, *self._unsent]
        for pending in left:
            self._settle(pending, error)

    def _gives_up(self, pending: _Pending, status: Status) -> bool:
        now = time.monotonic()
        if pending.failing_since is None:
            pending.failing_since = now
        patience = self._retry_for if is_transient(status) else self._not_found_for if is_missing(status) else 0.0
        return now - pending.failing_since >= patience

    def _try_again(self, pendings: list[_Pending], status: Status) -> None:
        if not pendings:  # an idle stream may end as it likes
            return
        _LOG.warning("Sending %d append requests again: %s", len(pendings), status.message)
        for _ in pendings:
            self._on_retry()
        with self._changed:
            self._resume = time.monotonic() + next(self._waits)
        self._queue_first(pendings)

    def _queue_first(self, pendings: list[_Pending]) -> None:
        with self._changed:
            self._unsent.extendleft(reversed(pendings))
            self._changed.notify_all()

    def _settle(self, pending: _Pending, error: Exception | None = None) -> None:
        if error is None:
            pending.outcome.answered()
        else:
            pending.outcome.failed(error)
        with self._changed:
            self._under_way -= 1
            if error is None:
                self._waits = self._new_waits()
            self._changed.notify_all()

    def _finished(self) -> bool:
        return self._closed and not self._under_way

    def _may_send(self) -> bool:
        return bool(self._unsent) and self._until_resume() is None

    def _until_resume(self) -> float | None:
        left = self._resume - time.monotonic()
        return left if left > 0 and self._unsent else None

    def _new_waits(self) -> Iterator[float]:
        waits: Iterator[float] = exponential_sleep_generator(*self._backoff)
        return waits
