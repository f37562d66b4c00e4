"""Runs the workers of a job in the foreground: starts them, restarts those that fail, stops them when asked.

One loop on the main thread decides. Threads, which carry what workers say, and signal handlers only put calls into its
inbox.
"""

from __future__ import annotations

import json
import math
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from itertools import filterfalse
from typing import IO, Any

from streaming.errors import EXIT_FAILED, EXIT_MISTAKES
from streaming.local.live import Live
from streaming.local.processes import show_exit, spawn

WORKER = (sys.executable, "-m", "streaming.local.worker")
TRIES = 4
"""Of a job that ends: each begins with the first record and writes again. Dataflow makes as many."""

_QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "GRPC_VERBOSITY": "ERROR"}
ALLOCATOR = {"MALLOC_MMAP_THRESHOLD_": str(32 << 20), "MALLOC_TRIM_THRESHOLD_": str(128 << 20)}
"""The C library keeps so much for the next batch: else it gives each batch's memory back, and asks for it again."""

# TensorFlow and gRPC log before they read those variables: absl's lines, but for those of a fatal error.
_NOISE = re.compile(
    rb"[IWE]\d{4} \d\d:\d\d:[\d.]+ +\d+ \S+:\d+\] |WARNING: All log messages before absl::InitializeLog"
)


@dataclass(frozen=True)
class Patience:
    """How long is waited for what, in seconds."""

    restart: float = 1.0  # before the first restart of a worker; doubled for each further failure in a row
    longest_restart: float = 30.0
    healthy: float = 60.0  # a stream's worker that was ready for so long has its earlier failures forgotten
    stop: float = 60.0  # for the workers to finish what they have read

    def before_restart(self, failures: int) -> float:
        """Seconds before a worker is started again after so many failures in a row."""
        return min(self.longest_restart, self.restart * 2.0 ** min(failures - 1, 30))


def supervise(
    argv: Sequence[str],
    workers: int,
    live: Live,
    *,
    ends: bool = False,
    debug: bool = False,
    program: Sequence[str] = WORKER,
    patience: Patience = Patience(),
) -> int:
    """Run the job in `workers` processes until it is done, or SIGINT or SIGTERM comes, or nothing can be done for it.

    The first worker starts alone, so that mistakes are said once. A second SIGINT kills what has not stopped yet. No
    worker is left when this returns. Must be called on the main thread.

    Args:
        argv: the job's arguments.
        workers: how many processes, at least one.
        live: where everything is shown.
        ends: whether it is a job that is done some time. A worker that begins again does all of it again,
            and has four tries.
        debug: whether libraries may log what they like.
        program: the worker, started as `PROGRAM --events-fd N -- ARGV`; `streaming.local.worker` says what it sends.
        patience: how long is waited for what.

    Returns:
        0 when the job is done, or the workers of one that never is have stopped as they were asked; 1 when the job
        cannot go on, is stopped before it is done, or a worker failed to stop; 2 when something is wrong with the
        arguments.
    """
    arguments = [*(["--debug"] if debug else []), "--", *argv]
    slots = [_Worker(number) for number in range(1, workers + 1)]
    supervisor = _Supervisor(program, arguments, ends, debug, live, patience, slots)
    with _signals_to(supervisor), live:
        return supervisor.run()


@dataclass(eq=False)
class _Worker:
    """One of the workers, whichever process it is at the time."""

    number: int
    process: subprocess.Popen[bytes] | None = None
    start_at: float | None = None
    ready_since: float | None = None
    failures: int = 0  # in a row; of a job that ends, in all
    is_done: bool = False
    complaint: Mapping[str, Any] = field(default_factory=dict)  # the `failed` or `invalid` of this process


