"""The rows of a place say of a message and a model what they must say, or each that does not is told."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from producers.scoring.checks import check_rows
from producers.scoring.expected import expect
from producers.scoring.findings import Findings
from producers.scoring.generations import generations
from producers.scoring.letters import no_letters
from producers.scoring.places import place
from producers.scoring.scores import Finding, Kind
from tests.publish_cases import START
from tests.score_cases import SENT, STAGE_DECODE, Rows, answers, contract, outputs, row, rows, truth


def checked(table: Rows) -> tuple[int, list[Finding]]:
    """How many rows were not compared, and what is wrong with the others."""
    sent, job, offline, found = truth(*SENT), contract(), answers(), Findings()
    expected = expect(sent, job, offline)
    ((name, its),) = outputs(table, None).places
    here = place(name, its, sent, job, expected)
    seen = generations(here, job, expected, offline)
    count = check_rows(here, job, expected, offline, no_letters(expected), seen, found)
    return count, list(found.examples)


def changed(**columns: Any) -> Rows:
    """The rows of a run without fault, but for what `times5` says of the message 1."""
    return [{**each, **columns} if each["prediction_id"] == "m1/times5" else each for each in rows()]


def wrong(kind: Kind, detail: str, message_id: str = "m1", model: str = "times5") -> Finding:
    return Finding(kind, "table", message_id, model, detail)


def test_a_run_without_fault() -> None:
    assert checked(rows()) == (0, [])


@pytest.mark.parametrize(
    ("table", "finding"),
    [
        (changed(prediction_id="m1/times6"), wrong(Kind.WRONG_ID, "m1/times6, not m1/times5")),
        (
            [*rows(), row(1, "times5", prediction_id="m1/times6")],
            wrong(Kind.OTHER_ID, "m1/times6, not m1/times5"),
        ),
        (changed(key="device-7"), wrong(Kind.WRONG_KEY, "device-7, not device-1")),
        (
            changed(event_time=START),
            wrong(Kind.WRONG_EVENT_TIME, f"{START:%Y-%m-%dT%H:%M:%SZ}, not {START:%Y-%m-%dT%H:%M}:00.500000Z"),
        ),
        (
            changed(window_end=START + timedelta(minutes=2)),
            wrong(
                Kind.WRONG_WINDOW,
                "{} to {}, not {} to {}".format(
                    *(f"{START + timedelta(minutes=minutes):%Y-%m-%dT%H:%M:%SZ}" for minutes in (0, 2, 0, 1))
                ),
            ),
        ),
        (changed(prediction=51.0), wrong(Kind.WRONG_PREDICTION, "prediction is 51.0, not 50.0")),
        (changed(prediction=None), wrong(Kind.WRONG_PREDICTION, "prediction is None, not 50.0")),
        ([*rows(), row(2, "times5")], wrong(Kind.UNEXPECTED_PREDICTION, STAGE_DECODE, "m2")),
        ([*rows(), row(4, "times5")], wrong(Kind.UNEXPECTED_PREDICTION, "the model must reject it", "m4")),
        (
            [*rows(), row(1, "times5", model="other")],
            wrong(Kind.UNEXPECTED_PREDICTION, "the job has no such model", model="other"),
        ),
        (
            [*rows(), row(1, "times5", message_id="x", prediction_id="x/times5")],
            wrong(Kind.NEVER_SENT, "x/times5", "x"),
        ),
    ],
)
def test_what_is_wrong_with_a_row_is_told(table: Rows, finding: Finding) -> None:
    assert checked(table) == (0, [finding])


def test_the_answers_of_another_generation_are_not_compared() -> None:
    assert checked(changed(model_fingerprint="f2", prediction=51.0)) == (1, [])
