"""Silences: nothing is sent in one; what was kept follows in order; no device sends more than it has measured."""

from datetime import timedelta

import numpy as np
import pytest

from producers.devices.silences import Silences
from producers.devices.slots import Floats, Integers
from producers.scenario_parts import Silence

SILENCE = Silence(every=timedelta(seconds=20), lasts=timedelta(seconds=4), burst=timedelta(seconds=2))


def one(joined: float = 0.0) -> Silences:
    return Silences(SILENCE, np.array([joined]), seed=1)


def begin(silences: Silences) -> float:
    """When the first silence of device 0 begins."""
    times = np.arange(0.0, 20.0, 0.001)
    return float(times[np.flatnonzero(sending(silences, times)[1] == 0.0)[0]])


def sending(silences: Silences, times: Floats) -> tuple[Floats, Floats]:
    return silences.sending(np.zeros(len(times), np.int64), times)


def drawn(silences: Silences, times: Floats) -> tuple[Integers, Floats]:
    return silences.candidates(float(times.max())).draw(times, np.random.default_rng(0))


def test_without_silences_everything_is_sent_as_it_is_measured() -> None:
    times = np.array([0.0, 0.3, 17.0])
    measured, weights = Silences(None, np.zeros(1), seed=1).sending(np.zeros(3, np.int64), times)
    assert (measured.tolist(), weights.tolist()) == (times.tolist(), [1.0, 1.0, 1.0])


def test_without_silences_every_device_that_has_joined_is_as_likely() -> None:
    silences = Silences(None, np.array([0.0, 0.0, 5.0, 100.0]), seed=1)
    devices, odds = drawn(silences, np.full(9000, 10.0))
    assert np.bincount(devices) == pytest.approx([3000] * 3, rel=0.06)
    assert odds.tolist() == [1.0] * 9000


def test_after_a_silence_what_was_kept_follows_in_order() -> None:
    silences = one()
    start = begin(silences)
    measured, weights = sending(silences, start + np.array([-0.5, 1.0, 3.9, 4.01, 5.0, 5.99, 6.01, 15.0]))
    assert weights == pytest.approx([1, 0, 0, 3, 3, 3, 1, 1])
    assert measured[3:] - start == pytest.approx([0.03, 3.0, 5.97, 6.01, 15.0], abs=0.01)


def test_a_device_that_joins_in_a_silence_keeps_what_it_measures_from_then_on() -> None:
    start = begin(one())
    silences = one(joined=start + 3.0)
    measured, weights = sending(silences, start + np.array([3.5, 4.5, 5.5]))
    assert weights == pytest.approx([0.0, 1.5, 1.5], abs=0.01)  # three seconds of readings, in two
    assert measured[1:] - start == pytest.approx([3.75, 5.25], abs=0.01)


def test_a_device_that_joins_in_its_burst_has_nothing_to_catch_up_with() -> None:
    start = begin(one())
    times = start + np.array([4.6, 5.9])
    measured, weights = sending(one(joined=start + 4.5), times)
    assert (measured.tolist(), weights.tolist()) == (times.tolist(), [1.0, 1.0])


def test_those_that_catch_up_are_drawn_as_much_more_often_as_they_send() -> None:
    silences = Silences(SILENCE, np.zeros(50), seed=3)
    devices, odds = drawn(silences, np.full(60_000, 33.0))
    _, weights = silences.sending(np.arange(50), np.full(50, 33.0))
    assert odds == pytest.approx(weights[devices])
    assert np.bincount(devices, minlength=50) / 60_000 == pytest.approx(weights / weights.sum(), abs=0.003)


def test_silences_that_follow_at_once_are_understood() -> None:
    back_to_back = Silence(every=timedelta(seconds=3), lasts=timedelta(seconds=2), burst=timedelta(seconds=1))
    silences = Silences(back_to_back, np.zeros(1), seed=1)
    measured, weights = sending(silences, np.arange(10.0, 40.0, 0.01))
    assert set(np.round(weights, 9).tolist()) == {0.0, 3.0}
    assert (np.diff(measured[weights > 0]) > 0).all()
