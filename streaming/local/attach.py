"""A look at a job that another process on this machine runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from streaming.errors import Mistakes
from streaming.local.published import read_report, running
from streaming.monitoring.report import Missing, Report
from streaming.monitoring.verdict import Health, Verdict

STALE = timedelta(seconds=10)
"""A job reports every second; one that has not for so long does not run as it should."""

FIRST_REPORT_SECONDS = 5.0
_PAUSE_SECONDS = 0.1


def attach(pid: int | None = None) -> Callable[[], Report]:
    """What looks at the job of a process, or at the only one; it raises `Mistakes` once the job has ended.

    Raises:
        Mistakes: there is no such job, or there are several.
        JobError: the job's report cannot be read.
    """
    jobs = running()
    if not jobs:
        raise Mistakes(["--local: no job runs on this machine; start one with pubsub-inference run"])
    if pid is None and len(jobs) > 1:
        raise Mistakes([f"--local: several jobs run on this machine; give the process of one: {_listed(jobs)}"])
    chosen = next(iter(jobs)) if pid is None else pid
    if chosen not in jobs:
        raise Mistakes([f"--local: process {chosen} runs no job; give one that does: {_listed(jobs)}"])
    return lambda: _look(chosen, jobs[chosen])


def _look(pid: int, path: Path) -> Report:
    until = time.monotonic() + FIRST_REPORT_SECONDS
    while (report := read_report(path)) is None or pid not in running():
        if pid not in running() or time.monotonic() > until:
            raise Mistakes([f"--local: the job of process {pid} has ended, or does not report"])
        time.sleep(_PAUSE_SECONDS)  # it has just begun
    return _as_of(report, datetime.now(UTC))


def _as_of(report: Report, now: datetime) -> Report:
    """The report as it is to be seen now: one that has become old is no verdict."""
    then = report.figures.at
    report = replace(report, figures=replace(report.figures, at=max(now, then)))
    if now - then <= STALE:
        return report
    silent = Missing(f"process {report.job.identifier}", "it runs and does not report; it may be stopped or hang", then)
    verdict = Verdict(Health.UNKNOWN, f"cannot tell: process {report.job.identifier} does not report")
    return replace(report, verdicts=(verdict,), missing=(silent, *report.missing))


def _listed(jobs: Mapping[int, Path]) -> str:
    reports = {pid: read_report(path) for pid, path in sorted(jobs.items())}
    return ", ".join(f"{pid} ({report.job.name})" if report else str(pid) for pid, report in reports.items())
