"""What must have come and has not is told once, for what it is."""

from __future__ import annotations

import pytest

from producers.scoring.expected import expect
from producers.scoring.findings import Findings
from producers.scoring.generations import generations
from producers.scoring.letters import check_letters
from producers.scoring.losses import check_losses
from producers.scoring.places import place
from producers.scoring.scores import Finding, Kind
from tests.score_cases import (
    SENT,
    STAGE_DECODE,
    Rows,
    answers,
    contract,
    letter,
    letters,
    of,
    outputs,
    row,
    rows,
    truth,
)

INSTEAD = f"{STAGE_DECODE}; answered by times5, times10"
REJECT = "the model must reject it"


def losses(table: Rows, dead: Rows, messages: Rows | None = None) -> list[Finding]:
    """What is missing, of `SENT`."""
    sent, job, offline = truth(*SENT), contract(), answers()
    expected, out, found = expect(sent, job, offline), outputs(table, dead, messages), Findings()
    assert out.dead_letters is not None
    said = check_letters(out.dead_letters, sent, job, expected, Findings())
    places = [place(name, each, sent, job, expected) for name, each in out.places]
    check_losses(places, expected, said, generations(places[0], job, expected, offline), found)
    return list(found.examples)


def without(made: Rows, number: int, model: str | None = None) -> Rows:
    return [each for each in made if not of(each, number, model)]


def test_where_all_has_come_nothing_is_missing() -> None:
    assert losses(rows(), letters()) == []
    assert losses(rows(), letters(), rows()) == []


@pytest.mark.parametrize(
    ("table", "dead", "missing"),
    [
        (without(rows(), 1, "times5"), letters(), [Finding(Kind.LOST, "-", "m1", "times5")]),
        (rows(), without(letters(), 2), [Finding(Kind.LOST, "-", "m2", None, STAGE_DECODE)]),
        (
            [*rows(), row(2, "times5"), row(2, "times10")],
            without(letters(), 2),
            [Finding(Kind.MISSING_DEAD_LETTER, "dead letters", "m2", None, INSTEAD)],
        ),
        (rows(), [*without(letters(), 2), letter(2, "event_time")], []),
        (rows(), without(letters(), 4, "times10"), [Finding(Kind.LOST, "-", "m4", "times10", REJECT)]),
        (
            [*rows(), row(4, "times10")],
            without(letters(), 4, "times10"),
            [Finding(Kind.MISSING_DEAD_LETTER, "dead letters", "m4", "times10", REJECT)],
        ),
        (without(rows(), 1, "times5"), [*letters(), letter(1, "infer:times5")], []),
        (without(rows(), 1), [*letters(), letter(1, "window")], []),
    ],
)
def test_what_is_missing_is_told_for_what_it_is(table: Rows, dead: Rows, missing: list[Finding]) -> None:
    assert losses(table, dead) == missing


def test_what_is_missing_at_one_of_two_places() -> None:
    some = without(rows(), 5, "times10")
    among = "it is among the output messages"
    assert losses(rows(), letters(), some) == [Finding(Kind.MISSING_MESSAGE, "messages", "m5", "times10")]
    assert losses(some, letters(), rows()) == [Finding(Kind.LOST, "table", "m5", "times10", among)]
    assert losses(some, letters(), some) == [Finding(Kind.LOST, "-", "m5", "times10")]
