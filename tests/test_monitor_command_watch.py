"""The command `monitor` in a process of its own: one screen after the other, until Ctrl-C."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys

import pytest
from google.cloud.dataflow_v1beta3 import GetJobMetricsRequest

from tests.monitor_cases import Cloud
from tests.monitor_command_cases import HEALTHY, healthy_job, plain, with_dead_letter

MONITOR = [sys.executable, "-m", "streaming", "monitor"]


@pytest.fixture
def services(services: Cloud, monkeypatch: pytest.MonkeyPatch) -> Cloud:
    return with_dead_letter(services, monkeypatch)


def test_with_watch_there_is_a_screen_after_the_other_until_ctrl_c(services: Cloud) -> None:
    healthy_job(services)
    with subprocess.Popen([*MONITOR, "readings", "--watch=10ms"], stdout=subprocess.PIPE, text=True) as process:
        services.dataflow.await_asked(GetJobMetricsRequest, 3)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=30)
    first, second, *_ = re.split(r"^─+\n", plain(out), flags=re.MULTILINE)
    assert (process.returncode, first, second) == (0, HEALTHY, HEALTHY)


def test_without_a_terminal_there_is_one_screen_even_in_colours(services: Cloud) -> None:
    healthy_job(services)
    environment = {**os.environ, "FORCE_COLOR": "1"}
    ended = subprocess.run(
        [*MONITOR, "readings"], check=False, capture_output=True, text=True, env=environment, timeout=60
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.count("HEALTHY") == 1


def test_with_watch_there_is_a_document_on_each_line(services: Cloud) -> None:
    healthy_job(services)
    with subprocess.Popen(
        [*MONITOR, "readings", "--watch=10ms", "--json"], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        documents = [json.loads(process.stdout.readline()) for _ in range(2)]
        process.send_signal(signal.SIGINT)
    assert [each["health"] for each in documents] == ["healthy", "healthy"]
    assert documents[0]["at"] < documents[1]["at"]
    assert process.returncode == 0


def test_on_a_terminal_the_screen_keeps_itself_up(services: Cloud) -> None:
    healthy_job(services)
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100", "LINES": "40"}
    with subprocess.Popen(
        [*MONITOR, "readings", "--watch=50ms"], stdin=theirs, stdout=theirs, stderr=theirs, env=environment
    ) as process:
        services.dataflow.await_asked(GetJobMetricsRequest, 3)
        process.send_signal(signal.SIGINT)
        shown = _read_until_end(ours, process)
    os.close(theirs)
    os.close(ours)
    assert process.returncode == 0
    assert "looking at the job" in shown
    assert shown.count("100/s, 10.0 kB/s") >= 2
    assert "\x1b[1;32mHEALTHY\x1b[0m" in shown
    assert "\x1b[1A\x1b[2K" in shown  # the lines are written over
    assert "Traceback" not in shown


def _read_until_end(terminal: int, process: subprocess.Popen[bytes]) -> str:
    shown = b""
    while process.poll() is None or select.select([terminal], [], [], 0)[0]:
        if select.select([terminal], [], [], 0.05)[0]:
            shown += os.read(terminal, 65536)
    return shown.decode()
