"""The demo: the whole service on this machine, from devices to tables, and the account of every message."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

from streaming.errors import JobError, one_line
from streaming.local.emulators import BigQueryEmulator, PubSubEmulator
from streaming.local.live import Live
from streaming.local.supervisor import supervise

if TYPE_CHECKING:
    from producers.accounts import Findings
    from producers.readings import Account

PROJECT = "demo"
DATASET = "multiply"
TABLE = f"{PROJECT}.{DATASET}.predictions"
EXAMPLES = Path(__file__).parents[2] / "examples"
JOB_FILES = {"multiply": "job.yaml", "cascade": "cascade.yaml"}

ANSWER_SECONDS = 60.0
"""How long after the last message everything may take to come out."""


def run_demo(example: str, messages: int, rate: float, *, debug: bool = False) -> int:
    """Run an example of `examples/multiply` from end to end; the exit code, 0 if every message is accounted for.

    Args:
        example: a key of `JOB_FILES`.
        messages: how many are published.
        rate: how many of them a second.
        debug: whether libraries may log what they like.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    directory = EXAMPLES / "multiply"
    console = Console(stderr=True)
    _train(directory / "models", console)
    with ExitStack() as stack:
        console.print("Starting the emulators of Pub/Sub and BigQuery")
        for emulator in (PubSubEmulator(), BigQueryEmulator()):
            os.environ.update(stack.enter_context(emulator).environment())
        _make_resources()
        devices = _Devices(example, messages, rate)
        live = _DemoLive(devices.start)
        console.print("Starting the job: TensorFlow and its models take some ten seconds")
        code = supervise(_arguments(directory / JOB_FILES[example]), 1, live, debug=debug)
        if code or not devices.finished.is_set():
            return code or _EXIT_INTERRUPTED
        return _report(devices.findings(), console)


_EXIT_INTERRUPTED = 130


def _arguments(job_file: Path) -> list[str]:
    return [
        f"--job_file={job_file}",
        f"--input_subscription={_subscription('readings-job')}",
        f"--output_table={TABLE}",
        f"--output_topic={_topic('predictions')}",
        f"--output_deadletter_topic={_topic('dead-letters')}",
        "--runner=PrismRunner",
    ]


class _DemoLive(Live):
    """The live line, which also tells when the job reads: its first figures come then."""

    def __init__(self, when_ready: Callable[[], None]) -> None:
        super().__init__()
        self._when_ready = when_ready

    def update(self, worker: int, snapshot: Mapping[str, Any]) -> None:
        super().update(worker, snapshot)
        self._when_ready()


@dataclass
class _Devices:
    """Publishes in a thread of its own, waits until all has come out, and then ends the job by SIGTERM."""

    example: str
    messages: int
    rate: float
    finished: threading.Event = field(default_factory=threading.Event)
    error: Exception | None = None
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to publish; once only."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="devices", daemon=True)
            self._thread.start()

    def findings(self) -> Findings:
        """What came out, against what went in.

        Raises:
            JobError: the messages could not be published, or the tables not be read.
        """
        if self.error is not None:
            raise JobError(f"the demo's devices failed: {one_line(self.error)}") from self.error
        return self._check()

    def _run(self) -> None:
        try:
            self._publish()
            self._await_answers()
        except Exception as error:  # noqa: BLE001 - shown by `findings`; the job must be ended all the same
            self.error = error
        self.finished.set()
        os.kill(os.getpid(), signal.SIGTERM)  # as a user would end the job: it finishes what it has in hand

    def _publish(self) -> None:
        from producers.readings import Account, publish, readings

        self._account: Account = Account()
        stream = readings(seed=2021, start=datetime.now(UTC), count=self.messages)
        publish(_topic("readings"), stream, self.rate, account=self._account)

    def _await_answers(self) -> None:
        deadline = time.monotonic() + ANSWER_SECONDS
        while not self._check().ok and time.monotonic() < deadline:
            time.sleep(0.5)  # BigQuery tells nobody of new rows

    def _check(self) -> Findings:
        from producers.accounts import CASCADE, PARALLEL, check

        models = {"multiply": PARALLEL, "cascade": CASCADE}[self.example]
        return check(self._account, _rows(TABLE), _rows(f"{TABLE}_error_records"), models)


def _rows(table: str) -> list[dict[str, Any]]:
    from streaming.endpoints import bigquery_client

    return [dict(row) for row in bigquery_client(PROJECT).query(f"SELECT * FROM `{table}`").result()]  # noqa: S608


def _report(findings: Findings, console: Console) -> int:
    console.print("\nWhat went in and what came out:")
    for line in findings.lines():
        console.print(Text(line), soft_wrap=True)
    if findings.ok:
        console.print("Every message is accounted for.")
    return 0 if findings.ok else 1


def _train(models: Path, console: Console) -> None:
    if all((models / name / "saved_model.pb").is_file() for name in ("times5", "times10")):
        return
    console.print("Training the models that multiply by 5 and by 10")
    command: Sequence[str] = [sys.executable, "-m", "producers.multiply", f"--output_dir={models}"]
    trained = subprocess.run(command, capture_output=True, text=True, check=False)
    if trained.returncode:
        raise JobError(f"training failed: {(trained.stderr.strip().splitlines() or ['no reason given'])[-1]}")


def _make_resources() -> None:
    from google.cloud.bigquery import Dataset

    from streaming.endpoints import bigquery_client, publisher_client, subscriber_client

    bigquery_client(PROJECT).create_dataset(Dataset(f"{PROJECT}.{DATASET}"))
    with publisher_client() as publisher, subscriber_client() as subscriber:
        for topic in ("readings", "predictions", "dead-letters"):
            publisher.create_topic(name=_topic(topic))
        subscriber.create_subscription(name=_subscription("readings-job"), topic=_topic("readings"))


def _topic(name: str) -> str:
    return f"projects/{PROJECT}/topics/{name}"


def _subscription(name: str) -> str:
    return f"projects/{PROJECT}/subscriptions/{name}"
