"""The time series of a job and of its subscription, as Cloud Monitoring has them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from google.api_core import exceptions

from streaming.asking import Service
from streaming.dataflow.monitor.questions import Question
from streaming.endpoints import metric_service_client, show_monitoring
from streaming.monitoring.figures import RULE_SPAN, read
from streaming.monitoring.report import Missing
from streaming.monitoring.series import Points, Series, Unavailable

if TYPE_CHECKING:
    from google.cloud.monitoring_v3 import ListTimeSeriesRequest, MetricServiceClient

REQUEST_SECONDS = 8.0
"""How long one request may take."""

MARGIN = timedelta(minutes=1)
"""So much further back is asked than the figures look: points bear the end of the minute that they were taken in."""

SUBSCRIPTION = re.compile(r"projects/(?P<project>[^/]+)/subscriptions/(?P<id>[^/]+)")

_MONITORING = Service(
    "Cloud Monitoring",
    show_monitoring,
    {
        exceptions.PermissionDenied: "the caller needs roles/monitoring.viewer on that project",
        exceptions.NotFound: "mind --project",
        exceptions.ServiceUnavailable: "status.cloud.google.com tells of outages",
    },
    {"has not been used in project": "run gcloud services enable monitoring.googleapis.com"},
)


@dataclass(frozen=True)
class Resources:
    """What the time series are of.

    Attributes:
        project: the job's.
        job_id: its id.
        job_name: its name; empty where it is not known.
        subscription: `projects/P/subscriptions/S`; empty where it is not known.
    """

    project: str
    job_id: str
    job_name: str = ""
    subscription: str = ""

    def selected(self, metric: str) -> tuple[str, str]:
        """The project that has the time series of a metric, and the filter that selects them.

        Raises:
            Unavailable: they are the subscription's, and that is not known.
        """
        if not Series(metric).of_subscription:
            parts = {"metric.type": metric, "resource.type": "dataflow_job"}
            parts |= {"resource.labels.job_name": self.job_name} if self.job_name else {}
            return self.project, _filter(parts | {"metric.labels.job_id": self.job_id})
        named = SUBSCRIPTION.fullmatch(self.subscription)
        if named is None:
            raise Unavailable("nobody knows which subscription the job reads")
        parts = {"metric.type": metric, "resource.type": "pubsub_subscription"}
        return named["project"], _filter(parts | {"resource.labels.subscription_id": named["id"]})


class TimeSeries:
    """A source of points; each look asks once for each type of metric that a figure needs."""

    def __init__(self) -> None:
        self._questions: dict[str, Question[Sequence[Points]]] = {}
        self._unasked: dict[str, Unavailable] = {}
        self._now = datetime.min

    def begin(self, resources: Resources, now: datetime, known: Collection[str] = ()) -> None:
        """Ask for all that figures look at, but for the metrics that are known from elsewhere."""
        self._now = now
        self._unasked.clear()
        metrics, since = _looked_at(now)
        for metric in sorted(metrics.difference(known)):
            try:
                project, filter_ = resources.selected(metric)
            except Unavailable as error:
                self._unasked[metric] = error
                continue
            question = self._questions.setdefault(metric, Question("Cloud Monitoring"))
            question.begin(partial(self._read, project, filter_, since - MARGIN, now))

    def take(self, until: float) -> None:
        """Wait for the answers until this time of the monotonic clock."""
        for question in self._questions.values():
            question.take(until)

    def points(self, series: Series, since: datetime) -> Sequence[Points]:
        """As `Source.points` does."""
        known = [each for each in self._latest(series.metric) if each.values[-1][0] >= since]
        return [each for each in known if series.counter is None or re.fullmatch(series.counter, each.counter)]

    def missing(self) -> list[Missing]:
        """Why what is missing is; the same words once."""
        lines = [line for question in self._questions.values() for line in question.missing()]
        lines += [Missing("the subscription", str(error)) for error in self._unasked.values()]
        return [*{(line.source, line.words): line for line in lines}.values(), *self._old()]

    def _old(self) -> Iterator[Missing]:
        """The metrics without points that a figure could be of; a line for all that have the same last time."""
        metrics: dict[datetime | None, list[str]] = {}
        for metric, question in self._questions.items():
            points = question.recent(self._now)
            if points is not None:
                latest = max((each.values[-1][0] for each in points), default=None)
                metrics.setdefault(latest, []).append(metric.rpartition("/")[2])
        for latest, names in metrics.items():
            if latest is None or latest <= self._now - RULE_SPAN:
                yield Missing("Cloud Monitoring", f"it has no newer points of {', '.join(sorted(names))}", latest)

    def _read(self, project: str, filter_: str, start: datetime, end: datetime) -> list[Points]:
        """All time series, each with its points as they were written, in order of time."""
        from google.cloud.monitoring_v3 import ListTimeSeriesRequest, TimeInterval

        request = ListTimeSeriesRequest(
            name=f"projects/{project}",
            filter=filter_,
            interval=TimeInterval(start_time=start, end_time=end),
            view=ListTimeSeriesRequest.TimeSeriesView.FULL,
        )
        return _MONITORING.asked(f"read the time series of {project}", _all_pages(self._client), request)

    @cached_property
    def _client(self) -> MetricServiceClient:
        return _MONITORING.connected(metric_service_client)

    def _latest(self, metric: str) -> Sequence[Points]:
        if metric in self._unasked:
            raise self._unasked[metric]
        question = self._questions.get(metric)
        if question is None:
            raise Unavailable("it was not asked for")
        points = question.recent(self._now)
        if points is None:
            raise Unavailable(str(question.error))
        return points


def _looked_at(now: datetime) -> tuple[set[str], datetime]:
    """The types of the metrics that figures look at, and since when."""
    asked = _Asked(now)
    read(asked, now)
    return asked.metrics, asked.since


class _Asked:
    """A source without points that notes what it is asked for."""

    def __init__(self, now: datetime) -> None:
        self.metrics: set[str] = set()
        self.since = now

    def points(self, series: Series, since: datetime) -> Sequence[Points]:
        self.metrics.add(series.metric)
        self.since = min(since, self.since)
        return []


def _filter(parts: dict[str, str]) -> str:
    return " AND ".join(f"{name} = {json.dumps(value)}" for name, value in parts.items())


def _all_pages(client: MetricServiceClient) -> Callable[..., list[Points]]:
    def call(request: ListTimeSeriesRequest, retry: None, timeout: float) -> list[Points]:
        pages = client.list_time_series(request=request, retry=retry, timeout=min(timeout, REQUEST_SECONDS)).pages
        return [points for page in pages for points in _points(type(page).pb(page))]

    return call


def _points(page: Any) -> Iterator[Points]:
    """Of a raw message: the wrappers around each point cost ten times as much."""
    for series in page.time_series:
        values = [(_time(each), _number(each.value)) for each in reversed(series.points)]
        if values:
            yield Points(values, series.metric.labels.get("metric_name", ""))


def _time(point: Any) -> datetime:
    return point.interval.end_time.ToDatetime(tzinfo=UTC)


def _number(value: Any) -> float:
    return float(getattr(value, value.WhichOneof("value")))
