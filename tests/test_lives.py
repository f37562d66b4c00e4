"""The lives of devices: wear before a failure, repairs, and the same lives whoever asks first."""

from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from producers.devices.lives import STATE, Condition, Lives
from producers.devices.slots import Integers
from producers.scenario_parts import Life

HOUR = 3600.0
MODES = {"bearing": 3.0, "seal": 1.0}


def life(**parts: Any) -> Life:
    usual: dict[str, Any] = {"mean": timedelta(hours=100), "downtime": timedelta(hours=8), "modes": MODES}
    return Life(**(usual | parts))


def devices(*numbers: int) -> Integers:
    return np.array(numbers, np.int64)


def at(lives: Lives, *hours: float) -> Condition:
    """How device 0 is at these hours."""
    return lives.at(np.zeros(len(hours), np.int64), np.array(hours) * HOUR)


def hours_to_failure(lives: Lives, after: float = 0.0) -> float:
    return float(at(lives, after).left[0] / HOUR)


def test_wear_begins_at_the_onset_rises_as_its_power_and_is_one_at_the_failure() -> None:
    lives = Lives(life(spread=0.0, onset=0.6, exponent=2.0), 1, seed=1)
    born = hours_to_failure(lives) + 8
    condition = at(lives, born, born + 60, born + 80, born + 100 - 1e-9)
    assert condition.wear == pytest.approx([0.0, 0.0, 0.25, 1.0])
    assert condition.age / HOUR == pytest.approx([0.0, 60.0, 80.0, 100.0])
    assert condition.left / HOUR == pytest.approx([100.0, 40.0, 20.0, 0.0], abs=1e-6)


def test_a_repair_follows_a_failure_and_leaves_the_device_as_good_as_new() -> None:
    lives = Lives(life(spread=0.0), 1, seed=1)
    failure = hours_to_failure(lives)
    hours = np.array([failure - 1e-6, failure + 1e-6, failure + 8 - 1e-6, failure + 8 + 1e-6])
    assert lives.working(np.zeros(4, np.int64), hours * HOUR).tolist() == [True, False, False, True]
    condition = at(lives, failure + 4)
    assert (condition.age.tolist(), condition.wear.tolist()) == ([0.0], [0.0])
    assert condition.left / HOUR == pytest.approx([104.0])


def test_the_mode_is_one_for_a_whole_life() -> None:
    lives = Lives(life(), 50, seed=4)
    everyone = np.arange(50)
    start = np.zeros(50)
    now = lives.at(everyone, start)
    just_before = lives.at(everyone, now.left - 1.0)
    assert just_before.modes.tolist() == now.modes.tolist()


def test_lengths_and_modes_are_distributed_as_the_scenario_says() -> None:
    lives = Lives(life(spread=0.3), 4000, seed=5)
    everyone, failure = np.arange(4000), Lives(life(spread=0.3), 4000, seed=5).at(np.arange(4000), np.zeros(4000)).left
    born = lives.at(everyone, failure + 8 * HOUR + 1e-3)
    lengths = born.left / HOUR
    assert lengths.mean() == pytest.approx(100, rel=0.02)  # four standard errors
    assert lengths.std() == pytest.approx(30, rel=0.05)
    assert (born.modes == 0).mean() == pytest.approx(0.75, abs=0.03)


def test_devices_start_at_any_age() -> None:
    condition = Lives(life(spread=0.0), 4000, seed=6).at(np.arange(4000), np.zeros(4000))
    histogram, _ = np.histogram(condition.age / HOUR, bins=4, range=(0, 100))
    assert histogram == pytest.approx([1000] * 4, rel=0.12)


def test_the_lives_do_not_depend_on_who_asks_first() -> None:
    early, late = Lives(life(), 3, seed=2), Lives(life(), 3, seed=2)
    late.at(devices(2), np.array([5000 * HOUR]))
    times = np.array([0.0, 700.0, 4900.0]) * HOUR
    one, other = early.at(devices(0, 1, 2), times), late.at(devices(0, 1, 2), times)
    assert early.state(one) == late.state(other)


def test_another_seed_has_other_lives() -> None:
    assert hours_to_failure(Lives(life(), 1, seed=1)) != hours_to_failure(Lives(life(), 1, seed=2))


def test_a_life_is_at_least_a_hundredth_of_the_mean() -> None:
    lives = Lives(life(spread=1.0), 10_000, seed=3)
    everyone = np.arange(10_000)
    failure = lives.at(everyone, np.zeros(10_000)).left
    lengths = lives.at(everyone, failure + 8 * HOUR + 1e-3).left / HOUR
    assert lengths.min() == pytest.approx(1.0, rel=1e-4)


def test_the_state_is_what_the_condition_is_in_words_and_hours() -> None:
    lives = Lives(life(), 1, seed=1)
    state = lives.state(Condition(np.zeros(2), np.array([HOUR, 1800.0]), np.array([0.0, 0.5]), devices(1, 0)))
    assert state.schema == STATE
    assert state.to_pylist() == [
        {"wear": 0.0, "hours_to_failure": 1.0, "mode": "seal"},
        {"wear": 0.5, "hours_to_failure": 0.5, "mode": "bearing"},
    ]
