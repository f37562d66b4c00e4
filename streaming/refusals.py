"""What a service says of single rows or messages, and the one answer to a call that went out as several requests."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import dataclass


@dataclass(frozen=True)
class Refusal:
    """A row or message that the service does not take, however often it is sent.

    Attributes:
        row: its number in what the caller gave.
        error_class: the service's name for the fault, or ours, such as RowTooLarge.
        message: the service's words, or ours.
    """

    row: int
    error_class: str
    message: str


class Outcome:
    """The outcome of one call whose rows went out in several requests.

    Attributes:
        future: resolves to all refusals in row order once every request is answered, or to the first request's error.
    """

    def __init__(self, requests: int, refusals: Iterable[Refusal] = ()) -> None:
        self.future: Future[list[Refusal]] = Future()
        self.future.set_running_or_notify_cancel()  # what is on its way cannot be called back
        self._lock = threading.Lock()
        self._unanswered = requests
        self._settled = False
        self._refusals = list(refusals)
        if not requests:
            self.future.set_result(self._in_row_order())

    def refuse(self, refusals: Iterable[Refusal]) -> None:
        """Note rows that the service refused; their request is not answered by that."""
        with self._lock:
            self._refusals.extend(refusals)

    def answered(self) -> None:
        """One more request is answered for good."""
        with self._lock:
            self._unanswered -= 1
            last = self._unanswered == 0 and not self._settled
            self._settled = self._settled or last
        if last:
            self.future.set_result(self._in_row_order())

    def failed(self, error: BaseException) -> None:
        """A request failed, and with it the call."""
        with self._lock:
            first = not self._settled
            self._settled = True
        if first:
            self.future.set_exception(error)

    def _in_row_order(self) -> list[Refusal]:
        return sorted(self._refusals, key=lambda refusal: refusal.row)
