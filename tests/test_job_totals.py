"""The totals of a job are its committed counters, and looks at them become time series."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from google.cloud.dataflow_v1beta3 import MetricStructuredName, MetricUpdate
from google.protobuf.struct_pb2 import Value

from streaming.dataflow.jobs import Jobs, Place
from streaming.dataflow.monitor.totals import History, Totals, ask_totals
from streaming.monitoring.figures import ALL_PREDICTIONS, DEAD_LETTER_SHARE, INPUT_RATE, PREDICTION_RATE
from streaming.monitoring.series import Points, Reading, Series, Unavailable
from tests.monitor_cases import Cloud, counter

PLACE = Place("my-project", "europe-west4")
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=1)


class Watched:
    """A history as the source of a job that began to count at some time."""

    def __init__(self, began: datetime, **looks: Mapping[str, float]) -> None:
        """Looks as `s20={...}`: so many seconds ago."""
        self._began = began
        self._history = History()
        for name, counters in looks.items():
            at = NOW - timedelta(seconds=int(name.removeprefix("s")))
            self._history.add(Totals(at, {("Decode", counter): value for counter, value in counters.items()}))

    def points(self, series: Series, since: datetime) -> list[Points]:
        return list(self._history.points(series, NOW, self._began))


def test_only_committed_counters_of_ours_are_told(services: Cloud) -> None:
    named = MetricStructuredName(
        origin="user", name="latency", context={"namespace": "pubsub_inference", "step": "Decode"}
    )
    sums = Value(struct_value={"fields": {"count": Value(number_value=3), "sum": Value(number_value=12)}})
    job_id = services.add(
        metrics=[
            [
                counter("messages_read", 1200),
                counter("messages_read", 1350, tentative=True),
                counter("num_inferences", 1200, namespace="BeamML_TF_Tensor"),
                MetricUpdate(name=MetricStructuredName(origin="dataflow/v1b3", name="TotalVcpuTime"), scalar=9),
                MetricUpdate(name=named, kind="Distribution", distribution=sums),
                MetricUpdate(name=named, kind="Gauge", gauge=Value(number_value=7)),
                counter("dead_letters_decode", 3, "WriteDeadLetters"),
                counter("dead_letters_decode", 2, "Another"),
                counter("dead_letters_infer_times5", 1, "WriteDeadLetters"),
            ]
        ],
        measured=[services.now],
    )
    totals = ask_totals(Jobs(PLACE), job_id)
    assert totals == Totals(
        services.now,
        {
            ("Decode", "messages_read"): 1200.0,
            ("WriteDeadLetters", "dead_letters_decode"): 3.0,
            ("Another", "dead_letters_decode"): 2.0,
            ("WriteDeadLetters", "dead_letters_infer_times5"): 1.0,
        },
    )
    assert totals.dead_letters() == {"decode": 5, "infer_times5": 1}


def test_two_looks_make_a_rate() -> None:
    watched = Watched(LONG_AGO, s20={"messages_read": 5000}, s0={"messages_read": 7000})
    assert INPUT_RATE.query.readings(watched, NOW) == {"": Reading(100.0, NOW)}
    assert PREDICTION_RATE.query.readings(watched, NOW) == {}


def test_one_look_makes_none() -> None:
    with pytest.raises(Unavailable, match="a rate takes two points in time"):
        INPUT_RATE.query.readings(Watched(LONG_AGO, s0={"messages_read": 5000}), NOW)


def test_the_same_totals_twice_are_one_look() -> None:
    history = History()
    for _ in range(2):
        history.add(Totals(NOW, {("Decode", "messages_read"): 5000.0}))
    (points,) = history.points(INPUT_RATE.query.series, NOW, LONG_AGO)
    assert points.values == [(LONG_AGO, 0.0), (NOW, 5000.0)]
    assert points.gap == (LONG_AGO, NOW)


def test_of_a_job_that_has_just_begun_everything_is_known_at_once() -> None:
    watched = Watched(NOW - timedelta(seconds=100), s0={"messages_read": 5000, "predictions_times5": 4000})
    assert INPUT_RATE.query.readings(watched, NOW) == {"": Reading(50.0, NOW)}
    assert ALL_PREDICTIONS.query.readings(watched, NOW) == {"": Reading(4000.0, NOW)}


def test_what_ten_minutes_have_counted_takes_ten_minutes_of_watching() -> None:
    counters = {"messages_read": 5000.0, "predictions_times5": 5000.0, "dead_letters_decode": 10.0}
    later = {"messages_read": 8000.0, "predictions_times5": 8000.0, "dead_letters_decode": 40.0}
    with pytest.raises(Unavailable, match="of what was counted before 11:50:10 UTC only the total is known"):
        ALL_PREDICTIONS.query.readings(Watched(LONG_AGO, s590=counters, s0=later), NOW)
    watched = Watched(LONG_AGO, s600=counters, s0=later)
    assert ALL_PREDICTIONS.query.readings(watched, NOW) == {"": Reading(3000.0, NOW)}
    assert DEAD_LETTER_SHARE.query.readings(watched, NOW) == {"": Reading(0.01, NOW)}


def test_old_totals_are_no_totals() -> None:
    for query in (INPUT_RATE.query, ALL_PREDICTIONS.query):
        with pytest.raises(Unavailable, match="Dataflow has measured nothing since 11:50:00 UTC"):
            query.readings(Watched(LONG_AGO, s1500={"messages_read": 1.0}, s600={"messages_read": 2.0}), NOW)


def test_old_looks_are_forgotten() -> None:
    watched = Watched(LONG_AGO, s1900={"messages_read": 1.0}, s600={"messages_read": 2.0}, s0={"messages_read": 3.0})
    (points,) = watched.points(INPUT_RATE.query.series, NOW - timedelta(minutes=20))
    assert [value for _, value in points.values] == [0.0, 2.0, 3.0]
