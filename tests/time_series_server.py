"""Cloud Monitoring's MetricService in this process: it lists the time series that tests have written.

It answers as the service does as far as its documentation tells: in pages, each series with its newest point first,
the points of the half-open interval alone, and a filter that it does not understand is an invalid argument.
"""

from __future__ import annotations

import re
import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime

import grpc
import pytest
from google.api.metric_pb2 import Metric
from google.api.monitored_resource_pb2 import MonitoredResource
from google.cloud.monitoring_v3 import (
    ListTimeSeriesRequest,
    ListTimeSeriesResponse,
    Point,
    TimeInterval,
    TimeSeries,
    TypedValue,
)

from tests.grpc_servers import GrpcServer, Refusal, page

METHOD = "/google.monitoring.v3.MetricService/ListTimeSeries"
PAGE = 3
PATIENCE = 60  # seconds until a test that waits for nothing fails

DATAFLOW, PUBSUB = "dataflow.googleapis.com/job", "pubsub.googleapis.com/subscription"
RESOURCES = {
    "dataflow_job": {"project_id", "region", "job_name"},
    "pubsub_subscription": {"project_id", "subscription_id"},
}
METRICS = {
    f"{DATAFLOW}/user_counter": {"job_id", "metric_name", "ptransform"},
    f"{DATAFLOW}/is_failed": {"job_id"},
    f"{DATAFLOW}/elapsed_time": {"job_id"},
    f"{DATAFLOW}/current_num_vcpus": {"job_id"},
    f"{DATAFLOW}/data_watermark_age": {"job_id"},
    f"{PUBSUB}/num_unacked_messages_by_region": {"region"},
    f"{PUBSUB}/oldest_unacked_message_age_by_region": {"region"},
}
"""The types that there are, with the labels of each."""

_PART = re.compile(r'(metric\.type|resource\.type|(?:metric|resource)\.labels\.\w+) = "([^"]*)"')


class TimeSeriesServer(GrpcServer):
    """The server, for `MONITORING_EMULATOR_HOST`.

    Attributes:
        projects: those whose time series may be read.
        requests: what was asked, in order, refused or not.
    """

    def __init__(self, *projects: str) -> None:
        super().__init__()
        self.projects = projects or ("my-project",)
        self.requests: list[ListTimeSeriesRequest] = []
        self._series: list[TimeSeries] = []
        self._refusals: deque[tuple[str, Refusal]] = deque()
        self._held: dict[str, threading.Event] = {}

    def write(
        self,
        metric: str,
        values: Sequence[tuple[datetime, float | bool]],
        labels: Mapping[str, str] | None = None,
        **resource: str,
    ) -> None:
        """A time series with these values; integers, decimals and truths are told as such."""
        kind = "dataflow_job" if metric.startswith(DATAFLOW) else "pubsub_subscription"
        points = [Point(interval=TimeInterval(end_time=at), value=_typed(value)) for at, value in sorted(values)]
        self._series.append(
            TimeSeries(
                metric=Metric(type=metric, labels=labels or {}),
                resource=MonitoredResource(type=kind, labels={"project_id": self.projects[0], **resource}),
                points=points[::-1],
            )
        )

    def clear(self) -> None:
        """Forget all time series."""
        self._series.clear()

    def fail(self, code: grpc.StatusCode, text: str, metric: str = "", times: int = 1) -> None:
        """Refuse the next requests for a metric; without one, for any."""
        self._refusals.extend([(metric, Refusal(code, text))] * times)

    def hold(self, metric: str) -> threading.Event:
        """Answer nothing about a metric before the event is set."""
        return self._held.setdefault(metric, threading.Event())

    def service(self, call: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        if call.method != METHOD:
            return None
        return grpc.unary_unary_rpc_method_handler(
            self._answer, ListTimeSeriesRequest.deserialize, ListTimeSeriesResponse.serialize
        )

    def _answer(self, request: ListTimeSeriesRequest, context: grpc.ServicerContext) -> ListTimeSeriesResponse:
        self.requests.append(request)
        try:
            wanted = _wanted(request)
            self._refuse(wanted["metric.type"], request.name)
            return self._list(request, wanted)
        except Refusal as refusal:
            context.abort(refusal.code, refusal.text)

    def _refuse(self, metric: str, project: str) -> None:
        if metric in self._held:
            self._held[metric].wait(PATIENCE)
        if self._refusals and self._refusals[0][0] in ("", metric):
            raise self._refusals.popleft()[1]
        if project.removeprefix("projects/") not in self.projects:
            raise denied()

    def _list(self, request: ListTimeSeriesRequest, wanted: Mapping[str, str]) -> ListTimeSeriesResponse:
        found = [each for each in self._series if wanted.items() <= _described(each).items()]
        there = [each for each in (_within(series, request.interval) for series in found) if each.points]
        listed, token = page(there, request.page_token, PAGE)
        return ListTimeSeriesResponse(time_series=listed, next_page_token=token)


@contextmanager
def time_series_server(monkeypatch: pytest.MonkeyPatch, *projects: str) -> Iterator[TimeSeriesServer]:
    """A server that the clients of this process speak to."""
    with TimeSeriesServer(*projects) as server:
        monkeypatch.setenv("MONITORING_EMULATOR_HOST", server.host)
        yield server


def denied() -> Refusal:
    text = "Permission monitoring.timeSeries.list denied (or the resource may not exist)."
    return Refusal(grpc.StatusCode.PERMISSION_DENIED, text)


def _wanted(request: ListTimeSeriesRequest) -> dict[str, str]:
    """What the filter asks for; it names one type of metric, and labels that this type and its resource have."""
    matches = [_PART.fullmatch(part) for part in request.filter.split(" AND ")]
    wanted = {match[1]: match[2] for match in matches if match}
    metric, resource = wanted.get("metric.type", ""), wanted.get("resource.type", "")
    labels = {f"metric.labels.{name}" for name in METRICS.get(metric, ())}
    labels |= {f"resource.labels.{name}" for name in RESOURCES.get(resource, ())}
    is_known = metric in METRICS and resource in RESOURCES and len(wanted) == len(matches)
    if not is_known or not set(wanted) <= {"metric.type", "resource.type"} | labels:
        raise _invalid(f'Field filter had an invalid value of "{request.filter}".')
    if request.view != ListTimeSeriesRequest.TimeSeriesView.FULL:
        raise _invalid("Field view is not FULL: there would be no points.")
    if not request.interval.start_time < request.interval.end_time:
        raise _invalid("Field interval.startTime had an invalid value: it must be before the end time.")
    return wanted


def _invalid(text: str) -> Refusal:
    return Refusal(grpc.StatusCode.INVALID_ARGUMENT, text)


def _described(series: TimeSeries) -> dict[str, str]:
    described = {"metric.type": series.metric.type, "resource.type": series.resource.type}
    described |= {f"metric.labels.{name}": value for name, value in series.metric.labels.items()}
    return described | {f"resource.labels.{name}": value for name, value in series.resource.labels.items()}


def _within(series: TimeSeries, interval: TimeInterval) -> TimeSeries:
    points = [each for each in series.points if interval.start_time < each.interval.end_time <= interval.end_time]
    return TimeSeries(metric=series.metric, resource=series.resource, points=points)


def _typed(value: float | bool) -> TypedValue:
    if isinstance(value, bool):
        return TypedValue(bool_value=value)
    return TypedValue(int64_value=value) if isinstance(value, int) else TypedValue(double_value=value)
