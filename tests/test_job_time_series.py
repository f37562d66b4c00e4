"""Cloud Monitoring's time series become points: whole, in order of time, of this job alone."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from google.cloud.monitoring_v3 import ListTimeSeriesRequest
from grpc import StatusCode

from streaming.dataflow.monitor.questions import STALE
from streaming.dataflow.monitor.source import ELAPSED_TIME, IS_FAILED, OF_THE_JOB
from streaming.dataflow.monitor.time_series import MARGIN, Resources, TimeSeries
from streaming.monitoring.figures import RULE_SPAN
from streaming.monitoring.report import Missing
from streaming.monitoring.series import LABEL, USER_COUNTER, Points, Series, Unavailable
from tests.monitor_cases import OLDEST, UNACKED, VCPUS, WATERMARK
from tests.time_series_server import METRICS, TimeSeriesServer, time_series_server

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
JOB = Resources("my-project", "2026-03-01_01-1", "readings", "projects/other-project/subscriptions/readings-sub")
DENIED = (
    "cannot read the time series of my-project: Permission monitoring.timeSeries.list denied (or the resource may not "
    "exist); the caller needs roles/monitoring.viewer on that project"
)
SINCE = NOW - timedelta(minutes=20)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[TimeSeriesServer]:
    monkeypatch.setattr("streaming.service_errors.PATIENCE_SECONDS", 0.05)
    with time_series_server(monkeypatch, "my-project", "other-project") as server:
        yield server


def look(series: TimeSeries, resources: Resources = JOB, now: datetime = NOW, seconds: float = 30) -> TimeSeries:
    series.begin(resources, now)
    series.take(time.monotonic() + seconds)
    return series


def at(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


def test_the_points_are_in_order_of_time_whatever_their_type(server: TimeSeriesServer) -> None:
    labels, place = {"job_id": JOB.job_id}, {"job_name": "readings"}
    server.write(IS_FAILED, [(at(2), False), (at(1), True)], labels, **place)
    server.write(WATERMARK, [(at(3), 7), (at(2), 8), (at(1), 9)], labels, **place)
    series = look(TimeSeries())
    assert series.points(Series(IS_FAILED), SINCE) == [Points([(at(2), 0.0), (at(1), 1.0)])]
    assert series.points(Series(WATERMARK), SINCE) == [Points([(at(3), 7.0), (at(2), 8.0), (at(1), 9.0)])]
    assert series.points(Series(VCPUS), SINCE) == []


def test_counters_are_told_by_their_names_over_all_pages(server: TimeSeriesServer) -> None:
    for model in ("times5", "times10", "times15", "times20"):
        labels = {"job_id": JOB.job_id, "metric_name": f"predictions_{model}", "ptransform": "s1"}
        server.write(USER_COUNTER, [(at(1), 2.0)], labels, job_name="readings")
    others = {"job_id": "2026-02-01_01-1", "metric_name": "predictions_times5", "ptransform": "s1"}
    server.write(USER_COUNTER, [(at(1), 1000.0)], others, job_name="readings")
    series = look(TimeSeries())
    of_models = series.points(Series(USER_COUNTER, f"predictions_{LABEL}"), SINCE)
    assert [(each.counter, each.values) for each in of_models] == [
        (f"predictions_{model}", [(at(1), 2.0)]) for model in ("times5", "times10", "times15", "times20")
    ]
    assert series.points(Series(USER_COUNTER, "predictions_times"), SINCE) == []


def test_each_metric_is_asked_for_once_over_the_time_that_figures_look_at(server: TimeSeriesServer) -> None:
    look(TimeSeries())
    of_job = (
        'resource.type = "dataflow_job" AND resource.labels.job_name = "readings" AND '
        f'metric.labels.job_id = "{JOB.job_id}"'
    )
    of_subscription = 'resource.type = "pubsub_subscription" AND resource.labels.subscription_id = "readings-sub"'
    longest = 2 * RULE_SPAN
    asked = {each.filter: (each.name, NOW - MARGIN - each.interval.start_time) for each in server.requests}
    assert asked == {
        f'metric.type = "{USER_COUNTER}" AND {of_job}': ("projects/my-project", longest),
        f'metric.type = "{IS_FAILED}" AND {of_job}': ("projects/my-project", longest),
        f'metric.type = "{ELAPSED_TIME}" AND {of_job}': ("projects/my-project", longest),
        f'metric.type = "{VCPUS}" AND {of_job}': ("projects/my-project", longest),
        f'metric.type = "{WATERMARK}" AND {of_job}': ("projects/my-project", longest),
        f'metric.type = "{UNACKED}" AND {of_subscription}': ("projects/other-project", longest),
        f'metric.type = "{OLDEST}" AND {of_subscription}': ("projects/other-project", longest),
    }
    assert len(server.requests) == len(METRICS)
    assert {(each.interval.end_time, each.view) for each in server.requests} == {
        (NOW, ListTimeSeriesRequest.TimeSeriesView.FULL)
    }


def test_what_is_known_from_elsewhere_is_not_asked_for(server: TimeSeriesServer) -> None:
    series = TimeSeries()
    series.begin(JOB, NOW, OF_THE_JOB)
    series.take(time.monotonic() + 30)
    assert len(server.requests) == len(METRICS) - len(OF_THE_JOB)
    with pytest.raises(Unavailable, match="it was not asked for"):
        series.points(Series(IS_FAILED), SINCE)


def test_without_a_subscription_the_rest_is_known(server: TimeSeriesServer) -> None:
    server.write(VCPUS, [(at(1), 4)], {"job_id": "id"})
    series = look(TimeSeries(), Resources("my-project", "id"))
    assert series.points(Series(VCPUS), SINCE) == [Points([(at(1), 4.0)])]
    with pytest.raises(Unavailable, match="nobody knows which subscription the job reads"):
        series.points(Series(UNACKED), SINCE)
    assert series.missing() == [
        Missing("the subscription", "nobody knows which subscription the job reads"),
        Missing(
            "Cloud Monitoring", "it has no newer points of data_watermark_age, elapsed_time, is_failed, user_counter"
        ),
    ]


def test_points_that_are_too_old_for_figures_are_told_with_their_time(server: TimeSeriesServer) -> None:
    labels, place = {"job_id": JOB.job_id}, {"job_name": "readings"}
    server.write(USER_COUNTER, [(at(15), 1.0), (at(9.9), 2.0)], {**labels, "metric_name": "messages_read"}, **place)
    server.write(USER_COUNTER, [(at(15), 1.0)], {**labels, "metric_name": "predictions_x"}, **place)
    server.write(UNACKED, [(at(12), 5)], subscription_id="readings-sub")
    for metric in (VCPUS, WATERMARK, IS_FAILED, ELAPSED_TIME):
        server.write(metric, [(at(9.9), 5)], labels, **place)
    assert look(TimeSeries()).missing() == [
        Missing("Cloud Monitoring", "it has no newer points of num_unacked_messages_by_region", at(12)),
        Missing("Cloud Monitoring", "it has no newer points of oldest_unacked_message_age_by_region"),
    ]


def test_what_is_refused_for_all_is_told_once(server: TimeSeriesServer) -> None:
    server.projects = ("other-project",)
    series = look(TimeSeries())
    with pytest.raises(Unavailable) as raised:
        series.points(Series(USER_COUNTER, "messages_read"), SINCE)
    assert str(raised.value) == DENIED
    assert series.points(Series(UNACKED), SINCE) == []
    assert series.missing()[:1] == [Missing("Cloud Monitoring", DENIED)]


def test_one_metric_that_is_slow_holds_up_no_other(server: TimeSeriesServer) -> None:
    server.write(VCPUS, [(at(1), 4)], {"job_id": JOB.job_id}, job_name="readings")
    go_on = server.hold(WATERMARK)
    series = look(TimeSeries(), seconds=0.5)
    assert series.points(Series(VCPUS), SINCE) == [Points([(at(1), 4.0)])]
    with pytest.raises(Unavailable, match="no answer yet; it is waited for"):
        series.points(Series(WATERMARK), SINCE)
    go_on.set()


def test_points_are_used_for_a_while_after_the_service_has_fallen_silent(server: TimeSeriesServer) -> None:
    server.write(WATERMARK, [(at(1), 4)], {"job_id": JOB.job_id}, job_name="readings")
    series = look(TimeSeries())
    server.fail(StatusCode.UNAVAILABLE, "The service is currently unavailable.", times=1000)
    asked_at = datetime.now(UTC)  # answers bear the time of the clock
    look(series, now=asked_at)
    assert series.points(Series(WATERMARK), SINCE) == [Points([(at(1), 4.0)])]
    look(series, now=asked_at + STALE + timedelta(minutes=1))
    with pytest.raises(Unavailable) as raised:
        series.points(Series(WATERMARK), SINCE)
    where = f"is the server of MONITORING_EMULATOR_HOST={server.host} there?"
    told = f"cannot read the time series of my-project: The service is currently unavailable; {where}"
    assert str(raised.value) == told
