"""Quantiles of what a histogram has counted: for the screen alone.

PromQL has them for histograms whose buckets are named by a label `le`; a counter of Dataflow has no labels of ours, so
each of its buckets is a counter of its own. Alerts ask for the share of a histogram's upper buckets instead.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from streaming.monitoring.queries import growths
from streaming.monitoring.series import Reading, Readings, Series, Source


@dataclass(frozen=True)
class Quantile:
    """A quantile of what was counted in the last `span`, as the upper bound of its bucket in seconds, for each label.

    It is infinite where it is in the bucket above all bounds.

    Attributes:
        share: 0.99 is the value that one in a hundred exceeds.
        series: the buckets, whose names hold their `BOUND` in milliseconds.
        span: how long.
    """

    share: float
    series: Series
    span: timedelta

    def readings(self, source: Source, now: datetime) -> Readings:
        """As a node of `streaming.monitoring.queries` does."""
        counted: dict[str, dict[float, float]] = defaultdict(lambda: defaultdict(float))
        at: dict[str, datetime] = {}
        for points, growth in growths(source, self.series, self.span, now):
            label = self.series.label(points.counter)
            counted[label][self._bound(points.counter)] += growth
            at[label] = max(at.get(label, points.values[-1][0]), points.values[-1][0])
        quantiles = {label: quantile(buckets, self.share) for label, buckets in counted.items()}
        return {label: Reading(value, at[label]) for label, value in quantiles.items() if value is not None}

    def _bound(self, counter: str) -> float:
        matched = re.fullmatch(self.series.counter or "", counter)
        bound = matched["bound"] if matched else "above"
        return float("inf") if bound == "above" else float(bound) / 1000


def quantile(buckets: Mapping[float, float], share: float) -> float | None:
    """The upper bound of the bucket in which `share` of all is reached; None without any."""
    wanted = share * sum(buckets.values())
    reached = 0.0
    for bound, count in sorted(buckets.items()):
        reached += count
        if count and reached >= wanted:
            return bound
    return None
