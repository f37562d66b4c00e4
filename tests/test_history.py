"""Counters in time: what is kept of them, and that it gives the figures it should."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import numpy as np
import pytest

from streaming.local.history import DENSE, KEPT, SPARSE_STEP, History
from streaming.local.totals import Counted
from streaming.monitoring.quantiles import Quantile
from streaming.monitoring.queries import Growth, Latest, Rate
from streaming.monitoring.series import BOUND, LABEL, USER_COUNTER, Points, Reading, Series, Unavailable
from tests.local_snapshots import START, after

READ = Series(USER_COUNTER, "messages_read")
PREDICTIONS = Series(USER_COUNTER, f"predictions_{LABEL}")
LATENCY = Series(USER_COUNTER, f"latency_ms_bucket_{BOUND}")
TEN_MINUTES = timedelta(minutes=10)


def counted(fine: dict[str, int] | None = None, **counters: int) -> Counted:
    return Counted(Counter(counters), Counter(fine or {}))


def steady(seconds: int, per_second: int = 100) -> History:
    """A history of so many seconds, in which messages come at a steady rate."""
    history = History(START)
    for second in range(seconds + 1):
        history.add(after(second), counted(messages_read=per_second * second))
    return history


def test_a_counter_is_zero_until_it_is_counted_for_the_first_time() -> None:
    history = History(START)
    history.add(after(0), counted(messages_read=1))
    history.add(after(1), counted(messages_read=2, predictions_a=1))
    history.add(after(2), counted(messages_read=4, predictions_a=3, predictions_b=0))
    assert history.points(READ, START) == [Points([(after(0), 1), (after(1), 2), (after(2), 4)], "messages_read")]
    assert history.points(PREDICTIONS, START) == [
        Points([(after(0), 0), (after(1), 1), (after(2), 3)], "predictions_a"),
        Points([(after(0), 0), (after(1), 0), (after(2), 0)], "predictions_b"),
    ]
    assert history.points(READ, after(2)) == [Points([(after(2), 4)], "messages_read")]


def test_what_is_old_is_thinned_and_what_is_older_is_forgotten() -> None:
    seconds = 3600
    ((values, _),) = [(points.values, points.counter) for points in steady(seconds).points(READ, START)]
    ages = [seconds - (at - START).total_seconds() for at, _ in values]
    dense = int(DENSE.total_seconds())
    assert ages[-dense - 1 :] == [*range(dense, -1, -1)]
    assert set(-np.diff(ages[: -dense - 1])) == {SPARSE_STEP.total_seconds()}
    assert KEPT.total_seconds() - SPARSE_STEP.total_seconds() < ages[0] <= KEPT.total_seconds()
    assert [value for _, value in values] == [100 * (seconds - age) for age in ages]


def test_rates_and_growths_of_what_was_thinned_are_those_of_the_counter() -> None:
    history = steady(3600)
    assert Rate(READ, timedelta(seconds=10)).readings(history, after(3600)) == {"": Reading(100.0, after(3600))}
    growth = Growth(READ, TEN_MINUTES).readings(history, after(3600))[""]
    assert growth == Reading(pytest.approx(60_000, abs=100 * SPARSE_STEP.total_seconds()), after(3600))


def test_quantiles_are_told_from_the_fine_buckets_and_shares_from_the_wide_ones() -> None:
    history = History(START)
    history.add(after(0), counted())
    fine = {"latency_ms_bucket_101": 98, "latency_ms_bucket_206": 1, "latency_ms_bucket_above": 1}
    history.add(after(1), counted(fine, latency_ms_bucket_1000=99, latency_ms_bucket_above=1))
    quantiles = [Quantile(share, LATENCY, TEN_MINUTES).readings(history, after(1))[""].value for share in (0.5, 0.99)]
    assert (quantiles, Quantile(0.999, LATENCY, TEN_MINUTES).readings(history, after(1))[""].value) == (
        [0.101, 0.206],
        float("inf"),
    )
    wide = Growth(Series(USER_COUNTER, "latency_ms_bucket_.+"), TEN_MINUTES)
    assert wide.readings(history, after(1)) == {"": Reading(100, after(1))}


def test_a_clock_that_is_set_back_leaves_no_times_that_are_yet_to_come() -> None:
    history = steady(100)
    history.add(after(30), counted(messages_read=10_100))
    (points,) = history.points(READ, START)
    assert points.values[-2:] == [(after(20), 2000), (after(30), 10_100)]


def test_memory_stays_small() -> None:
    history = History(START)
    names = [f"counter_{number}" for number in range(500)]
    for second in range(0, 3600, 2):
        history.add(after(second), counted(**dict.fromkeys(names, second)))
    kept = sum(len(points.values) for points in history.points(Series(USER_COUNTER, ".+"), START))
    assert kept * np.dtype(np.int64).itemsize < 1_000_000


def test_what_this_machine_measures() -> None:
    history = steady(90)
    values = {
        name: Latest(Series(f"dataflow.googleapis.com/job/{name}"), TEN_MINUTES).readings(history, after(90))[""].value
        for name in ("elapsed_time", "is_failed")
    }
    assert values == {"elapsed_time": 90.0, "is_failed": 0.0}
    vcpus = Latest(Series("dataflow.googleapis.com/job/current_num_vcpus"), TEN_MINUTES)
    assert vcpus.readings(history, after(90))[""].value >= 1


@pytest.mark.parametrize(
    "metric",
    ["dataflow.googleapis.com/job/data_watermark_age", "pubsub.googleapis.com/subscription/num_unacked_messages"],
)
def test_what_googles_services_measure_is_not_known(metric: str) -> None:
    with pytest.raises(Unavailable, match=r"^backlog, oldest wait and watermark are not known on this machine$"):
        steady(1).points(Series(metric), START)


def test_before_the_first_look_there_is_nothing() -> None:
    history = History(START)
    series = [READ, LATENCY, Series("dataflow.googleapis.com/job/elapsed_time")]
    assert [history.points(each, START) for each in series] == [[], [], []]
