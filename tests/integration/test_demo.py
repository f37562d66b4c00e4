"""The demo as a newcomer runs it: its report, and what is left when it is stopped early."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

STOPPED = "Stopped early: there is no score.\n"


@contextmanager
def demo(*flags: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "streaming", "demo", *flags]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        yield process
    finally:
        process.kill()  # its children follow it
        process.communicate()


REPORT = r"""
Every message is accounted for\.
600 messages were sent; 1,172 predictions of 2 models and 17 dead letters came
out\. Half of the predictions came within \S+ s, 99 % within \S+ s\.

The run
topic projects/demo/topics/readings
scenario \S+/examples/multiply/scenario\.yaml
seed 1
published \S+ \S+ to (?:\S+ )?\S+ UTC, \S+ s
ending completed

What was sent
600 messages that Pub/Sub has taken, of these
538 without a fault
8 clock skew: the device's clock was wrong
11 duplicated: the same message sent once more
16 late: measured long before it was sent
4 missing key: names no device
13 out of order: measured before others that were sent earlier
1 out of range event time: dated beyond what the job takes
3 poison: well-formed, with values that a model rejects
1 truncated: the end of the payload is missing
5 wrong schema: written with a schema that is not the job's
Faults are planted on purpose\. Late, out of order, skewed and duplicated
messages must be answered like any other; the rest must become dead letters,
unless the job's schema takes a changed one\.

What came out
table 586 predictions of times10
586 predictions of times5
messages 586 predictions of times10
586 predictions of times5

Dead letters
stage error class count
decode AvroError 6
decode MissingKey 4
event_time EventTimeOutOfRange 1
infer:times10 NonFinitePredictionError 3
infer:times5 NonFinitePredictionError 3

Latency: seconds from publishing to prediction
p50 p90 p95 p99 p99\.9 slowest
\S+ \S+ \S+ \S+ \S+ \S+
Of 100 predictions, 95 came within p95, and 99 within p99\.

Throughput: messages a second, in steps of 1 s
mean peak
published \S+ \S+
predictions \S+ \S+
dead letters \S+ \S+
Each model's answer to a message counts as one prediction\.
The report, with plots: OUTPUT/report\.html
What was sent: OUTPUT/truth\.ndjson
"""
"""As a pattern: what no two runs or machines have in common stands as such."""


def test_the_report_says_what_went_in_and_what_came_out(tmp_path: Path) -> None:
    with demo("--example=multiply", "--messages=600", "--rate=300", f"--output-dir={tmp_path}") as process:
        report, progress = process.communicate()
    assert process.returncode == 0, progress
    words = "\n".join(" ".join(line.split()) for line in report.splitlines())
    assert re.fullmatch(REPORT.strip().replace("OUTPUT", str(tmp_path)), words), report
    assert max(map(len, report.splitlines())) < 120
    assert "Publishing 600 messages, 300 a second: 0:00:02\n" in progress
    assert "Some are faulty on purpose: a verdict of [dead_letters] is as it should be\n" in progress
    assert re.search(r"^published \d+ of 600, with faults planted on purpose \| messages ", progress, re.MULTILINE)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["predictions.ndjson", "report.html", "truth.ndjson"]


def runs(program: str) -> Callable[[subprocess.Popen[str]], None]:
    """Waits until a process of this program is among the demo's; no event announces it."""

    def wait(process: subprocess.Popen[str]) -> None:
        while not any(program in " ".join(_command(child)) for child in _family(process)):
            assert process.poll() is None
            time.sleep(0.02)

    return wait


def publishes(process: subprocess.Popen[str]) -> None:
    assert process.stderr is not None
    assert any(line.startswith("Publishing ") for line in process.stderr)


def _family(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:
        return []


@pytest.mark.parametrize(
    "reached",
    [runs("cloud-pubsub-emulator"), runs("bigquery_emulator"), runs("local.worker"), runs("--job_port"), publishes],
    ids=["pubsub", "bigquery", "worker", "prism", "publishing"],
)
def test_ctrl_c_leaves_no_process_behind(reached: Callable[[subprocess.Popen[str]], None], tmp_path: Path) -> None:
    with demo("--example=multiply", "--messages=100000", f"--output-dir={tmp_path}") as process:
        reached(process)
        children = _family(process)
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        said = process.stderr.readlines()
        assert process.wait() == 130, said
        assert process.stdout is not None
        assert process.stdout.read() == ""
    assert said[-1] == STOPPED
    assert not [line for line in said if "Traceback" in line]
    assert children
    assert psutil.wait_procs(children, timeout=30)[1] == []
