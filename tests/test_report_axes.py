"""The units that axes of time count in."""

from __future__ import annotations

import pytest

from producers.report.axes import unit


@pytest.mark.parametrize(
    ("seconds", "counted"),
    [
        (0.0, ("seconds", 1)),
        (120.0, ("seconds", 1)),
        (121.0, ("minutes", 60)),
        (7201.0, ("hours", 3600)),
        (200_000.0, ("days", 86_400)),
    ],
)
def test_a_unit_is_counted_more_than_twice(seconds: float, counted: tuple[str, int]) -> None:
    assert unit(seconds) == counted
