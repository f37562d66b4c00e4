"""Looks at one job: every service is asked at once, and what has come in time becomes a report."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from google.api_core import exceptions

from streaming.dataflow.jobs import Jobs, Place, is_id, show_state
from streaming.dataflow.monitor.description import Description, ask_description
from streaming.dataflow.monitor.judging import judged
from streaming.dataflow.monitor.messages import Messages, ask_messages
from streaming.dataflow.monitor.questions import Question
from streaming.dataflow.monitor.reasons import ask_reasons
from streaming.dataflow.monitor.source import OF_THE_JOB, JobSource
from streaming.dataflow.monitor.time_series import Resources, TimeSeries
from streaming.dataflow.monitor.totals import History, Totals, ask_totals
from streaming.errors import JobError
from streaming.monitoring.figures import read
from streaming.monitoring.report import JobHeader, Missing, Reason, Report

if TYPE_CHECKING:
    from google.cloud.dataflow_v1beta3 import Job

_PASSING = (exceptions.Forbidden, exceptions.ServerError, exceptions.TooManyRequests)
"""After these a job whose id is known may be there, and the other services may know of it."""

_SHARE = 0.5
"""This part of the patience is for what other questions are made of; without it, these are asked as they can be."""


class Looks:
    """The looks at one job.

    Args:
        place: where it runs.
        job: its id; or its name: then it is the one that is active, else the latest.
        deadletter_table: where its dead letters are, if it does not show that itself.
    """

    def __init__(self, place: Place, job: str, deadletter_table: str = "") -> None:
        self._jobs = Jobs(place)
        self._wanted = job
        self._deadletter_table = deadletter_table
        self._job: Question[Job] = Question("Dataflow, the job")
        self._description: Question[Description] = Question("Dataflow, the job's description")
        self._messages: Question[Messages] = Question("Dataflow, messages")
        self._totals: Question[Totals] = Question("Dataflow, metrics")
        self._reasons: Question[tuple[Reason, ...]] = Question("BigQuery, dead letters")
        self._told_dead_letters: dict[str, int] | None = None
        self._series = TimeSeries()
        self._history = History()

    def look(self, patience: float) -> Report:
        """Ask all services, and wait for so many seconds at most.

        Raises:
            JobError: there is no such job, or nobody can tell which one it is.
        """
        began, now = time.monotonic(), datetime.now(UTC)
        until, soon = began + patience, began + patience * _SHARE
        job_id = self._identify(soon if is_id(self._wanted) else until)
        self._ask_dataflow(job_id, now)
        self._description.take(soon)
        self._series.begin(self._resources(job_id), now, OF_THE_JOB if self._job.recent(now) else ())
        self._totals.take(soon)
        self._ask_bigquery(now)
        self._series.take(until)
        for question in (self._job, self._description, self._messages, self._totals, self._reasons):
            question.take(until)
        return self._report(job_id, now)

    def _identify(self, until: float) -> str:
        """The job's id; where it is known, its state is asked for and not waited for yet."""
        known = self._job.value
        self._job.begin(partial(self._jobs.get, known.id) if known else partial(self._jobs.find, self._wanted))
        if known is None:
            self._job.take(until)
            known = self._job.value
        if known is not None:
            return known.id
        error = self._job.error or JobError(f"cannot look up job {self._wanted}")
        if is_id(self._wanted) and (error.__cause__ is None or isinstance(error.__cause__, _PASSING)):
            return self._wanted
        raise error

    def _ask_dataflow(self, job_id: str, now: datetime) -> None:
        if not self._knows_description():
            self._description.begin(partial(ask_description, self._jobs, job_id))
        workers = self._messages.value.workers if self._messages.value else None
        self._messages.begin(partial(ask_messages, self._jobs, job_id, now, workers))
        self._totals.begin(partial(ask_totals, self._jobs, job_id))

    def _knows_description(self) -> bool:
        """It does not change, but a job that is queued has none yet."""
        return self._description.value is not None and self._description.value != Description()

    def _ask_bigquery(self, now: datetime) -> None:
        """The table is read again when there are more dead letters, or nobody knows: each query is paid for."""
        if self._totals.error is None and self._totals.value:
            self._history.add(self._totals.value)
        dead_letters = self._totals.value.dead_letters() if self._totals.value else None
        is_read = self._reasons.value is not None and self._reasons.error is None
        is_unchanged = dead_letters == self._told_dead_letters and self._totals.error is None
        table, job = self._table(), self._job.value
        if table and job is not None and not (is_read and is_unchanged):
            self._told_dead_letters = dead_letters
            self._reasons.begin(partial(ask_reasons, table, self._jobs.place.project, job.name, now))

    def _table(self) -> str:
        return self._deadletter_table or self._shown().deadletter_table

    def _shown(self) -> Description:
        return self._description.value or Description()

    def _resources(self, job_id: str) -> Resources:
        name = self._job.value.name if self._job.value else ""
        return Resources(self._jobs.place.project, job_id, name, self._shown().subscription)

    def _report(self, job_id: str, now: datetime) -> Report:
        job, totals, messages = self._job.recent(now), self._totals.value, self._messages.value
        figures = read(JobSource(job, self._series, self._history, now), now)
        return Report(
            job=self._header(job_id),
            figures=figures,
            verdicts=judged(job, figures, self._shown(), totals, self._description.error is None),
            workers=messages.workers if messages else None,
            dead_letters=totals.dead_letters() if totals else None,
            reasons=self._reasons.value or (),
            said=messages.said if messages else (),
            missing=tuple(self._missing()),
        )

    def _header(self, job_id: str) -> JobHeader:
        place, job = self._jobs.place, self._job.value
        return JobHeader(
            name=job.name if job else job_id,
            identifier=job_id,
            place=f"{place.project}, {place.region}",
            state=show_state(job.current_state) if job else "unknown",
            since=job.current_state_time if job else None,
            link=place.console_link(job_id),
            models=self._shown().models,
        )

    def _missing(self) -> list[Missing]:
        questions = (self._job, self._description, self._messages, self._totals, self._reasons)
        lines = [line for question in questions for line in question.missing()] + self._series.missing()
        if not self._table() and self._knows_description():
            lines.append(
                Missing("BigQuery, dead letters", "the job does not name their table; --deadletter-table does")
            )
        return lines
