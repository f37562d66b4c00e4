"""A place of predictions: which model has answered which message there, and how much came, in numbers."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from producers.scoring.expected import expect
from producers.scoring.origins import Origin
from producers.scoring.places import Place, came, place
from producers.scoring.scores import Came
from tests.publish_cases import START
from tests.score_cases import SENT, answers, contract, outputs, row, truth

LATER = START + timedelta(seconds=4)
ROWS = [
    row(0, "times5"),
    row(5, "times10"),
    row(0, "times5"),
    row(1, "times10", message_id="x", publish_time=LATER),
    row(1, "times5", model="other"),
    row(6, "times5", message_id="y", prediction_id="y/times5"),
    row(1, "times5", message_id="z", prediction_id="z/times5", publish_time=START - timedelta(hours=1)),
]


def at(*rows: dict[str, Any]) -> Place:
    sent, job = truth(*SENT), contract()
    ((name, table),) = outputs(list(rows), None).places
    return place(name, table, sent, job, expect(sent, job, answers()))


def test_each_row_is_of_a_message_and_a_model() -> None:
    found = at(*ROWS)
    assert (found.name, found.rows.num_rows) == ("table", 7)
    assert found.messages.tolist() == [0, 5, 0, 1, 1, -1, -1]
    assert found.models.tolist() == [0, 1, 0, 1, -1, 0, 0]
    own = [Origin.OWN] * 3
    assert found.origins.kinds.tolist() == [*own, Origin.REPLAYED, Origin.OWN, Origin.UNCONFIRMED, Origin.FOREIGN]


def test_what_has_come_and_what_has_come_again() -> None:
    found = at(*ROWS)
    assert [cell.tolist() for cell in found.came.nonzero()] == [[0, 1, 5], [0, 1, 1]]
    assert found.again.nonzero()[0].tolist() == [1]


def test_the_first_row_of_each_answer() -> None:
    first = at(*ROWS).first_rows()
    assert first.tolist() == [[0, -1], [-1, 3], *[[-1, -1]] * 3, [-1, 1], *[[-1, -1]] * 3]


def test_what_came_is_counted() -> None:
    assert came(at(*ROWS), not_compared=3) == Came(
        "table",
        predictions={"other": 1, "times10": 2, "times5": 2},
        repeated=1,
        unconfirmed=1,
        replayed=1,
        not_compared=3,
        foreign=1,
    )


def test_nothing_came() -> None:
    assert came(at(), not_compared=0) == Came("table", predictions={})
