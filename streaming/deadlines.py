"""Calls that may last only so long. One that hangs cannot be cancelled: its thread is left behind, and counted.

Every thread left behind may hold memory, a core, or a lock that the next call waits for. So after a few of them the
process must end; whoever runs it starts it again.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future
from datetime import timedelta
from functools import partial
from typing import Generic, TypeVar

from streaming.errors import EXIT_FAILED

T = TypeVar("T")

MOST_HANGING = 3
"""With so many threads that hang the process ends."""

GRACE_SECONDS = 30.0
"""For the bundles in hand: their messages would come again, and with them the call that hangs."""

_LOG = logging.getLogger(__name__)


class CallTimeoutError(Exception):
    """A call that did not end in time."""


def within(limit: timedelta, function: Callable[[], T]) -> T:
    """What `function` gives or raises, if it does so in time.

    Raises:
        CallTimeoutError: it did not; its thread goes on, abandoned.
    """
    call = _Call(function)
    # A thread for each call: 0.1 ms, and a daemon, which does not hold up the end of the process.
    threading.Thread(target=call.run, name="model-call", daemon=True).start()
    try:
        return call.future.result(limit.total_seconds())
    except TimeoutError as error:
        if call.abandon():
            raise CallTimeoutError(f"no answer within {limit.total_seconds():g} s") from error
        return call.future.result()  # it has ended by now, or the error is its own


class _Call(Generic[T]):
    """A call on a thread, which may be abandoned."""

    def __init__(self, function: Callable[[], T]) -> None:
        self.future: Future[T] = Future()
        self._function = function
        self._lock = threading.Lock()
        self._abandoned = False

    def run(self) -> None:
        try:
            result = self._function()
        except BaseException as error:  # noqa: BLE001 - raised again by whoever waits
            self._end(partial(self.future.set_exception, error))
        else:
            self._end(partial(self.future.set_result, result))

    def abandon(self) -> bool:
        """Whether the call has not ended and is abandoned from now on."""
        with self._lock:
            if self.future.done():
                return False
            self._abandoned = True
        _hanging.add(1)
        return True

    def _end(self, tell: Callable[[], None]) -> None:
        with self._lock:
            tell()
            late = self._abandoned
        if late:
            _hanging.add(-1)  # it was slow, and does not hang


class _Hanging:
    """How many abandoned threads this process has."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = 0
        self.too_many = threading.Event()

    def add(self, change: int) -> None:
        with self._lock:
            self._count += change
            if self._count < MOST_HANGING or self.too_many.is_set():
                return
            self.too_many.set()
        _LOG.error("%d calls of models hang; this process ends, at the latest in %g s", MOST_HANGING, GRACE_SECONDS)
        timer = threading.Timer(GRACE_SECONDS, os._exit, (EXIT_FAILED,))
        timer.daemon = True
        timer.start()


_hanging = _Hanging()


def worn_out() -> bool:
    """Whether this process must end, for too many of its threads hang."""
    return _hanging.too_many.is_set()
