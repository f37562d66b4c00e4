"""What is shown of a sending, to the letter."""

import io

import pytest
from rich.console import Console

from producers.publishing.progress import PublishProgress, show, show_rate
from producers.publishing.sending import Totals


@pytest.mark.parametrize(
    ("rate", "shown"),
    [
        (0.05, "0.05/s"),
        (0.996, "0.996/s"),
        (0.9999, "1/s"),
        (1.0, "1/s"),
        (7.25, "7.25/s"),
        (99.96, "100/s"),
        (20_000.4, "20,000/s"),
        (0.0, "0/s"),
    ],
)
def test_a_rate(rate: float, shown: str) -> None:
    assert show_rate(rate) == shown


def test_totals_in_words() -> None:
    assert show(Totals(), Totals()) == "0 published"
    assert show(Totals(12_345, 6, 7, 20.0), Totals(2345, 0, 0, 10.0)) == (
        "12,345 published (1,000/s) | 6 refused | 7 under way"
    )


def test_without_a_terminal_a_line_is_written_every_ten_seconds() -> None:
    said = io.StringIO()
    with PublishProgress(None, Console(file=said, width=200)) as progress:
        for second in range(25):
            progress.update(Totals(published=100 * second, seconds=float(second)))
        progress.say("done")
    assert said.getvalue().splitlines() == ["1,000 published (100/s)", "2,000 published (100/s)", "done"]


def test_a_terminal_shows_a_bar_that_goes_away() -> None:
    said = io.StringIO()
    with PublishProgress(200, Console(file=said, width=80, force_terminal=True, color_system=None)) as progress:
        progress.update(Totals(published=100, seconds=1.0))
        progress.say("above")
    assert "100 published (100/s)" in said.getvalue()
    assert "above" in said.getvalue()
