"""Looking at a job of another process: which one, and what is seen of one that stands still or has ended."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from streaming.errors import Mistakes
from streaming.local import attach as attaching
from streaming.local.attach import attach
from streaming.local.published import published
from streaming.monitoring.report import Missing, Report
from streaming.monitoring.verdict import Health, Verdict
from tests.local_snapshots import publishing
from tests.monitoring_reports import healthy


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(attaching, "FIRST_REPORT_SECONDS", 0.05)


@pytest.fixture
def other() -> Iterator[subprocess.Popen[str]]:
    with publishing() as process:
        yield process


def of(age: timedelta) -> Report:
    """A report that is so old."""
    report = healthy()
    return replace(report, figures=replace(report.figures, at=datetime.now(UTC) - age))


def mistake(pid: int | None = None) -> str:
    with pytest.raises(Mistakes) as raised:
        attach(pid)
    return str(raised.value)


def test_without_a_job_there_is_one_line() -> None:
    nothing = "--local: no job runs on this machine; start one with pubsub-inference run"
    assert (mistake(), mistake(1)) == (nothing, nothing)


def test_the_only_job_is_looked_at() -> None:
    with published() as publish:
        look = attach()
        publish(of(timedelta(seconds=1)))
        seen = look()
        assert replace(seen, figures=replace(seen.figures, at=healthy().figures.at)) == healthy()
        assert datetime.now(UTC) - seen.figures.at < timedelta(seconds=1)


def test_of_several_jobs_one_is_to_be_named(other: subprocess.Popen[str]) -> None:
    with published():
        jobs = {os.getpid(): f"{os.getpid()}", other.pid: f"{other.pid} (readings)"}
        listed = ", ".join(jobs[pid] for pid in sorted(jobs))
        assert mistake() == f"--local: several jobs run on this machine; give the process of one: {listed}"
        assert mistake(1) == f"--local: process 1 runs no job; give one that does: {listed}"
        assert attach(other.pid)().job == healthy().job


def test_a_job_that_does_not_report_any_more_is_no_verdict() -> None:
    with published() as publish:
        old = of(timedelta(seconds=11))
        publish(old)
        seen = attach(os.getpid())()
    identifier = old.job.identifier
    assert seen.verdicts == (Verdict(Health.UNKNOWN, f"cannot tell: process {identifier} does not report"),)
    words = "it runs and does not report; it may be stopped or hang"
    assert seen.missing == (Missing(f"process {identifier}", words, old.figures.at),)
    assert seen.figures.known == old.figures.known
    assert timedelta(seconds=11) <= seen.figures.at - old.figures.at


def test_a_clock_that_was_set_back_makes_nothing_younger() -> None:
    with published() as publish:
        ahead = of(timedelta(hours=-1))
        publish(ahead)
        assert attach()() == ahead


def test_a_job_that_has_ended_is_told_of() -> None:
    with published() as publish:
        publish(of(timedelta(0)))
        look = attach()
    with pytest.raises(Mistakes, match=rf"^--local: the job of process {os.getpid()} has ended, or does not report$"):
        look()


def test_a_job_that_never_reports_is_told_of() -> None:
    with published():
        look = attach()
        with pytest.raises(Mistakes, match=rf"process {os.getpid()} has ended, or does not report$"):
            look()
