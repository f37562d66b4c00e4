"""Latency by the nearest rank, and figures over time."""

from datetime import timedelta

import pytest

from producers.scoring.expected import expect
from producers.scoring.letters import no_letters
from producers.scoring.places import Place, place
from producers.scoring.scores import Latency
from producers.scoring.timing import STEPS, latency, series
from producers.truth import Truth
from tests.score_cases import START, TIMES5, answers, contract, message, outputs, row, truth

JOB = contract(TIMES5)
NO_ANSWERS = answers().slice(0, 0)


def of_latencies(*seconds: float) -> tuple[Truth, Place]:
    sent = truth(*(message(number) for number in range(len(seconds))))
    made = [
        row(number, "times5", processed_at=START + timedelta(seconds=number + each))
        for number, each in enumerate(seconds)
    ]
    table = outputs(made, []).table
    assert table is not None
    return sent, place("table", table, sent, JOB, expect(sent, JOB, NO_ANSWERS))


def test_percentiles_are_latencies_that_were_there() -> None:
    _, rows = of_latencies(*(each / 100 for each in range(1, 201)))
    found = latency(rows)
    assert found.percentiles == {50.0: 1.0, 90.0: 1.8, 95.0: 1.9, 99.0: 1.98, 99.9: 2.0, 100.0: 2.0}
    assert (found.bounds[0], found.bounds[-1]) == (pytest.approx(0.01), pytest.approx(10**0.4))
    assert sum(found.counts) == 200


def test_the_histogram_has_ten_bounds_for_each_power_of_ten() -> None:
    _, rows = of_latencies(0.1, 0.1, 0.9)
    found = latency(rows)
    assert found.bounds == pytest.approx([10 ** (each / 10) for each in range(-10, 1)])
    assert found.counts == [2, 0, 0, 0, 0, 0, 0, 0, 0, 1]


def test_a_latency_below_zero_is_a_percentile_and_in_the_first_step_of_the_histogram() -> None:
    _, rows = of_latencies(-1.0)
    found = latency(rows)
    assert (found.percentiles[50.0], found.counts, found.bounds[0]) == (-1.0, [1], 0.001)


def test_without_predictions_there_is_no_latency() -> None:
    sent, rows = of_latencies()
    assert latency(rows) == Latency({}, (), ())
    empty = series(sent, rows, no_letters(expect(sent, JOB, NO_ANSWERS)))
    assert (empty.step, empty.published, empty.predicted) == (1.0, [0.0], [0.0])


@pytest.mark.parametrize(("span", "step"), [(119.0, 1.0), (121.0, 2.0), (3600.0, 60.0), (86400.0, 1200.0)])
def test_a_long_run_has_few_steps(span: float, step: float) -> None:
    sent, rows = of_latencies(span)
    found = series(sent, rows, no_letters(expect(sent, JOB, NO_ANSWERS)))
    assert (found.step, found.start) == (step, START)
    assert len(found.published) == len(found.predicted) == len(found.dead_letters) <= STEPS
    assert (found.published[0], found.predicted[-1]) == (1 / step, 1 / step)


def test_what_an_earlier_clock_says_is_in_the_first_step() -> None:
    sent, rows = of_latencies(-5.0)
    found = series(sent, rows, no_letters(expect(sent, JOB, NO_ANSWERS)))
    assert found.predicted == [1.0]
