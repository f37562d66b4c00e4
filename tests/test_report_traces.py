"""Predictions beside the truth: what is drawn, what is left out, and what the notes say of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from producers.report.axes import BLUE, GREY, Plot
from producers.report.traces import POINTS, plot_traces
from producers.scoring.scores import Trace
from tests.plots_read import element, texts
from tests.scored import GOOD, NAN, START


def plot(seconds: Sequence[float], predicted: Sequence[float], true: Sequence[float], state: str = "wear") -> Plot:
    times = [START + timedelta(seconds=each) for each in seconds]
    (one,) = plot_traces(replace(GOOD, traces=[Trace("p", "risk", "failure", state, times, predicted, true)]))
    return one


def dots(plot: Plot, color: str = BLUE) -> int:
    """How many markers have that colour, but for the legend's."""
    count = sum(each.tag == "use" and color in each.attrib["style"] for each in element(plot).iter())
    return max(0, count - 1)


def test_a_trace_has_a_dot_for_each_prediction_that_is_a_number() -> None:
    first, alone = plot_traces(GOOD)
    assert (first.title, first.note) == ("pump-0001: failure of risk", "Truth: wear.")
    assert element(first).attrib["aria-label"] == "Predictions as dots on the truth. Messages: 4."
    assert texts(first) == [
        *("0", "10", "20", "30", "40", "50", "60", "event time: minutes after 2026-03-01 12:00:00 UTC"),
        *("0", "0.25", "0.5", "0.75", "1", "failure", "truth", "prediction"),
    ]
    assert [dots(first), dots(alone)] == [3, 1]


def test_a_state_is_a_line_and_other_truths_are_rings() -> None:
    seconds, figures = [0.0, 1.0, 2.0], [5.0, 1.0, 3.0]
    drawn = [plot(seconds, figures, figures, state) for state in ("wear", "run offline")]
    assert [dots(each, GREY) for each in drawn] == [0, 3]


def test_an_empty_trace_has_nothing_to_show() -> None:
    assert texts(plot([], [], [])) == ["nothing to show"]


def test_a_small_error_looks_small_because_the_axis_holds_zero() -> None:
    assert texts(plot([0, 1], [140.0, 150.0], [150.0, 150.0]))[-7:-2] == ["0", "50", "100", "150", "failure"]
    assert texts(plot([0, 1], [-2.0, NAN], [-1.0, -1.0]))[-8:-2] == ["-2", "-1.5", "-1", "-0.5", "0", "failure"]


def test_messages_from_far_away_are_left_out_and_counted() -> None:
    seconds = [-7200.0, *map(float, range(30)), 300.0]
    figures = [0.5] * 32
    shown = plot(seconds, figures, figures, "hours_to_failure below 24")
    assert dots(shown) == 30
    assert shown.note == (
        "Truth: 1 while hours_to_failure is below 24, else 0. Left out: 2 of 32 messages, measured far from the others."
    )
    assert "event time: seconds after 2026-03-01 12:00:00 UTC" in texts(shown)


def test_a_long_trace_is_thinned_and_says_so() -> None:
    figures = [float(number) for number in range(2 * POINTS + 1)]
    shown = plot(figures, figures, figures)
    assert shown.note == "Truth: wear. Drawn: 267 of 801 messages."
    assert dots(shown) == 267
