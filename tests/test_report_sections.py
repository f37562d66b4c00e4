"""What the sections of a report are computed from."""

from __future__ import annotations

import pytest

from producers.report.sections import findings, mean_and_peak
from tests.scored import WRONG


@pytest.mark.parametrize(
    ("figures", "mean", "peak"),
    [([0.0, 0.0, 30.0, 0.0, 10.0, 20.0, 0.0], 15.0, 30.0), ([5.0], 5.0, 5.0), ([0.0, 0.0], 0.0, 0.0), ([], 0.0, 0.0)],
)
def test_the_mean_leaves_out_the_time_before_and_after(figures: list[float], mean: float, peak: float) -> None:
    assert mean_and_peak(figures) == (mean, peak)


def test_findings_say_how_many_more_there_are_than_examples() -> None:
    lost, wrong_key = findings(WRONG, most=7)
    assert (lost.title, lost.note) == ("1,007 lost: neither a prediction nor a dead letter", "and 1,000 more")
    assert (lost.head, lost.rows) == (["message"], [[f"1{number}"] for number in range(7)])
    assert (wrong_key.title, wrong_key.note) == ("1 wrong key", "")
