"""What is asked of time series: computed here for the screen, and written as PromQL for alerts and charts.

A query is one tree of a few nodes with both meanings, so that what a screen shows and what an alert fires on are the
same figure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from operator import itemgetter
from typing import ClassVar, Literal, Protocol

from streaming.monitoring.series import Points, Reading, Readings, Series, Source, Unavailable

Join = Literal["max", "min", "sum"]
"""How the values of several series become one, in PromQL's words."""

_JOINS: Mapping[Join, Callable[[list[float]], float]] = {"max": max, "min": min, "sum": sum}
_OVER_TIME: Mapping[str, Callable[[list[float]], float]] = {"last": itemgetter(-1), "min": min}

RECENT = timedelta(minutes=10)
"""A rate whose newest point is older is not known."""


@dataclass(frozen=True)
class Scope:
    """Which job's time series an expression in PromQL takes."""

    job: str = ""  # label matchers, as in `job_name="readings"`
    subscription: str = ""

    def selector(self, series: Series) -> str:
        """The series in PromQL: Cloud Monitoring's name, with `:` for the first slash and `_` for other signs."""
        domain, _, path = series.metric.partition("/")
        name = f"{_underscored(domain)}:{_underscored(path)}"
        kind = "pubsub_subscription" if series.of_subscription else "dataflow_job"
        matchers = [f'monitored_resource="{kind}"', self.subscription if series.of_subscription else self.job]
        if series.counter is not None:
            matchers.append(f'metric_name=~"{series.pattern}"')
        return f"{name}{{{', '.join(filter(None, matchers))}}}"


class Query(Protocol):
    """A node."""

    def readings(self, source: Source, now: datetime) -> Readings:
        """What it gives now; nothing where there are no points.

        Raises:
            Unavailable: the source cannot say.
        """


class Expression(Query, Protocol):
    """A node that PromQL can say, too."""

    @property
    def is_labelled(self) -> bool:
        """Whether it has a value for each label; in PromQL, for each `metric_name`."""

    def promql(self, scope: Scope) -> str:
        """The same in PromQL."""


@dataclass(frozen=True)
class _OneValue:
    series: Series
    span: timedelta
    joined: Join = "max"
    is_labelled = False
    over_time: ClassVar[Literal["last", "min"]]

    def readings(self, source: Source, now: datetime) -> Readings:
        ranges = _ranges(source, self.series, self.span, now)
        if not ranges:
            return {}
        values = [_OVER_TIME[self.over_time]([value for _, value in points.values]) for points in ranges]
        return {"": Reading(_JOINS[self.joined](values), max(points.values[-1][0] for points in ranges))}

    def promql(self, scope: Scope) -> str:
        return f"{self.joined}({self.over_time}_over_time({scope.selector(self.series)}[{_span(self.span)}]))"


class Latest(_OneValue):
    """The last value of the last `span`; of several series their `joined` one."""

    over_time = "last"


class Lowest(_OneValue):
    """The least value of the last `span`; of several series their `joined` one.

    What it exceeds was exceeded all that time.
    """

    over_time = "min"


@dataclass(frozen=True)
class Growth:
    """What a counter has counted in the last `span`, for each of its labels.

    It is the difference to the counter's value at the end of the span before, or to zero where it was not there yet:
    PromQL's `delta` would miss a thing that is counted once, as the refusal of a generation is.
    """

    series: Series
    span: timedelta

    @property
    def is_labelled(self) -> bool:
        return self.series.is_labelled

    def readings(self, source: Source, now: datetime) -> Readings:
        grown: dict[str, Reading] = {}
        for points, value in growths(source, self.series, self.span, now):
            _add(grown, self.series.label(points.counter), Reading(value, points.values[-1][0]))
        return grown

    def promql(self, scope: Scope) -> str:
        now = f"max_over_time({scope.selector(self.series)}[{_span(self.span)}])"
        before = f"max_over_time({scope.selector(self.series)}[{_span(self.span)}] offset {_span(self.span)})"
        return f"{_sum(self.is_labelled)}({now} - ({before} or {now} * 0))"


