"""The demo: the whole service on this machine, from devices to tables, and the score of every message."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from streaming.errors import JobError, Mistakes
from streaming.local.demo_fleet import DemoFleet
from streaming.local.emulators import BigQueryEmulator, PubSubEmulator
from streaming.local.foreground import make_known
from streaming.local.live import Live
from streaming.local.local_job import LocalJob
from streaming.local.prism import find_prism
from streaming.local.supervisor import supervise
from streaming.quiet import import_tensorflow

PROJECT = "demo"
ROOT = Path(__file__).parents[2]

_EXIT_INTERRUPTED = 130


@dataclass(frozen=True)
class Example:
    """An example that the demo can run.

    Attributes:
        name: of its directory in `examples`.
        says: what the job does.
        models: that its training makes.
        training: the module that trains them.
    """

    name: str
    says: str
    models: tuple[str, ...]
    training: str

    @property
    def directory(self) -> Path:
        return ROOT / "examples" / self.name

    def is_trained(self) -> bool:
        """Whether its models are there."""
        return all((self.directory / "models" / name / "saved_model.pb").is_file() for name in self.models)


EXAMPLES = {
    "pumps": Example(
        "pumps",
        "tells which pumps will fail, and when",
        ("failure_risk", "remaining_life", "failure_mode"),
        "producers.pumps",
    ),
    "multiply": Example(
        "multiply", "multiplies each reading by 5 and by 10", ("times5", "times10"), "producers.multiply"
    ),
}


def run_demo(example: str, messages: int, rate: float, output_dir: Path, *, debug: bool = False) -> int:
    """Run an example from end to end; the exit code, 0 if nothing is lost or wrong.

    The score goes to standard output, everything else to standard error. Truth file, output messages and the HTML
    report stay in `output_dir`.

    Args:
        example: a key of `EXAMPLES`.
        messages: how many are published.
        rate: how many of them a second.
        output_dir: made if missing; what an earlier demo left there is replaced.
        debug: whether libraries may log what they like.

    Raises:
        JobError: something the demo needs is not on this machine, or fails.
    """
    progress = Console(stderr=True)
    try:
        code = _run(EXAMPLES[example], messages, rate, output_dir, progress, debug=debug)
    except KeyboardInterrupt:
        code = _EXIT_INTERRUPTED
    if code == _EXIT_INTERRUPTED:
        progress.print("Stopped early: there is no score.")
    return code


def _run(example: Example, messages: int, rate: float, output_dir: Path, progress: Console, *, debug: bool) -> int:
    find_prism()  # what is missing is said before anything is started
    emulators = (PubSubEmulator(), BigQueryEmulator())
    directory = _emptied(output_dir)
    progress.print(f"The job: examples/{example.name}/job.yaml {example.says}")
    _train(example, progress)
    fleet = DemoFleet(
        scenario=example.directory / "scenario.yaml",
        topic=_topic("readings"),
        table=_table(example),
        subscription=_subscription("predictions-score"),
        messages=messages,
        rate=rate,
        directory=directory,
    )
    with ExitStack() as stack:
        progress.print("Starting the emulators of Pub/Sub and BigQuery")
        for emulator in emulators:
            os.environ.update(stack.enter_context(emulator).environment())
        _make_resources(example)
        stack.callback(fleet.stop)
        import_tensorflow()  # to score with, and here, where nothing else writes to standard error
        progress.print("Starting the job: TensorFlow and its models take some ten seconds")
        live = _DemoLive(fleet, LocalJob(f"examples/{example.name}/job.yaml", example.models, datetime.now(UTC)))
        make_known(stack, live)
        code = supervise(_arguments(example), 1, live, debug=debug)
        if live.interrupted or code:
            return _EXIT_INTERRUPTED if live.interrupted else code
    score = fleet.score()
    _show(score, fleet)
    return 0 if score.ok else 1


def _show(score: Any, fleet: DemoFleet) -> None:
    from producers.report.terminal import render

    console = Console()
    console.print(render(score))
    console.print(Text(f"The report, with plots: {fleet.report_path}"), soft_wrap=True)
    console.print(Text(f"What was sent: {fleet.truth_path}"), soft_wrap=True)


def _arguments(example: Example) -> list[str]:
    return [
        f"--job_file={example.directory / 'job.yaml'}",
        f"--input_subscription={_subscription('readings-job')}",
        f"--output_table={_table(example)}",
        f"--output_topic={_topic('predictions')}",
        f"--output_deadletter_topic={_topic('dead-letters')}",
        "--runner=PrismRunner",
    ]


class _DemoLive(Live):
    """The screen. It starts the fleet when the job reads, and ends the job when the fleet is done.

    Attributes:
        interrupted: whether somebody ended the job before that.
    """

    def __init__(self, fleet: DemoFleet, job: LocalJob) -> None:
        super().__init__(job=job)
        self._fleet = fleet
        self._ended = False
        self.interrupted = False

    def stop(self) -> None:
        super().stop()
        self.interrupted |= not self._ended

    def update(self, worker: int, snapshot: Mapping[str, Any]) -> None:
        super().update(worker, snapshot)  # the first figures come when the job reads
        if self._fleet.start():
            seconds = timedelta(seconds=round(self._fleet.messages / self._fleet.rate))
            self.say(f"Publishing {self._fleet.messages:,} messages, {self._fleet.rate:g} a second: {seconds}")
            self.say("Some are faulty on purpose: a verdict of [dead_letters] is as it should be")

    def progress(self) -> str:
        return f"published {self._fleet.published:,} of {self._fleet.messages:,}, with faults planted on purpose"

    def tick(self, now: datetime) -> None:
        super().tick(now)
        if self._fleet.done.is_set() and not self._ended:
            self._ended = True
            self.say("The fleet is done, and everything has been scored: ending the job as Ctrl-C would")
            signal.raise_signal(signal.SIGTERM)  # here, on the main thread, the supervisor is sure to take it


def _emptied(directory: Path) -> Path:
    """The directory, without the files of an earlier demo.

    Raises:
        Mistakes: it cannot be made, or not be written to.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name in DemoFleet.FILES:
            (directory / name).write_bytes(b"")
            (directory / name).unlink()
    except OSError as error:
        raise Mistakes([f"--output-dir: {directory} cannot be written to ({error.strerror}); name another"]) from error
    return directory


