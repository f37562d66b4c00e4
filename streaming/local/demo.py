"""The demo: the whole service on this machine, from devices to tables, and the account of every message."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from streaming.errors import JobError, one_line
from streaming.local.emulators import BigQueryEmulator, PubSubEmulator
from streaming.local.live import Live
from streaming.local.prism import find_prism
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

    The report goes to standard output, everything else to standard error.

    Args:
        example: a key of `JOB_FILES`.
        messages: how many are published.
        rate: how many of them a second.
        debug: whether libraries may log what they like.

    Raises:
        JobError: something the demo needs is not on this machine, or fails.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    progress = Console(stderr=True)
    devices = _Devices(example, messages, rate)
    try:
        code = _run(devices, progress, debug=debug)
    except KeyboardInterrupt:
        code = _EXIT_INTERRUPTED
    if code == _EXIT_INTERRUPTED:
        progress.print("Stopped early: there is no account of the messages.")
    return code


_EXIT_INTERRUPTED = 130


def _run(devices: _Devices, progress: Console, *, debug: bool) -> int:
    find_prism()  # what is missing is said before anything is started
    emulators = (PubSubEmulator(), BigQueryEmulator())
    job_file = EXAMPLES / "multiply" / JOB_FILES[devices.example]
    progress.print(f"The job: examples/multiply/{job_file.name} multiplies each reading by 5 and by 10")
    _train(job_file.parent / "models", progress)
    with ExitStack() as stack:
        progress.print("Starting the emulators of Pub/Sub and BigQuery")
        for emulator in emulators:
            os.environ.update(stack.enter_context(emulator).environment())
        _make_resources()
        stack.callback(devices.stop)
        progress.print("Starting the job: TensorFlow and its models take some ten seconds")
        code = supervise(_arguments(job_file), 1, _DemoLive(devices), debug=debug)
        if code or not devices.done.is_set():
            return code or _EXIT_INTERRUPTED
        findings = devices.findings()
    Console().print("", findings.report(), sep="\n")
    return 0 if findings.ok else 1


def _arguments(job_file: Path) -> list[str]:
    return [
        f"--job_file={job_file}",
        f"--input_subscription={_subscription('readings-job')}",
        f"--output_table={TABLE}",
        f"--output_topic={_topic('predictions')}",
        f"--output_deadletter_topic={_topic('dead-letters')}",
        "--runner=PrismRunner",
    ]


@dataclass
class _Devices:
    """Publishes in a thread of its own, and waits until everything has come out.

    Attributes:
        done: set when everything has come out, or it is clear that it will not.
    """

    example: str
    messages: int
    rate: float
    done: threading.Event = field(default_factory=threading.Event)
    _stopped: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None
    _error: Exception | None = None

    def start(self) -> bool:
        """Begin to publish; whether this was the first call, for the others do nothing."""
        if self._thread is not None:
            return False
        self._thread = threading.Thread(target=self._run, name="devices", daemon=True)
        self._thread.start()
        return True

    def stop(self) -> None:
        """End the thread, however far it is."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()

    def findings(self) -> Findings:
        """What came out, against what went in.

        Raises:
            JobError: the messages could not be published, or the tables not be read.
        """
        if self._error is not None:
            raise JobError(f"the demo's devices failed: {one_line(self._error)}") from self._error
        return self._check()

    def _run(self) -> None:
        try:
            self._publish()
            self._await_answers()
        except Exception as error:  # noqa: BLE001 - shown by `findings`; the job must be ended all the same
            self._error = error
        self.done.set()

    def _publish(self) -> None:
        from producers.readings import Account, publish, readings

        self._account: Account = Account()
        stream = readings(seed=2021, start=datetime.now(UTC), count=self.messages)
        publish(_topic("readings"), stream, self.rate, stop=self._stopped, account=self._account)

    def _await_answers(self) -> None:
        deadline = time.monotonic() + ANSWER_SECONDS
        while not self._stopped.is_set() and not self._check().ok and time.monotonic() < deadline:
            self._stopped.wait(0.5)  # BigQuery tells nobody of new rows

    def _check(self) -> Findings:
        from producers.accounts import CASCADE, PARALLEL, check

        models = {"multiply": PARALLEL, "cascade": CASCADE}[self.example]
        return check(self._account, _rows(TABLE), _rows(f"{TABLE}_error_records"), models)


class _DemoLive(Live):
    """The live line. It starts the devices when the job reads, and ends the job when they are done."""

    def __init__(self, devices: _Devices) -> None:
        super().__init__()
        self._devices = devices
        self._ended = False

    def update(self, worker: int, snapshot: Mapping[str, Any]) -> None:
        super().update(worker, snapshot)  # the first figures come when the job reads
        if self._devices.start():
            self.say(f"Publishing {self._devices.messages:,} messages, {self._devices.rate:g} a second")

    def tick(self, now: float) -> None:
        super().tick(now)
        if self._devices.done.is_set() and not self._ended:
            self._ended = True
            self.say("The devices are done: ending the job as Ctrl-C would")
            signal.raise_signal(signal.SIGTERM)  # here, on the main thread, the supervisor is sure to take it


def _rows(table: str) -> list[dict[str, Any]]:
    from streaming.endpoints import bigquery_client

    return [dict(row) for row in bigquery_client(PROJECT).query(f"SELECT * FROM `{table}`").result()]  # noqa: S608


def _train(models: Path, progress: Console) -> None:
    if all((models / name / "saved_model.pb").is_file() for name in ("times5", "times10")):
        return
    progress.print("Training the models that multiply by 5 and by 10")
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
