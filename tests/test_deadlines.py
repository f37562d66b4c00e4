"""Calls within a time: their results, their errors, and the threads of those that hang."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest

from streaming import deadlines
from streaming.deadlines import CallTimeoutError, within

SOON, LONG = timedelta(milliseconds=20), timedelta(seconds=30)


@pytest.fixture(autouse=True)
def nothing_hangs(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each test starts with no thread left behind, and none may end this process."""
    monkeypatch.setattr(deadlines, "_hanging", deadlines._Hanging())
    monkeypatch.setattr(deadlines, "GRACE_SECONDS", 3600.0)
    yield
    for timer in (each for each in threading.enumerate() if isinstance(each, threading.Timer)):
        timer.cancel()


class Hang:
    """A call that ends when it is let go."""

    def __init__(self) -> None:
        self._go = threading.Event()
        self._thread: threading.Thread | None = None

    def __call__(self) -> str:
        self._thread = threading.current_thread()
        self._go.wait(30)
        return "late"

    def end(self) -> None:
        self._go.set()
        assert self._thread
        self._thread.join()


def hang() -> Hang:
    hanging = Hang()
    with pytest.raises(CallTimeoutError, match=r"^no answer within 0.02 s$"):
        within(SOON, hanging)
    return hanging


def test_a_call_in_time_gives_its_result() -> None:
    assert within(LONG, lambda: 5) == 5


@pytest.mark.parametrize("error", [ValueError("no"), TimeoutError("its own"), MemoryError()])
def test_a_call_raises_its_own_error(error: Exception) -> None:
    def call() -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        within(LONG, call)
    assert caught.value is error


def test_three_calls_that_hang_wear_the_process_out() -> None:
    calls = [hang(), hang()]
    assert not deadlines.worn_out()
    calls.append(hang())
    assert deadlines.worn_out()
    for call in calls:
        call.end()
    assert deadlines.worn_out()


def test_a_call_that_ends_late_does_not_hang() -> None:
    for _ in range(5):
        hang().end()
    assert not deadlines.worn_out()


def test_a_process_that_is_worn_out_ends() -> None:
    program = """
import threading
from datetime import timedelta
from streaming import deadlines
deadlines.GRACE_SECONDS = 0.01
for _ in range(3):
    try:
        deadlines.within(timedelta(milliseconds=1), threading.Event().wait)
    except deadlines.CallTimeoutError:
        pass
threading.Event().wait()
"""
    ended = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True, timeout=30)
    assert ended.returncode == 1
    assert ended.stderr == "3 calls of models hang; this process ends, at the latest in 0.01 s\n"
