"""A worker with small pipelines of its own on a real Prism: how they end is what the parent is told."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import psutil
import pytest

from streaming.local.processes import spawn

pytestmark = pytest.mark.integration

JOB = """
import os, sys, threading, time
import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from streaming.errors import PermanentError
from streaming.local import worker
from streaming.local.worker_job import BEAM_DEFAULTS

DONE = threading.Event()

class Pass(beam.DoFn):
    def process(self, element):
        yield element

class Wait(beam.DoFn):
    def process(self, element):
        sys.modules["__main__"].DONE.wait()  # Beam would pickle a global
        yield element

class Fail(beam.DoFn):
    def process(self, element):
        raise ValueError("odd\\nelement")

class Miss(beam.DoFn):
    def process(self, element):
        raise PermanentError("subscription s: does not exist; create it")

class SmallJob:
    def __init__(self, step):
        self.step = step

    def prepare(self):
        pass

    def wants_prism(self):
        return True

    def start(self, prism):
        options = PipelineOptions([*BEAM_DEFAULTS, f"--job_endpoint={prism}"])
        pipeline = beam.Pipeline(options=options)
        pipeline | beam.Create([1, 2, 3]) | "Step" >> beam.ParDo(self.step)
        return pipeline.run()

    def ends(self):
        return False

    def stop_reading(self):
        DONE.set()

    def ready(self):
        return True

    def worn_out(self):
        return False

    def snapshot(self):
        return {"messages_read": 3}

worker.configure_logging(debug=False)
step = {"pass": Pass, "wait": Wait, "fail": Fail, "miss": Miss}[sys.argv[1]]
os._exit(worker.run(SmallJob(step()), worker.Events(int(sys.argv[2]))))
"""


class Running:
    """A worker process and what it says."""

    def __init__(self, step: str) -> None:
        reader, writer = os.pipe()
        self.process = spawn([sys.executable, "-c", JOB, step, str(writer)], stderr=subprocess.PIPE, pass_fds=[writer])
        os.close(writer)
        self._events = os.fdopen(reader, "rb")

    def event(self) -> dict[str, Any]:
        return json.loads(self._events.readline())

    def rest(self) -> tuple[list[dict[str, Any]], int, bytes]:
        """The events that are left but for `ready` and figures, the exit code, and what was logged."""
        with self._events:
            events = [json.loads(line) for line in self._events]
        _, logged = self.process.communicate()
        return [event for event in events if event["event"] not in ("ready", "stats")], self.process.returncode, logged


@pytest.fixture
def start() -> Iterator[Callable[[str], Running]]:
    """Starts a worker that runs a pipeline with the named step."""
    started = []

    def start(step: str) -> Running:
        started.append(Running(step))
        return started[-1]

    yield start
    for running in started:
        running.process.kill()
        running.process.wait()


def test_a_pipeline_that_ends_has_stopped(start: Callable[[str], Running]) -> None:
    assert start("pass").rest() == ([{"event": "stopped"}], 0, b"")


def test_a_failure_is_told_on_one_line_by_its_last_exception(start: Callable[[str], Running]) -> None:
    error = "ValueError: odd element [while running 'Step']"
    assert start("fail").rest() == ([{"event": "failed", "error": error, "permanent": False}], 1, b"")


def test_a_permanent_fault_is_told_in_its_own_words(start: Callable[[str], Running]) -> None:
    error = "subscription s: does not exist; create it"
    assert start("miss").rest() == ([{"event": "failed", "error": error, "permanent": True}], 1, b"")


def test_sigterm_lets_the_pipeline_finish_and_sigint_is_ignored(start: Callable[[str], Running]) -> None:
    worker = start("wait")
    assert worker.event() == {"event": "ready"}
    worker.process.send_signal(signal.SIGINT)
    assert worker.event() == {"event": "stats", "messages_read": 3}
    worker.process.send_signal(signal.SIGTERM)
    assert worker.rest() == ([{"event": "stopped"}], 0, b"")


def test_a_prism_that_dies_is_named(start: Callable[[str], Running]) -> None:
    worker = start("wait")
    assert worker.event() == {"event": "ready"}
    (prism,) = psutil.Process(worker.process.pid).children()
    prism.kill()
    error = "Prism ended with signal 9 (Killed)"
    assert worker.rest() == ([{"event": "failed", "error": error, "permanent": False}], 1, b"")


def test_a_killed_worker_takes_its_prism_along(start: Callable[[str], Running]) -> None:
    worker = start("wait")
    assert worker.event() == {"event": "ready"}
    (prism,) = psutil.Process(worker.process.pid).children()
    handle = os.pidfd_open(prism.pid)
    worker.process.kill()
    assert select.select([handle], [], [], 30)[0] == [handle]
