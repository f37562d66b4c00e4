"""Reports are shown one after the other, and the last one's health is how it ends."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from rich.console import Console

from streaming.monitoring.figures import Figures
from streaming.monitoring.report import JobHeader, Report
from streaming.monitoring.verdict import Health, Verdict
from streaming.monitoring.watching import Watching

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SOON = timedelta(milliseconds=1)


def report(health: Health, words: str) -> Report:
    job = JobHeader("readings", "17", "this machine", "running", None)
    return Report(job, Figures(NOW, {}), (Verdict(health, words),))


def ended(*reports: Report) -> Callable[[], Report]:
    """Looks that give these, and then Ctrl-C."""
    left = list(reports)

    def look() -> Report:
        if not left:
            raise KeyboardInterrupt
        return left.pop(0)

    return look


WELL, BADLY = report(Health.HEALTHY, "well"), report(Health.UNHEALTHY, "badly")


def test_one_look_is_one_screen() -> None:
    console = Console(file=io.StringIO(), width=80)
    assert Watching(None).show(ended(WELL, BADLY), console) is Health.HEALTHY
    assert console.file.getvalue().startswith("HEALTHY well\n")  # type: ignore[attr-defined]


def test_screens_are_parted_by_a_line_and_the_last_one_counts() -> None:
    console = Console(file=io.StringIO(), width=80)
    assert Watching(SOON).show(ended(WELL, BADLY), console) is Health.UNHEALTHY
    screens = console.file.getvalue().split(f"{'─' * 80}\n")  # type: ignore[attr-defined]
    assert [screen.partition("\n")[0] for screen in screens] == ["HEALTHY well", "UNHEALTHY badly"]


def test_documents_are_lines() -> None:
    console = Console(file=io.StringIO(), width=20)
    Watching(SOON, as_json=True).show(ended(WELL, BADLY), console)
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert [json.loads(line)["health"] for line in lines] == ["healthy", "unhealthy"]


def test_before_the_first_report_ctrl_c_is_no_verdict() -> None:
    with pytest.raises(KeyboardInterrupt):
        Watching(SOON).show(ended(), Console(file=io.StringIO()))
