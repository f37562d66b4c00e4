"""What must come of each message and model follows from what was sent and from what the models answer offline."""

from __future__ import annotations

from dataclasses import replace

import pytest

from producers.scoring.expected import Expected, consulted, deciding, expect
from streaming.batches import model_column
from streaming.wiring import ModelPlan, Selection
from tests.score_cases import AFTER_TIMES5, IF_HIGH, SENT, TIMES5, TIMES10, answer, answers, contract, message, truth

COLUMN = model_column("times5")
COLUMNS, NONE = frozenset([COLUMN]), frozenset[str]()


def of(*models: ModelPlan) -> Expected:
    """Of one message that `times5` must reject."""
    sent = truth(message(0, rejected_by=["times5"]))
    return expect(sent, contract(*models), answers(*(answer(0, plan.name) for plan in models)))


def test_each_message_is_to_be_answered_rejected_or_dead() -> None:
    found = expect(truth(*SENT), contract(), answers())
    assert found.models == ("times5", "times10")
    assert found.confirmed.tolist() == [True] * 6 + [False, False, True]
    assert found.doubtful.tolist() == [False] * 6 + [True, False, True]
    assert found.dead.tolist() == [False, False, True, True] + [False] * 5
    assert found.rejected.tolist() == [[number == 4] * 2 for number in range(9)]
    assert found.answered.tolist() == [[number in (0, 1, 5, 8)] * 2 for number in range(9)]
    none = [-1, -1]
    assert found.answers.tolist() == [[0, 4], [1, 5], none, none, [8, 9], [2, 6], none, none, [3, 7]]


def test_a_confirmed_message_is_known_by_the_id_that_it_declares_or_else_by_its_own() -> None:
    sent = truth(message(0, id="a"), message(1), message(2, id="c", status="unknown", message_id=None))
    offline = answers(answer(0, "times5"), answer(1, "times5"))
    assert expect(sent, contract(), offline).ids.to_pylist() == ["a", "m1", None]


@pytest.mark.parametrize(
    ("second", "is_answered"),
    [
        (TIMES10, True),
        (AFTER_TIMES5, False),
        (IF_HIGH, False),
        (replace(TIMES10, takes=Selection(fed_by=(COLUMN,), at_least=0)), True),
        (replace(TIMES10, takes=Selection(unless=(IF_HIGH.takes,))), True),
    ],
)
def test_a_model_is_not_asked_without_the_answers_that_it_needs(second: ModelPlan, is_answered: bool) -> None:
    found = of(TIMES5, second)
    assert found.rejected.tolist() == [[True, False]]
    assert found.answered.tolist() == [[False, is_answered]]


@pytest.mark.parametrize(
    ("plan", "every", "some"),
    [
        (TIMES10, NONE, NONE),
        (AFTER_TIMES5, COLUMNS, NONE),
        (IF_HIGH, COLUMNS, COLUMNS),
        (replace(TIMES10, takes=Selection(unless=(IF_HIGH.takes,))), COLUMNS, COLUMNS),
    ],
)
def test_the_columns_that_a_model_hangs_on(plan: ModelPlan, every: frozenset[str], some: frozenset[str]) -> None:
    assert (consulted(plan), deciding(plan)) == (every, some)
