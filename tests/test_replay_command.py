"""The command `replay` when Ctrl-C comes: it ends in order, and says what it has done."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable

import pytest
from typer import Typer
from typer.testing import CliRunner

from producers.commands.replay import replay
from producers.replaying.replay_plan import ReplayPlan
from producers.replaying.replay_summary import Summary


def test_ctrl_c_ends_the_replay_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(
        plan: ReplayPlan, summary: Summary, *, stop: threading.Event, on_progress: Callable[[], None]
    ) -> None:
        signal.raise_signal(signal.SIGINT)
        assert stop.wait(10)

    monkeypatch.setattr("producers.replaying.replay.replay", interrupted)
    app = Typer()
    app.command()(replay)
    ended = CliRunner().invoke(app, ["--topic=projects/p/topics/in", "--table=p.d.failures"])
    assert (ended.exit_code, ended.stdout.splitlines()) == (130, ["0 messages published, of 0 dead letters."])
    assert ended.stderr == "Stopped: all other dead letters are where they were.\n"
