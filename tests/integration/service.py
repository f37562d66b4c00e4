"""`pubsub-inference run` as a process of its own, on topics and tables that nobody else uses."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil
from google.cloud.bigquery import Dataset

from producers.publishing.plan import PublishPlan
from producers.publishing.publish import publish
from producers.scoring.score import score_run
from producers.scoring.scores import Score
from streaming.endpoints import bigquery_client, publisher_client, subscriber_client

PROJECT = "test"


class Service:
    """Topics, a subscription and tables of a test's own, and the command that runs on them."""

    def __init__(self, job_file: Path) -> None:
        self.name = f"t{uuid4().hex[:10]}"
        self.table = f"{PROJECT}.{self.name}.predictions"
        self.job_file = job_file
        bigquery_client(PROJECT).create_dataset(Dataset(f"{PROJECT}.{self.name}"))
        with publisher_client() as publisher, subscriber_client() as subscriber:
            for kind in ("in", "out", "dead"):
                publisher.create_topic(name=self.topic(kind))
                subscriber.create_subscription(name=self.subscription(kind), topic=self.topic(kind))

    def topic(self, kind: str) -> str:
        return f"projects/{PROJECT}/topics/{self.name}-{kind}"

    def subscription(self, kind: str) -> str:
        return f"projects/{PROJECT}/subscriptions/{self.name}-{kind}"

    @contextmanager
    def running(self, *flags: str) -> Iterator[subprocess.Popen[str]]:
        command = [sys.executable, "-m", "streaming", "run", f"--job_file={self.job_file}"]
        command += [f"--input_subscription={self.subscription('in')}", f"--output_table={self.table}"]
        command += [f"--output_topic={self.topic('out')}", f"--output_deadletter_topic={self.topic('dead')}", *flags]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
        self.log: list[str] = []
        threading.Thread(target=lambda: self.log.extend(iter(process.stderr.readline, "")), daemon=True).start()
        family = psutil.Process(process.pid)
        try:
            yield process
        finally:
            children = family.children(recursive=True) if process.poll() is None else []
            for each in [*children, family]:
                with_kill(each)
            process.wait()

    def end(self, process: subprocess.Popen[str]) -> int:
        """Ask the command to stop; its exit code. No process of its may be left."""
        children = psutil.Process(process.pid).children(recursive=True)
        assert children
        process.send_signal(signal.SIGTERM)
        code = process.wait(timeout=90)
        assert [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE] == []
        return code

    def rows(self) -> list[dict[str, Any]]:
        return self._query(self.table)

    def row_count(self, counted: str = "*") -> int:
        """As `len(rows())`, or of what else is counted, without the rows: fetching them keeps the emulator busy."""
        rows = self._query(self.table, f"COUNT({counted}) AS rows_counted")
        return rows[0]["rows_counted"] if rows else 0

    def dead_letters(self) -> list[dict[str, Any]]:
        return self._query(f"{self.table}_error_records")

    def _query(self, table: str, columns: str = "*") -> list[dict[str, Any]]:
        from google.api_core.exceptions import NotFound

        try:
            return [dict(row) for row in bigquery_client(PROJECT).query(f"SELECT {columns} FROM `{table}`").result()]
        except NotFound:  # the job makes it when it starts
            return []

    def publish(self, scenario: Path, truth: Path, stop: threading.Event | None = None, **plan: Any) -> None:
        """Publish what `plan` says, as the scenario has it, for this service's job."""
        whole = PublishPlan(self.topic("in"), str(scenario), job_file=str(self.job_file), truth=truth, **plan)
        publish(whole, stop=stop)

    def score(self, truth: Path, messages: Path | None = None, wait: timedelta | None = None) -> Score:
        return score_run(
            str(truth), table=self.table, messages_file=None if messages is None else str(messages), wait=wait
        )

    def drained(self, kind: str) -> list[Any]:
        """The messages that wait on an output subscription."""
        received = []
        with subscriber_client() as subscriber:
            while messages := self._pulled(subscriber, kind):
                subscriber.acknowledge(subscription=self.subscription(kind), ack_ids=[each.ack_id for each in messages])
                received += [each.message for each in messages]
        return received

    def _pulled(self, subscriber: Any, kind: str) -> list[Any]:
        request = {"subscription": self.subscription(kind), "max_messages": 1000, "return_immediately": True}
        return list(subscriber.pull(request=request, timeout=10).received_messages)


def with_kill(process: psutil.Process) -> None:
    if process.is_running():
        process.kill()


def await_true(condition: Callable[[], bool], seconds: float = 120) -> None:
    """Wait for what no event announces: rows in a table, a process in the list."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "nothing came of it"
        time.sleep(0.25)


def workers(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """The worker processes of the command."""
    return [child for child in psutil.Process(process.pid).children() if _is_worker(child)]


def _is_worker(process: psutil.Process) -> bool:
    try:
        return "streaming.local.worker" in process.cmdline()
    except psutil.NoSuchProcess:  # killed, if perhaps not yet buried
        return False
