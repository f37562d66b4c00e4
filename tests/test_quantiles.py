"""Quantiles of histograms, whose buckets are counters."""

from datetime import timedelta

import pytest

from streaming.monitoring.quantiles import Quantile, quantile
from streaming.monitoring.series import BOUND, LABEL, USER_COUNTER, Reading, Series
from tests.monitoring_points import NOW, HandMade

INF = float("inf")
TEN = timedelta(minutes=10)


@pytest.mark.parametrize(
    ("buckets", "share", "bound"),
    [
        ({}, 0.5, None),
        ({0.1: 0.0, 1.0: 0.0}, 0.5, None),
        ({0.1: 1.0}, 0.99, 0.1),
        ({1.0: 50.0, 0.1: 50.0}, 0.5, 0.1),
        ({0.1: 49.0, 1.0: 51.0}, 0.5, 1.0),
        ({0.1: 99.0, 1.0: 0.0, INF: 1.0}, 0.99, 0.1),
        ({0.1: 98.0, 1.0: 0.0, INF: 2.0}, 0.99, INF),
    ],
)
def test_a_quantile_is_the_bound_where_the_share_is_reached(
    buckets: dict[float, float], share: float, bound: float | None
) -> None:
    assert quantile(buckets, share) == bound


def test_what_was_counted_before_the_span_does_not_count() -> None:
    query = Quantile(0.5, Series(USER_COUNTER, f"latency_ms_bucket_{BOUND}"), TEN)
    source = (
        HandMade()
        .add("latency_ms_bucket_1000", [(15, 900.0), (3, 901.0)])
        .add("latency_ms_bucket_above", [(4, 2.0)])
        .add("latency_ms_sum", [(3, 99.0)])
    )
    assert query.readings(source, NOW) == {"": Reading(INF, NOW - timedelta(minutes=3))}


def test_each_model_has_its_own() -> None:
    query = Quantile(0.99, Series(USER_COUNTER, f"model_ms_{LABEL}_bucket_{BOUND}"), TEN)
    source = (
        HandMade()
        .add("model_ms_times5_bucket_10", [(2, 5.0)])
        .add("model_ms_times10_bucket_10", [(2, 5.0)])
        .add("model_ms_times10_bucket_100", [(1, 5.0)])
        .add("model_ms_idle_bucket_100", [(15, 5.0), (1, 5.0)])
    )
    assert query.readings(source, NOW) == {
        "times5": Reading(0.01, NOW - timedelta(minutes=2)),
        "times10": Reading(0.1, NOW - timedelta(minutes=1)),
    }
