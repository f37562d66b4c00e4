"""The points of a job on Dataflow, from where they are known first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from streaming.dataflow.monitor.time_series import TimeSeries
from streaming.dataflow.monitor.totals import History
from streaming.monitoring.series import USER_COUNTER, Points, Series, Unavailable

if TYPE_CHECKING:
    from google.cloud.dataflow_v1beta3 import Job

IS_FAILED = "dataflow.googleapis.com/job/is_failed"
ELAPSED_TIME = "dataflow.googleapis.com/job/elapsed_time"
OF_THE_JOB = frozenset({IS_FAILED, ELAPSED_TIME})
"""What the job itself tells, without the delay of Cloud Monitoring."""


@dataclass(frozen=True)
class JobSource:
    """A `Source`. Counters that Cloud Monitoring does not have yet are taken from the looks at the job's totals.

    Attributes:
        job: as Dataflow tells of it; None if it does not.
        series: Cloud Monitoring's.
        history: the totals of the looks until now.
        now: when it is looked.
    """

    job: Job | None
    series: TimeSeries
    history: History
    now: datetime

    def points(self, series: Series, since: datetime) -> Sequence[Points]:
        """As `Source.points` does."""
        if series.metric == USER_COUNTER:
            return self._counters(series, since)
        if self.job is not None and series.metric == IS_FAILED:
            return [Points([(self.now, float(self.job.current_state.name == "JOB_STATE_FAILED"))])]
        if self.job is not None and series.metric == ELAPSED_TIME:
            return [Points([(self.now, elapsed(self.job, self.now))])]
        return self.series.points(series, since)

    def _counters(self, series: Series, since: datetime) -> Sequence[Points]:
        try:
            if self.series.points(Series(USER_COUNTER), since):
                return self.series.points(series, since)
        except Unavailable as error:
            return self._instead(series, error)
        return self._instead(series, None)

    def _instead(self, series: Series, error: Unavailable | None) -> Sequence[Points]:
        """Of the totals. Where Dataflow knows no counter, either, it is for Cloud Monitoring to say why."""
        if self.job is None or not self.history.has_counted:
            if error is not None:
                raise error
            return []
        return self.history.points(series, self.now, self.job.create_time)


def elapsed(job: Job, now: datetime) -> float:
    """For how many seconds the job has been running, as Cloud Monitoring counts them."""
    state = job.current_state.name
    if state in ("JOB_STATE_QUEUED", "JOB_STATE_PENDING"):
        return 0.0
    since = job.current_state_time if state == "JOB_STATE_RUNNING" else job.create_time
    return max(0.0, (now - since).total_seconds())
