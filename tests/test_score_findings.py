"""Findings are all counted, in the order of their kinds, and only the first few of each are put into words."""

from __future__ import annotations

import numpy as np

from producers.scoring.findings import About, Findings
from producers.scoring.scores import EXAMPLES, Finding, Kind


def about(number: int) -> About:
    return f"m{number}", "times5", f"row {number}"


def finding(kind: Kind, place: str, number: int) -> Finding:
    return Finding(kind, place, f"m{number}", "times5", f"row {number}")


def test_where_nothing_is_found() -> None:
    found = Findings()
    found.add(Kind.LOST, "-", np.array([], np.int64), about)
    assert (found.counts, found.examples) == ({}, [])


def test_kinds_come_in_their_own_order_whichever_was_found_first() -> None:
    found = Findings()
    found.add(Kind.NEVER_SENT, "table", np.array([4]), about)
    found.add(Kind.LOST, "-", np.array([7, 2]), about)
    assert list(found.counts.items()) == [(Kind.LOST, 2), (Kind.NEVER_SENT, 1)]
    assert found.examples == [
        finding(Kind.LOST, "-", 7),
        finding(Kind.LOST, "-", 2),
        finding(Kind.NEVER_SENT, "table", 4),
    ]


def test_all_of_a_kind_are_counted_and_the_first_are_kept_whatever_their_places() -> None:
    found, asked = Findings(), []

    def heard(number: int) -> About:
        asked.append(number)
        return about(number)

    found.add(Kind.WRONG_KEY, "table", np.arange(EXAMPLES - 1), heard)
    found.add(Kind.WRONG_KEY, "messages", np.arange(100, 1100), heard)
    found.add(Kind.WRONG_KEY, "messages", np.array([5000]), heard)
    assert found.counts == {Kind.WRONG_KEY: EXAMPLES + 1000}
    assert found.examples == [
        *(finding(Kind.WRONG_KEY, "table", number) for number in range(EXAMPLES - 1)),
        finding(Kind.WRONG_KEY, "messages", 100),
    ]
    assert asked == [*range(EXAMPLES - 1), 100]


def test_what_a_finding_is_about_may_be_unknown() -> None:
    found = Findings()
    found.add(Kind.MISSING_DEAD_LETTER, "dead letters", np.array([0]), lambda number: (None, None, ""))
    assert found.examples == [Finding(Kind.MISSING_DEAD_LETTER, "dead letters", None)]
