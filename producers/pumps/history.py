"""A plant's history: readings of pumps over thousands of hours, and when and how each pump then failed."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from producers.devices.fleet import Fleet
from producers.scenario import Scenario, with_devices

HOUR = 3600.0
_BLOCK = 10_000


@dataclass(frozen=True)
class Plant:
    """Whose history it is.

    Attributes:
        seed: of its pumps; another seed has other pumps, which fail at other times.
        pumps: how many there are.
        hours: how long they are watched.
        every: hours between two readings of a pump.
    """

    seed: int
    pumps: int
    hours: float
    every: float

    @property
    def readings(self) -> int:
        """How many readings there are of all pumps."""
        return round(self.pumps * self.hours / self.every)


def history(scenario: Scenario, plant: Plant) -> pa.RecordBatch:
    """The readings of a plant with the pumps of `scenario`, oldest first.

    Returns:
        A column for each of the scenario's signals; then the real state: `wear`, `hours_to_failure` and `mode`.
    """
    rate = plant.readings / (plant.hours * HOUR / scenario.fleet.speed)
    fleet = Fleet(with_devices(scenario, plant.pumps), plant.seed, rate)
    blocks = [_block(fleet, first, min(_BLOCK, plant.readings - first)) for first in range(0, plant.readings, _BLOCK)]
    return pa.concat_batches(blocks)


def _block(fleet: Fleet, first: int, count: int) -> pa.RecordBatch:
    signals, state = fleet.measure(fleet.slots(first, count))
    assert state is not None, "the scenario's pumps wear"
    schema = pa.schema([*signals.schema, *state.schema])
    return pa.RecordBatch.from_arrays([*signals.columns, *state.columns], schema=schema)
