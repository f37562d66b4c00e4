"""The verdict and the numbers of a report, as they are written."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from producers.report.words import cut, moment, number, percentile, printable, verdict
from producers.scoring.scores import Kind
from tests.scored import GOOD, NAN, NOTHING, WRONG


def test_the_verdict_counts_what_is_wrong_by_kind() -> None:
    assert verdict(GOOD) == "Every message is accounted for."
    assert verdict(WRONG) == "1,008 things are wrong: 1,007 lost, 1 wrong key."
    assert verdict(replace(GOOD, wrong={Kind.OTHER_ID: 1})) == (
        "1 thing is wrong: 1 repeated under another prediction_id."
    )


def test_a_run_that_sent_nothing_is_not_said_to_be_accounted_for() -> None:
    assert verdict(NOTHING) == "No message was sent, so there is nothing to account for."


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0.0, "0"),
        (0.931251, "0.9313"),
        (850.55, "850.5"),
        (12_345.67, "12,346"),
        (-1e12, "-1e+12"),
        (1e-7, "1e-07"),
        (float("inf"), "inf"),
        (NAN, "-"),
    ],
)
def test_a_number_is_written_with_the_digits_that_count(value: float, written: str) -> None:
    assert number(value) == written


def test_percentiles_have_their_usual_names() -> None:
    assert [percentile(percent) for percent in (50, 99.0, 99.9, 100)] == ["p50", "p99", "p99.9", "slowest"]


def test_what_a_terminal_would_obey_is_written_out() -> None:
    assert printable("a\nb\x1b[2J\x00 ポンプ \ud800") == r"a\nb\x1b[2J\x00 ポンプ \ud800"


def test_a_text_that_is_too_long_is_cut() -> None:
    assert [cut("abcd", 4), cut("abcde", 4), cut("ab\n", 4)] == ["abcd", "abc…", r"ab\n"]


def test_a_moment_is_written_in_utc() -> None:
    assert moment(datetime(2026, 3, 1, 1, 0, 0, 900_000, timezone(timedelta(hours=2)))) == "2026-02-28 23:00:00 UTC"
