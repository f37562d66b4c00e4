"""The counters of a job on this machine in time: a source of figures, as Cloud Monitoring is for a Dataflow job."""

from __future__ import annotations

import os
import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import chain

import numpy as np

from streaming.local.totals import Counted
from streaming.monitoring.figures import RULE_SPAN
from streaming.monitoring.series import BOUND, USER_COUNTER, Points, Series, Unavailable

KEPT = 2 * RULE_SPAN + timedelta(minutes=1)
"""What has been counted in a span is told from the last value of the span before."""

DENSE = timedelta(minutes=1)
SPARSE_STEP = timedelta(seconds=10)
"""Of what is older than `DENSE`, samples so far apart are kept."""

_JOB = "dataflow.googleapis.com/job"


class History:
    """A `streaming.monitoring.series.Source` of what all workers together have counted.

    The sums never become smaller, so a worker that begins anew does not show. What Google's services measure is not
    known here.
    """

    def __init__(self, started: datetime) -> None:
        self._started = started
        self._at: datetime | None = None
        self._counters = _Samples()
        self._fine = _Samples()

    def add(self, at: datetime, counted: Counted) -> None:
        """What is counted by now."""
        self._at = at
        self._counters.add(at, counted.counters)
        self._fine.add(at, counted.fine)

    def points(self, series: Series, since: datetime) -> Sequence[Points]:
        """As `Source.points`. Who asks for the bounds of buckets gets the finest there are."""
        if series.metric == USER_COUNTER:
            samples = self._fine if BOUND in (series.counter or "") else self._counters
            return list(samples.points(re.compile(series.counter or ""), since))
        if self._at is None:
            return []
        return [Points([(self._at, self._gauge(series.metric, self._at))])]

    def _gauge(self, metric: str, at: datetime) -> float:
        if metric == f"{_JOB}/elapsed_time":
            return (at - self._started).total_seconds()
        if metric == f"{_JOB}/is_failed":
            return 0.0  # a job that has failed has ended, and is seen no more
        if metric == f"{_JOB}/current_num_vcpus":
            return float(os.cpu_count() or 1)
        raise Unavailable("backlog, oldest wait and watermark are not known on this machine")


class _Samples:
    """The values of counters at several times, in one array for each. A counter has its place in all of them.

    Arrays of times at which a counter was not there yet are shorter: it was zero.
    """

    def __init__(self) -> None:
        self._places: dict[str, int] = {}
        self._sparse: deque[tuple[datetime, np.ndarray]] = deque()
        self._dense: deque[tuple[datetime, np.ndarray]] = deque()

    def add(self, at: datetime, counters: Mapping[str, int]) -> None:
        for name in counters:
            self._places.setdefault(name, len(self._places))
        values = np.fromiter((counters[name] for name in self._places), np.int64, len(self._places))
        self._forget_from(at)
        self._dense.append((at, values))
        self._thin(at)

    def points(self, pattern: re.Pattern[str], since: datetime) -> Iterator[Points]:
        rows = [(at, values) for at, values in self._rows() if at >= since]
        for name, place in self._places.items():
            if pattern.fullmatch(name):
                yield Points([(at, int(values[place]) if place < len(values) else 0) for at, values in rows], name)

    def _rows(self) -> Iterable[tuple[datetime, np.ndarray]]:
        return chain(self._sparse, self._dense)

    def _forget_from(self, at: datetime) -> None:
        """Of a clock that was set back, the times that are yet to come are lies."""
        for samples in (self._dense, self._sparse):
            while samples and samples[-1][0] >= at:
                samples.pop()

    def _thin(self, now: datetime) -> None:
        while self._dense[0][0] < now - DENSE:
            sample = self._dense.popleft()
            if not self._sparse or sample[0] - self._sparse[-1][0] >= SPARSE_STEP:
                self._sparse.append(sample)
        while self._sparse and self._sparse[0][0] < now - KEPT:
            self._sparse.popleft()