@dataclass
class _Supervisor:
    """The loop and what it knows. Times are those of the monotonic clock."""

    program: Sequence[str]
    arguments: Sequence[str]
    ends: bool
    debug: bool
    live: Live
    patience: Patience
    workers: Sequence[_Worker]
    inbox: queue.SimpleQueue[Callable[[], None]] = field(default_factory=queue.SimpleQueue)
    code: int | None = None  # the exit code, as soon as all workers are to stop
    kill_at: float = math.inf
    draw_at: float = 0.0

    def run(self) -> int:
        self.workers[0].start_at = time.monotonic()
        try:
            while self.code is None or self._running():
                self._look_at_clock(time.monotonic())
                self._do_next()
        finally:
            self._kill()
        self.live.finish(datetime.now(UTC))
        return self.code

    def _running(self) -> list[subprocess.Popen[bytes]]:
        return [worker.process for worker in self.workers if worker.process is not None]

    def _look_at_clock(self, now: float) -> None:
        for worker in self.workers:
            if worker.start_at is not None and now >= worker.start_at:
                self._start(worker)
        if now >= self.kill_at:
            self.live.complain(f"killing the workers that have not stopped after {self.patience.stop:g} s")
            self._kill()
        if now >= self.draw_at:
            self.draw_at = now + 1.0
            self.live.tick(datetime.now(UTC))

    def _do_next(self) -> None:
        starts = [worker.start_at for worker in self.workers if worker.start_at is not None]
        due = min(self.draw_at, self.kill_at, *starts)
        try:
            call = self.inbox.get(timeout=max(0.0, due - time.monotonic()))
        except queue.Empty:
            return
        call()

    def _start(self, worker: _Worker) -> None:
        worker.start_at, worker.ready_since, worker.complaint = None, None, {}
        reader, writer = os.pipe()
        worker.process = spawn(
            [*self.program, "--events-fd", str(writer), *self.arguments],
            env={**ALLOCATOR, **({} if self.debug else _QUIET), **os.environ},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=[writer],
        )
        os.close(writer)
        events = os.fdopen(reader, "rb")
        threading.Thread(target=self._listen, args=(worker, worker.process, events), daemon=True).start()

    def _hear(self, worker: _Worker, event: Mapping[str, Any]) -> None:
        kind = event["event"]
        if kind == "stats":
            self.live.update(worker.number, event)
        elif kind == "ready":
            worker.ready_since = time.monotonic()
            self._start_others()
        elif kind == "done":
            worker.is_done = True
        elif kind in ("invalid", "failed"):
            worker.complaint = event
        elif kind == "unanswered":
            words = "stopped; some messages were not answered and will come again"
            self.live.say(f"worker {worker.number} {words}: {event['error']}")

    def _start_others(self) -> None:
        for worker in self.workers:
            if worker.process is None and worker.start_at is None and self.code is None:
                worker.start_at = time.monotonic()

    def _bury(self, worker: _Worker, code: int) -> None:
        """Take note that a worker's process has ended, and decide what follows."""
        worker.process = None
        if self.ends and self.code is None and not worker.is_done:
            self.live.forget(worker.number)
        else:
            self.live.end(worker.number)
        reason = worker.complaint.get("error") or show_exit(code)
        if "mistakes" in worker.complaint:
            self.live.say("\n".join(worker.complaint["mistakes"]))
            self._stop(EXIT_MISTAKES)
        elif worker.is_done:
            self.code = 0
        elif self.code is not None:
            if code not in (0, -signal.SIGTERM):  # by SIGTERM dies a worker that has not read anything yet
                self.live.complain(f"worker {worker.number} did not stop as asked: {reason}")
                self.code = self.code or EXIT_FAILED
        elif worker.complaint.get("permanent"):
            self.live.complain(f"worker {worker.number}: {reason}")
            self._stop(EXIT_FAILED)
        else:
            self._try_again(worker, reason)

    def _try_again(self, worker: _Worker, reason: str) -> None:
        now = time.monotonic()
        was_healthy = worker.ready_since is not None and now - worker.ready_since >= self.patience.healthy
        worker.failures = 1 if was_healthy and not self.ends else worker.failures + 1
        if self.ends and worker.failures == TRIES:
            self.live.complain(f"worker {worker.number}: {reason}; given up after {TRIES} tries")
            self._stop(EXIT_FAILED)
            return
        delay = self.patience.before_restart(worker.failures)
        worker.start_at = now + delay
        self.live.complain(f"worker {worker.number}: {reason}; restarting in {delay:g} s")

    def _stop(self, code: int) -> None:
        """Ask all workers to stop. `code` will be the exit code unless one fails to."""
        self.code = self.code or code
        self.live.stop()
        self.kill_at = min(self.kill_at, time.monotonic() + self.patience.stop)
        for worker in self.workers:
            worker.start_at = None
        for process in self._running():
            process.terminate()

    def _kill(self) -> None:
        self.kill_at = math.inf
        for process in self._running():
            process.kill()
            process.wait()

    def ask(self, number: int) -> None:
        """The user sent a signal."""
        if self.code is None and self.ends:
            self.live.say("stopping before the end: what is written stays, and the next run repeats prediction_ids")
            self._stop(EXIT_FAILED)
        elif self.code is None:
            self.live.say("stopping: finishing what was read; Ctrl-C again kills at once")
            self._stop(0)
        elif number == signal.SIGINT:
            self._kill()

    def _listen(self, worker: _Worker, process: subprocess.Popen[bytes], events: IO[bytes]) -> None:
        """On a thread: carries what a worker says and logs into the inbox, and then that it has ended."""
        logs = threading.Thread(target=self._relay, args=(process.stdout,), daemon=True)
        logs.start()
        with events:
            for line in events:
                if line.endswith(b"\n"):  # the last one may be cut off
                    self.inbox.put(partial(self._hear, worker, json.loads(line)))
        code = process.wait()
        logs.join(timeout=1)  # its last words are in the pipe, which a process that it left behind would keep open
        self.inbox.put(partial(self._bury, worker, code))

    def _relay(self, logs: IO[bytes]) -> None:
        with logs:
            for line in logs if self.debug else filterfalse(_NOISE.match, logs):
                self.inbox.put(partial(self.live.relay, line.decode(errors="replace").rstrip()))


@contextmanager
def _signals_to(supervisor: _Supervisor) -> Iterator[None]:
    """SIGINT and SIGTERM go to the supervisor meanwhile, by its inbox, whose `put` a signal handler may call."""
    numbers = (signal.SIGINT, signal.SIGTERM)

    def pass_on(number: int, _: object) -> None:
        supervisor.inbox.put(partial(supervisor.ask, number))

    before = [signal.signal(number, pass_on) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
