"""Signals: what each key of a scenario's signal does to the values."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from producers.devices.lives import Condition
from producers.devices.signals import Moment, SignalValues
from producers.devices.slots import Slots
from producers.scenario_parts import Signal

DAY = 86_400.0
MODES = ("bearing", "seal")


def moment(
    count: int = 1, *, devices: Any = 0, times: Any = 0.0, first: int = 100, condition: Condition | None = None
) -> Moment:
    numbers, zeros = np.arange(first, first + count), np.zeros(count)
    slots = Slots(numbers, zeros, np.broadcast_to(devices, count).astype(np.int64), zeros, zeros)
    return Moment(slots, np.broadcast_to(times, count).astype(np.float64), condition)


def worn(age: float, wear: float, mode: int) -> Condition:
    return Condition(np.array([age]), np.array([1.0]), np.array([wear]), np.array([mode]))


def values(at: Moment, seed: int = 1, name: str = "x", devices: int = 1000, **signal: Any) -> pa.Array:
    return SignalValues(name, Signal(**signal), MODES, devices, seed).at(at)


def numbers(at: Moment, **signal: Any) -> list[float]:
    array = values(at, **signal)
    assert array.type == pa.float64()
    return array.to_pylist()


def test_a_base_alone_is_the_value() -> None:
    assert numbers(moment(3), base=20.5) == [20.5] * 3


def test_devices_differ_by_the_spread_and_each_stays_as_it_is() -> None:
    everyone = numbers(moment(1000, devices=np.arange(1000)), base=20.0, spread=2.0)
    assert (np.mean(everyone), np.std(everyone)) == pytest.approx((20.0, 2.0), rel=0.05)
    later = moment(1000, devices=np.arange(1000), first=5000, times=DAY)
    assert numbers(later, base=20.0, spread=2.0) == everyone


def test_noise_differs_from_reading_to_reading() -> None:
    readings = numbers(moment(4000), base=20.0, noise=2.0)
    assert (np.mean(readings), np.std(readings)) == pytest.approx((20.0, 2.0), rel=0.05)


def test_a_day_is_warmest_at_three_in_the_afternoon_and_begins_at_midnight() -> None:
    hours = np.array([3, 9, 15, 21, 39])
    assert numbers(moment(5, times=hours * 3600), base=20.0, daily=4.0) == pytest.approx([16, 20, 24, 20, 24])


def test_drift_is_of_each_day_since_the_repair() -> None:
    at = moment(times=50 * DAY, condition=worn(age=3 * DAY, wear=0.0, mode=0))
    assert numbers(at, base=20.0, drift=-0.5) == [18.5]
    assert numbers(moment(times=4 * DAY), base=20.0, drift=-0.5) == [18.0]


def test_wear_adds_what_its_mode_says() -> None:
    wear = {"bearing": 8.0}
    assert numbers(moment(condition=worn(0.0, 0.25, mode=0)), base=20.0, wear=wear) == [22.0]
    assert numbers(moment(condition=worn(0.0, 0.25, mode=1)), base=20.0, wear=wear) == [20.0]


def test_age_is_in_its_unit() -> None:
    at = moment(condition=worn(age=1.5 * DAY, wear=0.0, mode=0))
    assert [numbers(at, age=unit) for unit in ("s", "m", "h", "d")] == [[129_600.0], [2160.0], [36.0], [1.5]]


def test_uniform_values_lie_between_both_numbers() -> None:
    readings = numbers(moment(4000), uniform=(1.0, 5.0))
    assert np.histogram(readings, 4, (1.0, 5.0))[0] == pytest.approx([1000] * 4, rel=0.12)
    assert (min(readings) >= 1.0, max(readings) <= 5.0) == (True, True)


def test_a_choice_is_a_text_for_each_device_once_for_all() -> None:
    everyone = values(moment(1000, devices=np.arange(1000)), choice={"a": 3.0, "b": 1.0})
    assert everyone.type == pa.string()
    assert everyone.to_pylist().count("a") == pytest.approx(750, abs=55)
    assert values(moment(1000, devices=np.arange(1000), first=7), choice={"a": 3.0, "b": 1.0}) == everyone


def test_values_are_rounded_and_raised_to_the_least() -> None:
    assert numbers(moment(2, times=np.array([15, 3]) * 3600), base=1.0, daily=2.56, digits=1, at_least=0.25) == [
        3.6,
        0.25,
    ]


def test_a_share_of_readings_is_missing() -> None:
    assert values(moment(4000), base=1.0, missing=0.2).null_count == pytest.approx(800, abs=100)
    assert values(moment(4000), choice={"a": 1.0}, missing=0.2).null_count == pytest.approx(800, abs=100)
    assert values(moment(4), base=1.0, missing=1.0).to_pylist() == [None] * 4


def test_the_first_readings_of_the_run_are_as_the_scenario_says() -> None:
    signal: dict[str, Any] = {"base": 1.0, "missing": 1.0, "digits": 0, "first": (105.5, 108.0, 9.0)}
    assert numbers(moment(4, first=0), **signal) == [105.5, 108.0, 9.0, None]
    assert numbers(moment(2, first=2), **signal) == [9.0, None]


def test_values_depend_on_the_seed_the_signals_name_and_the_block_alone() -> None:
    noisy: dict[str, Any] = {"base": 0.0, "noise": 1.0}
    drawn = values(moment(5), **noisy)
    assert values(moment(5), **noisy) == drawn
    others = [
        values(moment(5), seed=2, **noisy),
        values(moment(5), name="y", **noisy),
        values(moment(5, first=9), **noisy),
    ]
    assert drawn not in others


def test_a_block_of_no_messages_has_no_values() -> None:
    assert values(moment(0), base=1.0) == pa.array([], pa.float64())
