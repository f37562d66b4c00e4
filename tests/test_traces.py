"""Which devices are shown, and how much of them."""

import dataclasses
from datetime import timedelta

import pyarrow as pa

from producers.scenario import QualityCheck
from producers.scoring.expected import expect
from producers.scoring.places import place
from producers.scoring.scores import Trace
from producers.scoring.traces import DEVICES, POINTS, qualities, traces, unknown_checks
from producers.truth import Truth
from tests.score_cases import START, TIMES5, answer, answers, contract, message, outputs, row, truth

JOB = contract(TIMES5)
RISK = QualityCheck(model="times5", column="prediction", state="wear", below=0.5)


def traced(sent: Truth, predictions: dict[int, float]) -> list[Trace]:
    keys = sent.messages["key"].to_pylist()
    offline = answers(*(answer(number, "times5") for number in range(len(keys))))
    made = [row(number, "times5", key=keys[number], prediction=each) for number, each in predictions.items()]
    table = outputs(made, []).table
    assert table is not None
    expected = expect(sent, JOB, offline)
    return list(traces(sent, place("table", table, sent, JOB, expected), JOB, expected, offline))


def test_without_a_check_predictions_are_shown_beside_the_offline_ones() -> None:
    (shown,) = traced(truth(message(0), message(1), message(2)), {2: 101.0, 0: 1.0})
    times = [START + timedelta(seconds=number, milliseconds=-500) for number in (0, 2)]
    assert shown == Trace("device-0", "times5", "prediction", "run offline", times, [1.0, 101.0], [0.0, 100.0])


def test_a_risk_is_shown_beside_what_was_so() -> None:
    states = [{"wear": wear, "hours_to_failure": 1.0, "mode": "seal"} for wear in (0.4, 0.6, 0.5)]
    sent = truth(*(message(number, key="a", state=state) for number, state in enumerate(states)), quality=(RISK,))
    (shown,) = traced(sent, {0: 0.9, 1: 0.1, 2: 0.2})
    assert (shown.state, shown.predicted, shown.true) == ("wear below 0.5", [0.9, 0.1, 0.2], [1.0, 0.0, 0.0])


def test_the_devices_that_vary_the_most_are_shown() -> None:
    sent = truth(*(message(number, key=f"d{number % 6}") for number in range(12)))
    ranges = [5.0, 60.0, 40.0, 1.0, 50.0, 30.0]
    predictions = {number: ranges[number % 6] * (number // 6) for number in range(12)}
    assert [each.key for each in traced(sent, predictions)] == ["d1", "d4", "d2", "d5"]
    assert DEVICES == 4


def test_a_straggler_does_not_make_a_device_lively() -> None:
    sent = truth(*(message(number, key="steady" if number % 2 else "lively") for number in range(80)))
    predictions = {number: 1.0 if number % 2 else float(number) for number in range(80)}
    assert [each.key for each in traced(sent, {**predictions, 79: 1000.0})] == ["lively", "steady"]


def test_a_long_course_is_thinned_out_from_end_to_end() -> None:
    count = 2 * POINTS
    sent = truth(*(message(number, key="a") for number in range(count)))
    (shown,) = traced(sent, {number: float(number) for number in range(count)})
    assert (len(shown.times), shown.predicted[0], shown.predicted[-1]) == (POINTS, 0.0, count - 1.0)


def test_checks_that_the_models_cannot_be_held_to_are_named() -> None:
    others = [RISK.model_copy(update={"model": "times7"}), RISK.model_copy(update={"column": "label"})]
    assert list(unknown_checks(truth(message(1), quality=(RISK, *others)), JOB)) == [
        "times7.prediction (the job has no such model)",
        "times5.label (the model has no such output, or it is not a number)",
    ]


def test_a_fleet_that_does_not_wear_has_no_quality() -> None:
    sent = truth(message(1), quality=(RISK,))
    healthy = dataclasses.replace(sent, messages=sent.messages.drop_columns(["state"]))
    table = outputs([row(1, "times5")], []).table
    assert isinstance(table, pa.Table)
    there = place("table", table, healthy, JOB, expect(healthy, JOB, answers(answer(1, "times5"))))
    assert list(qualities(healthy, there, JOB)) == []
