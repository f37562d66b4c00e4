"""Numbers, rates and times as people read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from streaming.monitoring.amounts import (
    show_byte_rate,
    show_count,
    show_rate,
    show_seconds,
    show_share,
    show_time,
)

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(("count", "shown"), [(None, "-"), (0, "0"), (0.4, "0"), (1234567, "1,234,567")])
def test_counts(count: float | None, shown: str) -> None:
    assert show_count(count) == shown


@pytest.mark.parametrize(
    ("rate", "shown"),
    [(None, "-"), (0, "0/s"), (0.25, "0.2/s"), (9.94, "9.9/s"), (9.96, "10/s"), (1234.4, "1,234/s"), (-2, "-2.0/s")],
)
def test_rates(rate: float | None, shown: str) -> None:
    assert show_rate(rate) == shown


@pytest.mark.parametrize(
    ("rate", "shown"),
    [
        (None, "-"),
        (0, "0 B/s"),
        (999, "999 B/s"),
        (1000, "1.0 kB/s"),
        (12_345, "12.3 kB/s"),
        (2.5e6, "2.5 MB/s"),
        (7e12, "7000.0 GB/s"),
    ],
)
def test_rates_of_bytes(rate: float | None, shown: str) -> None:
    assert show_byte_rate(rate) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (None, "-"),
        (0, "0 ms"),
        (0.0124, "12 ms"),
        (1, "1.0 s"),
        (10, "10 s"),
        (119, "119 s"),
        (120, "2 min"),
        (7199, "120 min"),
        (7200, "2.0 h"),
        (864_000_00, "24,000.0 h"),
    ],
)
def test_spans_of_time(seconds: float | None, shown: str) -> None:
    assert show_seconds(seconds) == shown


@pytest.mark.parametrize(("share", "shown"), [(None, "-"), (0, "0 %"), (0.924, "92 %"), (1, "100 %")])
def test_shares(share: float | None, shown: str) -> None:
    assert show_share(share) == shown


@pytest.mark.parametrize(
    ("time", "shown"),
    [
        (NOW, "12:00:00"),
        (NOW - timedelta(hours=23), "13:00:00"),
        (NOW - timedelta(days=1), "2026-02-28 12:00:00"),
        (NOW + timedelta(seconds=1), "2026-03-01 12:00:01"),
        (NOW.astimezone(timezone(timedelta(hours=9))), "12:00:00"),
    ],
)
def test_times_of_day_are_of_utc(time: datetime, shown: str) -> None:
    assert show_time(time, NOW) == shown
