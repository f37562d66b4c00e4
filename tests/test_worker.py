"""What a worker tells its parent: about jobs without Beam here; tests/integration has those on Prism."""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Any

import pytest

from streaming.local.processes import spawn

JOB = """
import os, sys, threading
from streaming.errors import JobError, Mistakes, PermanentError
from streaming.local import worker

class Pipeline:
    def __init__(self):
        self.reading = threading.Event()

    def wait_until_finish(self):
        self.reading.wait()

class Job:
    pipeline = Pipeline()
    messages = 0
    hangs = False
    is_bounded = False

    def prepare(self):
        exec(sys.argv[1])

    def wants_prism(self):
        return False

    def start(self, prism):
        return self.pipeline

    def ends(self):
        return self.is_bounded

    def stop_reading(self):
        self.messages = 7
        self.pipeline.reading.set()

    def ready(self):
        return True

    def worn_out(self):
        return self.hangs

    def snapshot(self):
        return {"messages_read": self.messages}

os._exit(worker.run(Job(), worker.Events(int(sys.argv[2]))))
"""


class Running:
    """A worker process, and the events it sends."""

    def __init__(self, preparation: str) -> None:
        reader, writer = os.pipe()
        self.process = spawn([sys.executable, "-c", JOB, preparation, str(writer)], pass_fds=[writer])
        os.close(writer)
        self._events = os.fdopen(reader, "rb")

    def event(self) -> dict[str, Any]:
        return json.loads(self._events.readline())

    def rest(self) -> tuple[list[dict[str, Any]], int]:
        """The events that are left, and the exit code."""
        with self._events:
            return [json.loads(line) for line in self._events], self.process.wait()


@pytest.mark.parametrize(
    ("preparation", "event", "code"),
    [
        (
            "raise Mistakes(['--a: wrong', '--b: wrong'])",
            {"event": "invalid", "mistakes": ["--a: wrong", "--b: wrong"]},
            2,
        ),
        ("raise PermanentError('gone')", {"event": "failed", "error": "gone", "permanent": True}, 1),
        ("raise JobError('not now')", {"event": "failed", "error": "not now", "permanent": False}, 1),
        ("[][0]", {"event": "failed", "error": "IndexError: list index out of range", "permanent": False}, 1),
    ],
)
def test_a_job_that_cannot_start(preparation: str, event: dict[str, Any], code: int) -> None:
    assert Running(preparation).rest() == ([event], code)


def test_sigterm_ends_the_reading_and_the_last_figures_are_sent() -> None:
    worker = Running("pass")
    assert worker.event() == {"event": "ready"}
    worker.process.send_signal(signal.SIGINT)
    worker.process.send_signal(signal.SIGTERM)
    events, code = worker.rest()
    assert (events[-2:], code) == ([{"event": "stats", "messages_read": 7}, {"event": "stopped"}], 0)


def test_a_job_that_has_read_all_is_done() -> None:
    events, code = Running("self.is_bounded = True; self.messages = 9; self.pipeline.reading.set()").rest()
    assert (events[-2:], code) == ([{"event": "stats", "messages_read": 9}, {"event": "done"}], 0)


def test_a_job_that_is_stopped_before_it_has_read_all_is_not_done() -> None:
    worker = Running("self.is_bounded = True")
    assert worker.event() == {"event": "ready"}
    worker.process.send_signal(signal.SIGTERM)
    events, code = worker.rest()
    assert (events[-1], code) == ({"event": "stopped"}, 0)


def test_sigterm_before_anything_is_read_ends_at_once() -> None:
    worker = Running("os.write(int(sys.argv[2]), b'{}\\n'); threading.Event().wait()")
    assert worker.event() == {}
    worker.process.send_signal(signal.SIGTERM)
    assert worker.rest() == ([], 0)


def test_a_worker_whose_calls_hang_finishes_what_it_has_and_fails() -> None:
    events, code = Running("self.hangs = True").rest()
    error = "calls of models hang; this process has finished what it could, and ends"
    assert events[-2:] == [
        {"event": "stats", "messages_read": 7},
        {"event": "failed", "error": error, "permanent": False},
    ]
    assert code == 1


AWAY = """
def fail():
    Job.pipeline.reading.wait()
    raise RuntimeError(
        "bundle failed:Traceback (most recent call last):\\n  File 'x.py'\\n{raised} [while running 'Infer/rem/Beam']"
    )
self.pipeline.wait_until_finish = fail
"""


@pytest.mark.parametrize(
    "name", ["streaming.predictors.ModelUnavailableError", "streaming.models.service.TransientError"]
)
def test_a_stop_while_a_model_is_away_loses_nothing_and_is_no_failure(name: str) -> None:
    worker = Running(AWAY.format(raised=f"{name}: rem answers 503"))
    assert worker.event() == {"event": "ready"}
    worker.process.send_signal(signal.SIGTERM)
    events, code = worker.rest()
    assert (events[-3:], code) == (
        [
            {"event": "stats", "messages_read": 7},
            {"event": "unanswered", "error": "rem answers 503"},
            {"event": "stopped"},
        ],
        0,
    )


def test_any_other_failure_when_stopping_is_one() -> None:
    worker = Running(AWAY.format(raised="ValueError: odd"))
    assert worker.event() == {"event": "ready"}
    worker.process.send_signal(signal.SIGTERM)
    events, code = worker.rest()
    assert (events[-1], code) == (
        {"event": "failed", "error": "ValueError: odd [while running 'Infer/rem/Beam']", "permanent": False},
        1,
    )
