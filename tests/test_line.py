"""A running job on one line, to the letter."""

from __future__ import annotations

from collections import Counter

import pytest

from streaming.local.line import show_figures, show_line
from streaming.local.local_job import IDLE, RUNNING, STARTING, STOPPING, UNANSWERED
from streaming.local.totals import Counted
from streaming.monitoring.figures import Figures
from streaming.monitoring.report import JobHeader, Report
from streaming.monitoring.series import Reading
from streaming.monitoring.verdict import judge
from tests.local_snapshots import START


def known(**values: float | dict[str, float]) -> Figures:
    by_label = {name: value if isinstance(value, dict) else {"": value} for name, value in values.items()}
    return Figures(
        START,
        {name: {label: Reading(each, START) for label, each in values.items()} for name, values in by_label.items()},
    )


COUNTED = Counted(
    Counter(
        messages_read=12_345, predictions_a=12_340, predictions_b=12_350, dead_letters_decode=3, dead_letters_publish=4
    )
)


@pytest.mark.parametrize(
    ("figures", "counted", "line"),
    [
        (known(), Counted(), "messages 0 (-) | predictions 0 (-) | dead letters 0 (-) | latency p50 - p99 -"),
        (
            known(
                input_rate=1234.4,
                prediction_rate={"a": 1234.0, "b": 1235.0},
                dead_letter_rate={"decode": 0.15, "publish": 0.1},
                latency_p50=0.0124,
                latency_p99=0.999,
            ),
            COUNTED,
            "messages 12,345 (1,234/s) | predictions 24,690 (2,469/s) | dead letters 7 (0.2/s)"
            " | latency p50 12 ms p99 999 ms",
        ),
        (
            known(input_rate=0.0, latency_p50=1.0, latency_p99=float("inf")),
            Counted(),
            "messages 0 (0/s) | predictions 0 (-) | dead letters 0 (-) | latency p50 1.0 s p99 over 1 h",
        ),
    ],
)
def test_the_figures(figures: Figures, counted: Counted, line: str) -> None:
    assert show_figures(figures, counted) == line


@pytest.mark.parametrize(
    ("state", "hint"),
    [
        (RUNNING, ""),
        (STARTING, " | starting"),
        (STOPPING, " | stopping"),
        (IDLE, " | no messages are coming in"),
        (UNANSWERED, " | messages in hand are not answered yet"),
    ],
)
def test_why_nothing_comes_in_or_out(state: str, hint: str) -> None:
    report = Report(JobHeader("j", "1", "this machine", state, START), known(), judge(known()))
    figures = "messages 0 (-) | predictions 0 (-) | dead letters 0 (-) | latency p50 - p99 -"
    assert show_line(report, Counted()) == figures + hint
