"""Ctrl-C: the first asks for an orderly end, the second ends at once."""

from __future__ import annotations

import queue
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager


@contextmanager
def stop_on_signal(
    say: Callable[[str], object], signals: Sequence[signal.Signals] = (signal.SIGINT, signal.SIGTERM)
) -> Iterator[threading.Event]:
    """An event that signals set meanwhile; after the first they do what they do by default.

    Must be entered on the main thread.

    Args:
        say: is told, on another thread, that a signal has come.
        signals: that ask for the end.
    """
    stop = threading.Event()
    came = queue.SimpleQueue[bool]()  # its `put` may be called from a signal handler, an event's `set` may not

    def handle(*_: object) -> None:
        came.put(True)
        for number in signals:
            signal.signal(number, signal.SIG_DFL)

    def listen() -> None:
        if came.get():
            say("stopping: waiting for the answers under way; Ctrl-C again ends at once")
            stop.set()

    before = [signal.signal(number, handle) for number in signals]
    threading.Thread(target=listen, name="stop-on-signal", daemon=True).start()
    try:
        yield stop
    finally:
        came.put(False)  # ends the thread
        for number, handler in zip(signals, before, strict=True):
            signal.signal(number, handler)