@dataclass(frozen=True)
class Rate:
    """By how much a number has grown a second, for each of its labels, over the `span` that ends with the newest point.

    That may be some minutes ago, for Cloud Monitoring shows what Dataflow reports late. A counter never becomes
    smaller; one that has was begun anew, by another process. A gauge may.
    """

    series: Series
    span: timedelta

    @property
    def is_labelled(self) -> bool:
        return self.series.is_labelled

    def readings(self, source: Source, now: datetime) -> Readings:
        rates: dict[str, Reading] = {}
        newest = self._newest(source, now)
        for points in newest:
            seconds = (points.values[-1][0] - points.values[0][0]).total_seconds()
            if seconds:
                value = self._grown([value for _, value in points.values]) / seconds
                _add(rates, self.series.label(points.counter), Reading(value, points.values[-1][0]))
        if newest and not rates:
            raise Unavailable("a rate takes two points in time, and there is one as yet")
        return rates

    def _newest(self, source: Source, now: datetime) -> list[Points]:
        known = _ranges(source, self.series, RECENT + self.span, now)
        newest = max((points.values[-1][0] for points in known), default=now - RECENT)
        if newest <= now - RECENT:
            return []
        ranges = [points.between(newest - self.span, newest) for points in known]
        return [points for points in ranges if points.values]

    def _grown(self, values: Sequence[float]) -> float:
        return values[-1] - values[0] if self.series.counter is None else _counted(values)

    def promql(self, scope: Scope) -> str:
        grown = f"delta({scope.selector(self.series)}[{_span(self.span)}])"
        return f"{_sum(self.is_labelled)}({grown}) / {self.span.total_seconds():g}"


@dataclass(frozen=True)
class Ratio:
    """One query's values over the value of another that has no labels; nothing where that is zero."""

    over: Expression
    under: Expression

    @property
    def is_labelled(self) -> bool:
        return self.over.is_labelled

    def readings(self, source: Source, now: datetime) -> Readings:
        below = self.under.readings(source, now).get("")
        if below is None or below.value <= 0:
            return {}
        over = self.over.readings(source, now).items()
        return {label: Reading(each.value / below.value, min(each.at, below.at)) for label, each in over}

    def promql(self, scope: Scope) -> str:
        joined = "/ on() group_left()" if self.is_labelled else "/"
        return f"{self.over.promql(scope)} {joined} ({self.under.promql(scope)} > 0)"


def growths(source: Source, series: Series, span: timedelta, now: datetime) -> Iterator[tuple[Points, float]]:
    """What each counter has counted in the last `span`, beside its points of that time.

    Raises:
        Unavailable: it is not known what a counter was at the beginning.
    """
    start = now - span
    for points in source.points(series, start - span):
        if points.gap and points.gap[0] < start < points.gap[1]:
            raise Unavailable(f"of what was counted before {points.gap[1]:%H:%M:%S} UTC only the total is known")
        last = points.between(start, now)
        if last.values:
            before = points.between(start - span, start).values[-1:]
            first = before[0][1] if before else 0.0
            yield last, _counted([first, *(value for _, value in last.values)])


def _ranges(source: Source, series: Series, span: timedelta, now: datetime) -> list[Points]:
    """All series that have values in the last `span`, with these alone."""
    ranges = [points.between(now - span, now) for points in source.points(series, now - span)]
    return [points for points in ranges if points.values]


def _add(readings: dict[str, Reading], label: str, reading: Reading) -> None:
    readings[label] = readings[label] + reading if label in readings else reading


def _counted(values: Sequence[float]) -> float:
    return sum(after - before if after >= before else after for before, after in pairwise(values))


def _sum(labelled: bool) -> str:
    return "sum by (metric_name) " if labelled else "sum"


def _span(span: timedelta) -> str:
    return f"{span.total_seconds():.0f}s"


def _underscored(text: str) -> str:
    return re.sub(r"\W", "_", text)
