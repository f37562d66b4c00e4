"""The verdict and the numbers of a report, as they are written."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from producers.report.words import cut, moment, number, percentile, period, printable, summary, verdict
from producers.scoring.scores import Kind
from tests.scored import GOOD, NAN, NOTHING, START, WRONG


def test_the_verdict_counts_what_is_wrong_by_kind() -> None:
    assert verdict(GOOD) == "Every message is accounted for."
    assert verdict(WRONG) == "1,008 things are wrong: 1,007 lost, 1 wrong key."
    assert verdict(replace(GOOD, wrong={Kind.OTHER_ID: 1})) == (
        "1 thing is wrong: 1 repeated under another prediction_id."
    )


def test_a_run_that_sent_nothing_is_not_said_to_be_accounted_for() -> None:
    assert verdict(replace(NOTHING, sent=replace(NOTHING.sent, ending="completed"))) == (
        "No message was sent, so there is nothing to account for."
    )


def test_the_verdict_begins_with_a_truth_that_is_cut_off() -> None:
    cut_off = "The truth file is cut off: it has no end, and later messages may not be in it."
    assert verdict(NOTHING) == f"{cut_off} No message was sent, so there is nothing to account for."
    wrong = replace(WRONG, sent=replace(WRONG.sent, ending="cut off"))
    assert verdict(wrong) == f"{cut_off} 1,008 things are wrong: 1,007 lost, 1 wrong key."


def test_dead_letters_that_nobody_looked_at_are_not_accounted_for() -> None:
    assert verdict(replace(GOOD, knows_dead_letters=False)) == (
        "Every message that must be answered is; the dead letters were not looked at."
    )


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0.0, "0"),
        (0.931251, "0.931"),
        (850.55, "851"),
        (12_345.67, "12,346"),
        (-1e12, "-1e+12"),
        (1e-7, "1e-07"),
        (float("inf"), "inf"),
        (NAN, "-"),
    ],
)
def test_a_number_is_written_with_the_digits_that_count(value: float, written: str) -> None:
    assert number(value) == written


def test_figures_of_quality_have_a_digit_more() -> None:
    assert [number(value, 4) for value in (0.995512, 22.2992, 7_111.14, 12_345.67)] == [
        *("0.9955", "22.3", "7,111", "12,346"),
    ]


def test_a_summary_says_what_went_in_and_came_out() -> None:
    assert summary(GOOD) == (
        "4,000 messages were sent; 7,842 predictions of 2 models and 40 dead letters came out. "
        "Half of the predictions came within 0.1 s, 99 % within 2.08 s."
    )
    assert summary(WRONG) == ("1,000,000 messages were sent; 999,000 predictions of 1 model came out.")
    assert summary(replace(WRONG, came=[])) == "1,000,000 messages were sent; nothing came out."
    assert summary(NOTHING) == ""


def test_percentiles_have_their_usual_names() -> None:
    assert [percentile(percent) for percent in (50, 99.0, 99.9, 100)] == ["p50", "p99", "p99.9", "slowest"]


def test_what_a_terminal_would_obey_is_written_out() -> None:
    assert printable("a\nb\x1b[2J\x00 ポンプ \ud800") == r"a\nb\x1b[2J\x00 ポンプ \ud800"


def test_a_text_that_is_too_long_is_cut() -> None:
    assert [cut("abcd", 4), cut("abcde", 4), cut("ab\n", 4)] == ["abcd", "abc…", r"ab\n"]


def test_a_moment_is_written_in_utc() -> None:
    assert moment(datetime(2026, 3, 1, 1, 0, 0, 900_000, timezone(timedelta(hours=2)))) == "2026-02-28 23:00:00 UTC"


def test_a_period_names_the_day_of_its_end_where_it_is_another() -> None:
    assert period(START, START + timedelta(seconds=29.97)) == "2026-03-01 12:00:00 to 12:00:29 UTC, 30 s"
    assert period(START, START + timedelta(days=1)) == "2026-03-01 12:00:00 to 2026-03-02 12:00:00 UTC, 86,400 s"
