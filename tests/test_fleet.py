"""The fleet as a whole: pure, the same in every process, and what it says fits how it is."""

import hashlib
import subprocess
import sys
from datetime import timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from producers.devices.fleet import Fleet
from producers.devices.lives import STATE
from producers.scenario import Scenario

PUMPS: dict[str, Any] = {
    "job": "job.yaml",
    "fleet": {
        "devices": 20,
        "names": "pump-{:03}",
        "speed": 3600.0,
        "joining": "5s",
        "silence": {"every": "30s", "lasts": "5s"},
        "clock_spread": "100ms",
        "life": {"mean": "300h", "modes": {"bearing": 2, "seal": 1}},
    },
    "signals": {
        "vibration": {"base": 2.0, "spread": 0.3, "noise": 0.1, "wear": {"bearing": 4.0}},
        "temperature": {"base": 50.0, "daily": 3.0, "wear": {"seal": 20.0}, "digits": 1},
        "hours": {"age": "h"},
        "kind": {"choice": {"P1": 1, "P2": 1}, "missing": 0.1},
    },
}
PLAIN: dict[str, Any] = {"job": "job.yaml", "signals": {"value": {"uniform": [1, 1000], "first": [105, 108]}}}


def fleet(document: dict[str, Any], seed: int = 7, rate: float = 50.0) -> Fleet:
    return Fleet(Scenario.model_validate(document), seed, rate)


def digest() -> str:
    """Of all that is said of one block in the middle of a run."""
    pumps = fleet(PUMPS)
    slots = pumps.slots(12_345, 500)
    said, state = pumps.measure(slots)
    assert state is not None
    arrays = (slots.numbers, slots.due, slots.devices, slots.measured, slots.clocks)
    whole = [*(array.tobytes() for array in arrays), repr(said.to_pydict()).encode(), repr(state.to_pydict()).encode()]
    return hashlib.sha256(b"".join(whole)).hexdigest()


def test_devices_have_names() -> None:
    assert fleet(PUMPS).names[:2] == ("pump-000", "pump-001")
    assert len(fleet(PUMPS).names) == 20


def test_another_process_makes_the_same_messages() -> None:
    code = "from tests.test_fleet import digest; print(digest())"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert other.stdout.strip() == digest()


def test_a_block_is_the_same_whatever_was_asked_before() -> None:
    used, fresh = fleet(PUMPS), fleet(PUMPS)
    used.measure(used.slots(100_000, 50))
    used.measure(used.slots(0, 50))
    assert used.measure(used.slots(1000, 50)) == fresh.measure(fresh.slots(1000, 50))


def test_signals_and_state_have_their_types() -> None:
    pumps = fleet(PUMPS)
    said, state = pumps.measure(pumps.slots(0, 100))
    kinds = [("vibration", pa.float64()), ("temperature", pa.float64()), ("hours", pa.float64()), ("kind", pa.string())]
    assert said.schema == pa.schema(kinds)
    assert state is not None
    assert state.schema == STATE


def test_a_fleet_without_life_has_no_state() -> None:
    readings = fleet(PLAIN)
    said, state = readings.measure(readings.slots(0, 3))
    assert state is None
    assert said.column("value").to_pylist()[:2] == [105.0, 108.0]


def test_a_block_of_no_messages_has_no_rows() -> None:
    said, state = fleet(PUMPS).measure(fleet(PUMPS).slots(0, 0))
    assert state is not None
    assert (said.num_rows, state.num_rows) == (0, 0)


def test_what_devices_say_follows_from_how_they_are() -> None:
    pumps = fleet(PUMPS)
    slots = pumps.slots(0, 40_000)
    said, state = pumps.measure(slots)
    assert state is not None
    wear, hot = state.column("wear").to_numpy(), np.array(state.column("mode").to_pylist()) == "seal"
    daily = 3 * np.cos(2 * np.pi * (slots.measured * 3600 / timedelta(days=1).total_seconds() - 15 / 24))
    temperature = 50 + daily + 20 * wear * hot
    assert said.column("temperature").to_numpy() == pytest.approx(temperature, abs=0.05 + 1e-9)
    left = state.column("hours_to_failure").to_numpy()
    assert wear[left < 1].min() > 0.95
    assert wear[left > 500].max() == 0.0


def test_a_reading_that_was_kept_is_of_when_it_was_measured() -> None:
    pumps = fleet(PUMPS)
    slots = pumps.slots(5000, 20_000)
    kept = slots.due - slots.measured > 1
    assert kept.any()
    hours = pumps.measure(slots)[0].column("hours").to_numpy()
    for device in range(20):
        own = (slots.devices == device) & (slots.measured > 0)
        times, ages = slots.measured[own], hours[own]
        same_life = np.diff(ages) > 0
        assert np.diff(ages)[same_life] == pytest.approx(np.diff(times)[same_life], abs=1e-6)  # an hour in a second
