"""Time series by name."""

from datetime import timedelta

import pytest

from streaming.monitoring.series import BOUND, LABEL, USER_COUNTER, Points, Reading, Series
from tests.monitoring_points import NOW, UNACKED


def counter(pattern: str) -> Series:
    return Series(USER_COUNTER, pattern)


@pytest.mark.parametrize(
    ("series", "pattern", "is_labelled"),
    [
        (Series(UNACKED), "", False),
        (counter("messages_read"), "messages_read", False),
        (counter("predictions_.+"), "predictions_.+", False),
        (counter(f"predictions_{LABEL}"), "predictions_(.+)", True),
        (counter(f"model_ms_{LABEL}_bucket_{BOUND}"), "model_ms_(.+)_bucket_([0-9]+|above)", True),
    ],
)
def test_a_pattern_has_no_names_of_groups(series: Series, pattern: str, is_labelled: bool) -> None:
    assert (series.pattern, series.is_labelled) == (pattern, is_labelled)


@pytest.mark.parametrize(
    ("pattern", "name", "label"),
    [
        (f"predictions_{LABEL}", "predictions_times5", "times5"),
        (f"model_ms_{LABEL}_bucket_{BOUND}", "model_ms_a_b_bucket_100", "a_b"),
        (f"model_ms_{LABEL}_sum", "model_ms_times5_sum", "times5"),
        (f"predictions_{LABEL}", "messages_read", ""),
        ("predictions_.+", "predictions_times5", ""),
    ],
)
def test_a_label_is_a_part_of_the_name(pattern: str, name: str, label: str) -> None:
    assert counter(pattern).label(name) == label


def test_a_subscription_is_told_from_a_job() -> None:
    assert (Series(UNACKED).of_subscription, counter("messages_read").of_subscription) == (True, False)


def test_a_range_is_open_at_its_start() -> None:
    times = [NOW - timedelta(minutes=minutes) for minutes in (3, 2, 1, 0)]
    points = Points([(time, 1.0) for time in times], "messages_read")
    assert points.between(times[0], times[2]) == Points([(times[1], 1.0), (times[2], 1.0)], "messages_read")


def test_readings_are_added_and_the_newer_time_counts() -> None:
    earlier = NOW - timedelta(minutes=1)
    assert Reading(1.0, NOW) + Reading(2.0, earlier) == Reading(3.0, NOW)
