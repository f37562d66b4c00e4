"""A row is of the message whose id it has, or of the one that it names; what may be of another is told apart."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pyarrow as pa
import pytest

from producers.scoring.expected import expect
from producers.scoring.origins import Origin, Origins, of_dead_letters, of_predictions
from producers.scoring.outputs import DEAD_LETTER
from streaming.batches import ORIGINAL_ID
from tests.publish_cases import START
from tests.score_cases import SENT, answers, contract, letter, outputs, payload, row, truth

TRUTH = truth(*SENT)
EXPECTED = expect(TRUTH, contract(), answers())
FIRST, LAST = row(0, "times5"), row(5, "times5")
LATER = START + timedelta(seconds=4)


def predictions(*rows: dict[str, Any], timed: bool = True) -> Origins:
    ((_, table),) = outputs(list(rows), None).places
    return of_predictions(table, TRUTH, EXPECTED, timed=timed)


def dead_letters(*rows: dict[str, Any]) -> Origins:
    return of_dead_letters(pa.Table.from_pylist(list(rows), DEAD_LETTER), TRUTH, EXPECTED)


def replay(number: int) -> list[tuple[str, str]]:
    return [(ORIGINAL_ID, f"m{number}")]


@pytest.mark.parametrize(
    ("made", "origin"),
    [
        (row(1, "times5"), (1, Origin.OWN)),
        (row(1, "times5", message_id="x", publish_time=LATER), (1, Origin.REPLAYED)),
        (row(1, "times5", message_id="x"), (-1, Origin.NONE)),
        (row(8, "times5", message_id="x"), (8, Origin.UNCONFIRMED)),
        (row(6, "times5", message_id="x", prediction_id="x/times5"), (-1, Origin.UNCONFIRMED)),
        (row(1, "times5", message_id="x", prediction_id="x/times5"), (-1, Origin.NONE)),
        (
            row(1, "times5", message_id="x", prediction_id="x/times5", publish_time=START - timedelta(hours=1)),
            (-1, Origin.FOREIGN),
        ),
    ],
)
def test_a_prediction_is_of_a_message(made: dict[str, Any], origin: tuple[int, Origin]) -> None:
    found = predictions(FIRST, made, LAST)
    assert found.messages.tolist() == [0, origin[0], 5]
    assert found.kinds.tolist() == [Origin.OWN, origin[1], Origin.OWN]


def test_without_event_times_the_key_tells_that_a_row_may_be_of_a_doubtful_message() -> None:
    made = row(0, "times5", message_id="x", prediction_id="x/times5")
    assert predictions(FIRST, made, LAST).kinds.tolist() == [Origin.OWN, Origin.NONE, Origin.OWN]
    assert predictions(FIRST, made, LAST, timed=False).kinds.tolist() == [Origin.OWN, Origin.UNCONFIRMED, Origin.OWN]


def test_where_no_row_is_of_a_known_message_the_run_s_time_tells_what_is_foreign() -> None:
    made = [
        row(1, "times5", message_id="x", prediction_id="x/times5", publish_time=START + timedelta(seconds=seconds))
        for seconds in (-61, -59, 69, 71)
    ]
    assert predictions(*made).kinds.tolist() == [Origin.FOREIGN, Origin.NONE, Origin.NONE, Origin.FOREIGN]


@pytest.mark.parametrize(
    ("made", "origin"),
    [
        (letter(3, "event_time"), (3, Origin.OWN)),
        (letter(3, "decode", message_id="x", attributes=[("a", "m5"), *replay(3)]), (3, Origin.REPLAYED)),
        (letter(3, "decode", message_id="x"), (-1, Origin.NONE)),
        (letter(3, "decode", message_id="x", payloadBytes=payload(6)), (-1, Origin.UNCONFIRMED)),
        (letter(3, "decode", message_id="x", timestamp=START - timedelta(hours=1)), (-1, Origin.FOREIGN)),
    ],
)
def test_a_dead_letter_is_of_a_message(made: dict[str, Any], origin: tuple[int, Origin]) -> None:
    found = dead_letters(letter(2, "decode"), made, letter(4, "infer:times5"))
    assert found.messages.tolist() == [2, origin[0], 4]
    assert found.kinds.tolist() == [Origin.OWN, origin[1], Origin.OWN]


def test_which_kinds_are_known_and_which_are_of_the_run() -> None:
    every = Origins(*(pa.array(range(5)).to_numpy() for _ in range(2)))
    assert every.known.tolist() == [True, True, False, False, False]
    assert every.of_run.tolist() == [True, True, True, False, False]
    assert every.are(Origin.FOREIGN).tolist() == [False, False, False, True, False]
