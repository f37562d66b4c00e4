"""Figures as cells, in the signs that a console knows."""

from __future__ import annotations

import pytest

from streaming.monitoring import figures
from streaming.monitoring.cells import Cells
from streaming.monitoring.figures import Figures
from streaming.monitoring.queries import Growth
from tests.monitoring_points import NOW

CELLS, ASCII = (Cells(Figures(NOW, {}), is_ascii=is_ascii) for is_ascii in (False, True))


@pytest.mark.parametrize(
    ("growth", "shown", "in_ascii"),
    [
        (12.3, "↑ 12/s", "+12/s"),
        (-1.5, "↓ 1.5/s", "-1.5/s"),
        (0.04, "→ 0/s", "+/-0/s"),
        (-0.04, "→ 0/s", "+/-0/s"),
    ],
)
def test_trends(growth: float, shown: str, in_ascii: str) -> None:
    assert (CELLS.trend(growth), ASCII.trend(growth)) == (shown, in_ascii)


@pytest.mark.parametrize(
    ("figure", "value", "shown"),
    [
        (figures.LATENCY_P99, 0.206, "≤ 206 ms"),
        (figures.LATENCY_P99, float("inf"), "> 30 s"),
        (figures.QUEUE_P99, float("inf"), "> 10 s"),
        (figures.MODEL_P50, float("inf"), "> 100 ms"),
    ],
)
def test_bounds_of_quantiles(figure: figures.Figure, value: float, shown: str) -> None:
    assert CELLS.bound(figure, value) == shown


def test_what_moves_the_cursor_or_turns_the_text_is_left_out() -> None:
    text = "a\x1b[2Jb\r\nc\x07 \u202etxet\u2028 é\x9b"
    assert (CELLS.printable(text), ASCII.printable(text)) == ("a [2Jb  c   txet  é ", "a [2Jb  c   txet  ? ")


def test_what_was_never_counted_is_zero_where_it_could_be_asked_for() -> None:
    assert isinstance(figures.GENERATIONS_REFUSED.query, Growth)
    asked = Cells(Figures(NOW, {figures.GENERATIONS_REFUSED.name: {}}), is_ascii=False)
    reading = asked.reading(figures.GENERATIONS_REFUSED, "m")
    assert reading is not None
    assert (reading.value, reading.at) == (0.0, NOW)
    assert CELLS.reading(figures.GENERATIONS_REFUSED, "m") is None
    assert asked.reading(figures.PREDICTION_RATE, "m") is None
