"""What the tests of Dataflow's jobs share: a server that the clients find, and the command as its user runs it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple, Protocol

import pytest

from streaming import cli
from tests.dataflow_server import DataflowServer

LINK = "https://console.cloud.google.com/dataflow/jobs/europe-west4/{}?project=my-project"


class Outcome(NamedTuple):
    """How the command ended, and what it has printed."""

    code: int
    out: str
    err: str


class Command(Protocol):
    """One of `pubsub-inference`'s commands, to be given its arguments."""

    def __call__(self, *argv: str) -> Outcome: ...


@contextmanager
def dataflow_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[DataflowServer]:
    """The server, its project and its first region are in the environment; between looks there is no pause."""
    for pause in ("FIRST_PAUSE_SECONDS", "LONGEST_PAUSE_SECONDS", "LAST_WORDS_SECONDS"):
        monkeypatch.setattr(f"streaming.dataflow.waiting.{pause}", 0.0)
    with DataflowServer() as server:
        monkeypatch.setenv("DATAFLOW_EMULATOR_HOST", server.host)
        monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", server.project)
        monkeypatch.setenv("GOOGLE_CLOUD_REGION", server.regions[0])
        yield server


def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *argv: str) -> Outcome:
    """Run `pubsub-inference` in this process, without a terminal."""
    for name in ("FORCE_COLOR", "PY_COLORS", "GITHUB_ACTIONS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "argv", ["pubsub-inference", *argv])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert isinstance(ended.value.code, int)
    return Outcome(ended.value.code, *capsys.readouterr())
