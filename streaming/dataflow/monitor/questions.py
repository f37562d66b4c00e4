"""Questions to services, each on a thread of its own: one that is not answered holds up no other."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Generic, TypeVar

from streaming.errors import JobError, PermanentError
from streaming.monitoring.report import Missing

T = TypeVar("T")

STALE = timedelta(minutes=5)
"""So long an answer is used while there is no newer one."""


@dataclass(frozen=True)
class Answer(Generic[T]):
    """What a service has said, and when."""

    value: T
    at: datetime


class Question(Generic[T]):
    """What a service is asked at every look. One that has not answered yet is not asked a second time.

    Attributes:
        source: the service's name on the screen.
        latest: the latest answer.
        error: why there is no newer one; None where there is.
    """

    def __init__(self, source: str) -> None:
        self.source = source
        self.latest: Answer[T] | None = None
        self.error: JobError | None = None
        self._asked: Future[Answer[T]] | None = None
        self._is_late = False

    @property
    def value(self) -> T | None:
        """The latest answer's value."""
        return self.latest.value if self.latest else None

    def recent(self, now: datetime) -> T | None:
        """The latest answer's value, unless it is stale."""
        if self.latest is None or (self.error is not None and now - self.latest.at > STALE):
            return None
        return self.latest.value

    def begin(self, ask: Callable[[], T]) -> None:
        """Ask, unless the answer to the question before is still awaited."""
        self._is_late = self._asked is not None
        if self._asked is None:
            self._asked = _on_a_thread(ask)

    def take(self, until: float) -> None:
        """Wait for the answer until this time of the monotonic clock; not for one that was too late at the look before.

        Errors other than `JobError`, which are faults of this program, are raised.
        """
        if self._asked is None:
            return
        began = time.monotonic()
        wait([self._asked], timeout=0 if self._is_late else max(0.0, until - began))
        if not self._asked.done():
            self.error = self.error or PermanentError("no answer yet; it is waited for")
            return
        asked, self._asked = self._asked, None
        try:
            self.latest, self.error = asked.result(), None
        except JobError as error:
            self.error = error

    def missing(self) -> list[Missing]:
        """The line that says that it is not answered."""
        since = self.latest.at if self.latest else None
        return [Missing(self.source, str(self.error), since)] if self.error else []


def _on_a_thread(ask: Callable[[], T]) -> Future[Answer[T]]:
    """The answer to come; the thread does not keep the process from ending, as those of a pool do."""
    future: Future[Answer[T]] = Future()

    def run() -> None:
        try:
            value = ask()
        except BaseException as error:  # noqa: BLE001 - it is raised where the answer is taken
            future.set_exception(error)
        else:
            future.set_result(Answer(value, datetime.now(UTC)))

    threading.Thread(target=run, daemon=True).start()
    return future
