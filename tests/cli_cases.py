"""The command as its user runs it, and what it prints, by lines."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import NamedTuple

import pytest

from tests import dataflow_cases

SUBSCRIPTION = "--input_subscription=projects/my-project/subscriptions/readings"
TABLE = "--output_table=my-project.data.predictions"


class Outcome(NamedTuple):
    """How the command ended, and what it has printed."""

    code: int
    out: list[str]
    err: list[str]


Command = Callable[..., Outcome]


def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *argv: str) -> Outcome:
    """Run the command in this process, which has Beam and TensorFlow loaded, on a screen of 160 columns."""
    monkeypatch.setenv("COLUMNS", "160")
    code, out, err = dataflow_cases.run(monkeypatch, capsys, *argv)
    return Outcome(code, out.splitlines(), err.splitlines())


def started(*argv: str) -> subprocess.Popen[str]:
    """The command in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "streaming", *argv], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def words(lines: list[str]) -> list[str]:
    return [" ".join(line.split()) for line in lines if line.strip()]
