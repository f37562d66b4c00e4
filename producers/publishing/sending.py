"""Sends blocks of messages when they are due, several requests at a time; the truth file is told what comes of each."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import Any

import pyarrow as pa
from google.api_core.exceptions import RetryError

from producers.messages import Messages
from producers.publishing.pace import Pace
from producers.publishing.refused import Refused
from producers.truth import TruthWriter
from streaming.endpoints import show_pubsub
from streaming.errors import JobError, one_line
from streaming.pubsub.lanes import Lanes
from streaming.pubsub.publish_requests import Failed, Request, Requests, Taken, requests
from streaming.pubsub.publisher import output_message
from streaming.pubsub.pubsub_limits import over_limit
from streaming.refusals import Refusal

UNDER_WAY = 8
"""Requests that may be unanswered; the next block waits while there are as many."""

COMPLETED, STOPPED = "completed", "stopped"
"""How a sending ends that does not fail."""


@dataclass(frozen=True)
class Totals:
    """What came of the messages so far.

    Attributes:
        published: Pub/Sub has taken them.
        refused: it has not, or they were not sent any more after a failure.
        unknown: nobody knows; while sending goes on, they are under way.
        seconds: since the first message was due; in the end, until the last was answered and the next would be due.
        ending: `completed`, `stopped`, or `failed: ...`; empty while sending goes on.
        reason: why most of the refused ones were; empty where none was.
        planted: how many of the refused ones have a fault that explains it.
    """

    published: int = 0
    refused: int = 0
    unknown: int = 0
    seconds: float = 0.0
    ending: str = ""
    reason: str = ""
    planted: int = 0

    @property
    def messages(self) -> int:
        return self.published + self.refused + self.unknown

    @property
    def failed(self) -> bool:
        return self.ending.startswith("failed")

    @property
    def rate(self) -> float:
        """Messages a second."""
        return self.messages / self.seconds if self.seconds else 0.0


OnProgress = Callable[[Totals], object]


def send(
    stream: Iterable[Messages],
    topic: str,
    rate: float,
    service: Requests,
    *,
    truth: TruthWriter | None = None,
    stop: threading.Event | None = None,
    on_progress: OnProgress = lambda _: None,
) -> Totals:
    """Send the stream's blocks, each when it is due, and at once when it is late.

    What Pub/Sub refuses for its own sake does not end the sending; what it cannot take at all does. Then, and when it
    is asked to stop, the requests under way are waited for.

    Args:
        stream: the blocks; each is made just before it is due.
        topic: `projects/P/topics/T`.
        rate: messages a second, as the stream's due times have it.
        service: makes the requests.
        truth: is told of every message before it is sent, and of every answer; and how the sending ended.
        stop: ends the sending between two blocks.
        on_progress: is called after each block and while the next is not due, on this thread.
    """
    pace, sending = Pace(stop or threading.Event()), _Sending(topic, service, truth)
    try:
        ending = _feed(sending, stream, rate, pace, on_progress)
    finally:
        sending.close()
    totals = sending.totals(pace.until_last(), ending)
    if truth is not None:
        truth.end(totals.ending)
    return totals


def _feed(sending: _Sending, stream: Iterable[Messages], rate: float, pace: Pace, on_progress: OnProgress) -> str:
    """Hand block after block to `sending` when it is due; why that came to its end."""
    for block in stream:
        while not sending.failed and pace.waits(block.due):
            on_progress(sending.totals(pace.seconds()))
        if sending.failed or pace.stop.is_set():
            return STOPPED
        pace.sends(len(block) / rate)
        sending.add(block)
        on_progress(sending.totals(pace.seconds()))
    return COMPLETED


class _Sending:
    """Requests under way, and what came of those that are not."""

    def __init__(self, topic: str, service: Requests, truth: TruthWriter | None) -> None:
        self._topic = topic
        self._service = service
        self._truth = truth
        self._lanes = Lanes(UNDER_WAY, "publisher")
        self._lock = threading.Lock()  # guards what follows
        self._totals = Totals()
        self._refusals = Refused()
        self._error = ""

    @property
    def failed(self) -> bool:
        return bool(self._error)

    def totals(self, seconds: float, ending: str = "") -> Totals:
        with self._lock:
            if ending and self._error:
                ending = f"failed: {self._error}"
            reason, planted = self._refusals.reason, self._refusals.planted
            return replace(self._totals, seconds=seconds, ending=ending, reason=reason, planted=planted)

    def add(self, block: Messages) -> None:
        """Have a block sent; waits while too many requests are under way."""
        numbers = block.rows.column("number").to_pylist()
        try:
            if self._truth is not None:
                self._truth.messages(block)
        except JobError as error:  # none of them is sent: nobody would know what they were
            self._fail(error)
            return
        self._count(unknown=len(numbers))
        with self._lock:
            self._refusals.sending(block.rows)
        messages = raw_messages(block.rows)
        limits = [over_limit(message) for message in messages]
        for number, limit in zip(numbers, limits, strict=True):
            if limit is not None:
                self._refused([number], ": ".join(limit))
        for request in requests(messages, [place for place, limit in enumerate(limits) if limit is None]):
            named = replace(request, numbers=[numbers[place] for place in request.numbers])
            self._lanes.submit(request.key or object(), partial(self._settle, named))

    def close(self) -> None:
        """Wait until nothing is under way."""
        self._lanes.close()

    def _settle(self, request: Request) -> None:
        try:
            self._send(request)
        except Exception as error:  # noqa: BLE001 - this thread's errors are heard of nowhere else
            self._fail(error)

    def _send(self, request: Request) -> None:
        answered = 0
        for outcome in () if self.failed else self._service.outcomes(self._topic, request):
            answered += self._note(outcome)
        if rest := request.numbers[answered:]:
            self._refused(rest, f"not sent: {self._error}")

    def _note(self, outcome: Taken | Refusal | Failed) -> int:
        """Of how many messages this is the outcome."""
        if isinstance(outcome, Refusal):
            self._refused([outcome.row], f"{outcome.error_class}: {outcome.message}")
            return 1
        if isinstance(outcome, Taken):
            self._taken(outcome)
        else:
            self._fail(outcome.error)
            if not outcome.perhaps_taken:
                self._refused(outcome.numbers, one_line(outcome.error))
        return len(outcome.numbers)

    def _taken(self, taken: Taken) -> None:
        if self._truth is not None:
            self._truth.sent(taken.numbers, taken.message_ids, taken.attempts)
        with self._lock:
            self._refusals.taken(taken.numbers)
        self._count(published=len(taken.numbers), unknown=-len(taken.numbers))

    def _refused(self, numbers: Sequence[int], error: str) -> None:
        if self._truth is not None:
            self._truth.refused(numbers, error)
        with self._lock:
            self._refusals.refused(numbers, error)
        self._count(refused=len(numbers), unknown=-len(numbers))

    def _fail(self, error: Exception) -> None:
        with self._lock:
            self._error = self._error or _reason(error)

    def _count(self, published: int = 0, refused: int = 0, unknown: int = 0) -> None:
        with self._lock:
            self._totals = replace(
                self._totals,
                published=self._totals.published + published,
                refused=self._totals.refused + refused,
                unknown=self._totals.unknown + unknown,
            )


def raw_messages(rows: pa.RecordBatch) -> list[Any]:
    """The rows as raw `PubsubMessage`s."""
    attributes = rows.column("attributes")
    keys, values, offsets = attributes.keys.to_pylist(), attributes.items.to_pylist(), attributes.offsets.to_pylist()
    payloads, ordering_keys = rows.column("payload").to_pylist(), rows.column("ordering_key").to_pylist()
    return [
        output_message(payload, dict(zip(keys[start:end], values[start:end], strict=True)), ordering_key)
        for payload, ordering_key, (start, end) in zip(payloads, ordering_keys, pairwise(offsets), strict=True)
    ]


def _reason(error: Exception) -> str:
    if isinstance(error, RetryError):
        return f"{show_pubsub()} has not answered: {one_line(error.cause)}"
    return one_line(error)
