"""The demo as a newcomer runs it: its report, and what is left when it is stopped early."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psutil
import pytest

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

STOPPED = "Stopped early: there is no account of the messages.\n"


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


REPORT = """
What went in and what came out
in 300 messages, 6 of them bad on purpose
out 294 predictions of the model times10
out 294 predictions of the model times5
out 6 dead letters
0 of these repeated; delivery is at least once

Dead letters: one for a message, or one for each model that rejects it
stage error class dead letters
decode AvroError 3
decode EmptyPayload 1
decode MissingKey 1
decode TrailingBytes 1

The first answers
key value times5 times10
(answers)

Seconds from publishing to prediction
p50 p95 p99 slowest
(latencies)

Every message is accounted for.
"""


@pytest.mark.parametrize(("example", "factor"), [("multiply", 10), ("cascade", 50)])
def test_the_report_says_what_went_in_and_what_came_out(example: str, factor: int) -> None:
    with demo(f"--example={example}", "--messages=300", "--rate=300") as process:
        report, progress = process.communicate()
    assert process.returncode == 0, progress
    before, answers, between, latencies, after = _parts([" ".join(line.split()) for line in report.splitlines()])
    assert "\n".join([*before, "(answers)", *between, "(latencies)", *after, ""]) == REPORT
    assert [device for device, _ in answers] == ["device-0006", "device-0008", "device-0000", "device-0007"]
    for (_, figures), value in zip(answers, [105, 108, 1000, 1013], strict=True):
        assert figures == pytest.approx([value, 5 * value, factor * value], rel=1e-3)
    assert latencies == sorted(latencies)
    assert max(map(len, report.splitlines())) < 120
    assert "Publishing 300 messages, 300 a second\n" in progress


Figures = list[float]


def _parts(lines: list[str]) -> tuple[list[str], list[tuple[str, Figures]], list[str], Figures, list[str]]:
    """The report, with what no two runs or machines have in common as numbers."""
    first = lines.index("key value times5 times10") + 1
    end = lines.index("", first)
    answers = [(device, [float(each) for each in figures]) for device, *figures in map(str.split, lines[first:end])]
    latencies = [float(each) for each in lines[-3].split()]
    return lines[:first], answers, lines[end:-3], latencies, lines[-2:]


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
def test_ctrl_c_leaves_no_process_behind(reached: Callable[[subprocess.Popen[str]], None]) -> None:
    with demo("--messages=100000", "--rate=200") as process:
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
