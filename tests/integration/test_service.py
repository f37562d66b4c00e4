"""`pubsub-inference run` on the emulators and Prism, as a user starts it: from end to end, killed, and ended."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil
import pytest
from google.cloud.bigquery import Dataset

from producers import multiply
from producers.accounts import CASCADE, PARALLEL, Findings, Multipliers, check
from producers.readings import Account, publish, readings
from streaming.endpoints import bigquery_client, publisher_client, subscriber_client

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

PROJECT = "test"
EXAMPLE = Path(__file__).parents[2] / "examples" / "multiply"


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The multiply example, with trained models."""
    directory = tmp_path_factory.mktemp("multiply")
    for name in ("job.yaml", "cascade.yaml", "reading.avsc"):
        (directory / name).write_bytes((EXAMPLE / name).read_bytes())
    multiply.train(directory / "models")
    return directory


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

    def dead_letters(self) -> list[dict[str, Any]]:
        return self._query(f"{self.table}_error_records")

    def _query(self, table: str) -> list[dict[str, Any]]:
        from google.api_core.exceptions import NotFound

        try:
            return [dict(row) for row in bigquery_client(PROJECT).query(f"SELECT * FROM `{table}`").result()]
        except NotFound:  # the job makes it when it starts
            return []

    def findings(self, account: Account, models: Multipliers) -> Findings:
        return check(account, self.rows(), self.dead_letters(), models)

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


def stream(count: int) -> Iterator[Any]:
    return readings(seed=7, start=datetime.now(UTC), count=count)


@pytest.mark.usefixtures("emulators")
def test_every_message_becomes_its_predictions_or_its_dead_letter(example: Path) -> None:
    service = Service(example / "job.yaml")
    with service.running() as process:
        account = publish(service.topic("in"), stream(900), rate=2000)
        await_true(lambda: service.findings(account, PARALLEL).ok)
        assert service.end(process) == 0
    findings = service.findings(account, PARALLEL)
    assert findings.wrong == []
    assert (findings.repeated_rows, findings.repeated_dead_letters) == (0, 0)

    rows = {row["prediction_id"]: row for row in service.rows()}
    published = {message.attributes["prediction_id"]: message for message in service.drained("out")}
    assert published.keys() == rows.keys()
    for prediction_id, message in published.items():
        body, row = json.loads(message.data), rows[prediction_id]
        times = {name: datetime.fromisoformat(body[name]) for name in body if isinstance(row[name], datetime)}
        assert {**body, **times} == row
        assert message.attributes["key"] == row["key"]
        assert message.attributes["model"] == row["model"]
        assert datetime.fromisoformat(message.attributes["event_time"]) == row["event_time"]

    letters = [(m.attributes["error_message_id"], m.attributes["error_stage"], m.data) for m in service.drained("dead")]
    expected = [(row["message_id"], row["stage"], row["payloadBytes"] or b"") for row in service.dead_letters()]
    assert sorted(letters) == sorted(expected)


@pytest.mark.usefixtures("emulators")
def test_a_cascade_on_two_workers(example: Path) -> None:
    service = Service(example / "cascade.yaml")
    with service.running("--workers=2") as process:
        await_true(lambda: len(workers(process)) == 2)
        account = publish(service.topic("in"), stream(600), rate=2000)
        await_true(lambda: service.findings(account, CASCADE).ok)
        assert service.end(process) == 0
    assert service.findings(account, CASCADE).wrong == []


@pytest.mark.usefixtures("emulators")
def test_nothing_is_lost_when_the_worker_is_killed_three_times(example: Path) -> None:
    service = Service(example / "job.yaml")
    account, stop = Account(), threading.Event()
    arguments = {"account": account, "stop": stop}
    publisher = threading.Thread(target=publish, args=(service.topic("in"), stream(20_000), 400), kwargs=arguments)
    with service.running() as process:
        publisher.start()
        try:
            for _ in range(3):
                before = len(service.rows())
                await_true(lambda before=before: len(service.rows()) > before + 200)
                (worker,) = workers(process)
                worker.kill()
                await_true(lambda worker=worker: worker not in workers(process))
        finally:
            stop.set()
            publisher.join()
        await_true(lambda: service.findings(account, PARALLEL).ok)
        assert service.end(process) == 0
    findings = service.findings(account, PARALLEL)
    assert findings.wrong == []
    answers: dict[str, set[float]] = {}
    for row in service.rows():
        answers.setdefault(row["prediction_id"], set()).add(row["prediction"])
    assert len(answers) == 2 * (findings.messages - findings.bad_messages)
    assert all(len(predictions) == 1 for predictions in answers.values())


@pytest.mark.usefixtures("emulators")
def test_sigterm_finishes_what_is_in_hand_and_the_rest_waits(example: Path) -> None:
    service = Service(example / "job.yaml")
    with service.running() as process:
        await_true(lambda: bool(workers(process)))
        account = publish(service.topic("in"), stream(8000), rate=8000)
        await_true(lambda: len(service.rows()) > 500)
        assert service.end(process) == 0
    in_between = service.findings(account, PARALLEL)
    assert (in_between.repeated_rows, in_between.repeated_dead_letters) == (0, 0)
    with service.running() as process:
        await_true(lambda: service.findings(account, PARALLEL).ok)
        assert service.end(process) == 0
    findings = service.findings(account, PARALLEL)
    assert findings.wrong == []
    assert (findings.repeated_rows, findings.repeated_dead_letters) == (0, 0)


@pytest.mark.usefixtures("emulators")
def test_a_missing_subscription_ends_the_command_with_one_line(example: Path) -> None:
    service = Service(example / "job.yaml")
    with subscriber_client() as subscriber:
        subscriber.delete_subscription(subscription=service.subscription("in"))
    with service.running() as process:
        assert process.wait(timeout=90) == 1
    assert [line for line in service.log if service.subscription("in") in line and "input_subscription" in line]
    assert not any("Traceback" in line for line in service.log)


@pytest.mark.usefixtures("emulators")
def test_mistakes_are_reported_together_before_anything_is_read(example: Path) -> None:
    broken = example / "broken.yaml"
    broken.write_text((example / "job.yaml").read_text().replace("models/times5", "models/none"))
    command = [sys.executable, "-m", "streaming", "run", f"--job_file={broken}", "--input_subscription=readings"]
    done = subprocess.run([*command, "--ouput_topic=x"], capture_output=True, text=True, env=os.environ, check=False)
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "--ouput_topic: unknown flag; did you mean --output_topic?",
        "--input_subscription: 'readings' is not of the form projects/PROJECT/subscriptions/SUBSCRIPTION",
        "--output_table: missing; give --output_table=OUTPUT_TABLE",
        f"models.times5.path: no file {example}/models/none/saved_model.pb",
    ]
