"""The MetricService of the tests refuses as the real one is documented to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest
from google.cloud.monitoring_v3 import ListTimeSeriesRequest, ListTimeSeriesResponse, TimeInterval
from grpc import StatusCode

from tests.monitor_cases import VCPUS, WATERMARK
from tests.time_series_server import METHOD, PAGE, TimeSeriesServer

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
FULL = ListTimeSeriesRequest.TimeSeriesView.FULL
INTERVAL = TimeInterval(start_time=NOW - timedelta(minutes=3), end_time=NOW)
JOB = f'metric.type = "{WATERMARK}" AND resource.type = "dataflow_job"'


def listed(server: TimeSeriesServer, **fields: Any) -> ListTimeSeriesResponse:
    asked = {"name": "projects/my-project", "filter": JOB, "interval": INTERVAL, "view": FULL, **fields}
    with grpc.insecure_channel(server.host) as channel:
        ask = channel.unary_unary(METHOD, ListTimeSeriesRequest.serialize, ListTimeSeriesResponse.deserialize)
        return ask(ListTimeSeriesRequest(**asked))


def test_the_newest_point_is_the_first_and_the_interval_is_open_at_its_start() -> None:
    with TimeSeriesServer() as server:
        server.write(WATERMARK, [(NOW - timedelta(minutes=minutes), minutes) for minutes in range(5)])
        (series,) = listed(server).time_series
    assert [point.value.int64_value for point in series.points] == [0, 1, 2]


def test_a_page_is_never_more_than_a_page() -> None:
    with TimeSeriesServer() as server:
        for number in range(PAGE + 1):
            server.write(WATERMARK, [(NOW, number)], {"job_id": str(number)})
        first = listed(server)
        last = listed(server, page_token=first.next_page_token)
    assert [len(each.time_series) for each in (first, last)] == [PAGE, 1]
    assert last.next_page_token == ""


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"filter": f'{JOB} OR resource.labels.job_name = "x"'}, StatusCode.INVALID_ARGUMENT),
        ({"filter": f'{JOB} AND metric.labels.metric_name = "x"'}, StatusCode.INVALID_ARGUMENT),
        ({"filter": f'{JOB} AND resource.labels.subscription_id = "x"'}, StatusCode.INVALID_ARGUMENT),
        ({"filter": f'metric.type = "{VCPUS}"'}, StatusCode.INVALID_ARGUMENT),
        ({"view": ListTimeSeriesRequest.TimeSeriesView.HEADERS}, StatusCode.INVALID_ARGUMENT),
        ({"interval": TimeInterval(start_time=NOW, end_time=NOW)}, StatusCode.INVALID_ARGUMENT),
        ({"name": "projects/other-project"}, StatusCode.PERMISSION_DENIED),
    ],
)
def test_what_the_service_does_not_take_is_refused(fields: dict[str, Any], code: StatusCode) -> None:
    with TimeSeriesServer() as server, pytest.raises(grpc.RpcError) as raised:
        listed(server, **fields)
    assert raised.value.code() == code