def _train(example: Example, progress: Console) -> None:
    if example.is_trained():
        return
    progress.print(f"Training its models, which takes up to a minute: {', '.join(example.models)}")
    models = example.directory / "models"
    shutil.rmtree(models, ignore_errors=True)  # of a training that was stopped early
    command = [sys.executable, "-m", example.training, f"--output_dir={models}"]
    trained = subprocess.run(command, capture_output=True, text=True, check=False)
    if trained.returncode:
        raise JobError(f"training failed: {(trained.stderr.strip().splitlines() or ['no reason given'])[-1]}")


def _make_resources(example: Example) -> None:
    from google.cloud.bigquery import Dataset

    from streaming.endpoints import bigquery_client, publisher_client, subscriber_client

    bigquery_client(PROJECT).create_dataset(Dataset(f"{PROJECT}.{example.name}"))
    with publisher_client() as publisher, subscriber_client() as subscriber:
        for topic in ("readings", "predictions", "dead-letters"):
            publisher.create_topic(name=_topic(topic))
        for name, topic in (("readings-job", "readings"), ("predictions-score", "predictions")):
            subscriber.create_subscription(name=_subscription(name), topic=_topic(topic))


def _table(example: Example) -> str:
    return f"{PROJECT}.{example.name}.predictions"


def _topic(name: str) -> str:
    return f"projects/{PROJECT}/topics/{name}"


def _subscription(name: str) -> str:
    return f"projects/{PROJECT}/subscriptions/{name}"
