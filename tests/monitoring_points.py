"""A source of points made by hand, and the figures that come of them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from streaming.monitoring.figures import Figures, read
from streaming.monitoring.series import USER_COUNTER, Points, Series, Unavailable

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
JOB = "dataflow.googleapis.com/job"
SUBSCRIPTION = "pubsub.googleapis.com/subscription"
UNACKED = f"{SUBSCRIPTION}/num_unacked_messages_by_region"
OLDEST = f"{SUBSCRIPTION}/oldest_unacked_message_age_by_region"

Values = Sequence[tuple[float, float]]
"""Minutes before `NOW`, and the value then."""


class HandMade:
    """A source of what was laid into it; the metrics in `silent` cannot be had."""

    def __init__(self, silent: Mapping[str, str] | None = None) -> None:
        self.silent = silent or {}
        self.series: list[tuple[str, Points]] = []

    def add(self, name: str, values: Values) -> HandMade:
        """One more time series of a counter, or of a metric whose type has a slash."""
        points = [(NOW - timedelta(minutes=minutes), value) for minutes, value in values]
        is_metric = "/" in name
        self.series.append((name if is_metric else USER_COUNTER, Points(points, "" if is_metric else name)))
        return self

    def points(self, series: Series, since: datetime) -> Sequence[Points]:
        if series.metric in self.silent:
            raise Unavailable(self.silent[series.metric])
        return [
            Points([each for each in points.values if each[0] >= since], points.counter)
            for metric, points in self.series
            if metric == series.metric and (series.counter is None or re.fullmatch(series.pattern, points.counter))
        ]


def steady(per_minute: float, start: float = 0.0) -> Values:
    """A value at each minute of the last half hour, which begins at `start` and grows by so much."""
    return [(float(minutes), start + per_minute * (30 - minutes)) for minutes in range(30, -1, -1)]


def known_of(source: HandMade) -> Figures:
    return read(source, NOW)
