"""The fleet: which device sends each message, what it has measured, and how it really is."""

from __future__ import annotations

import pyarrow as pa

from producers.devices.arrivals import Arrivals
from producers.devices.lives import Lives
from producers.devices.signals import Moment, SignalValues
from producers.devices.slots import Slots
from producers.scenario import Scenario


class Fleet:
    """The devices of a scenario, as pure functions: the same arguments give the same answers, in any order of calls.

    Blocks that begin and end elsewhere have other random numbers, so ask for the same ones again.

    Args:
        scenario: what the fleet is like.
        seed: of everything random; 0 or more.
        rate: messages a second; above 0.
    """

    def __init__(self, scenario: Scenario, seed: int, rate: float) -> None:
        fleet = scenario.fleet
        self.names = tuple(fleet.names.format(device) for device in range(fleet.devices))
        self._speed = fleet.speed
        self._lives = Lives(fleet.life, fleet.devices, seed) if fleet.life else None
        self._arrivals = Arrivals(fleet, self._lives, seed, rate)
        modes = self._lives.modes if self._lives else ()
        self._signals = {
            name: SignalValues(name, signal, modes, fleet.devices, seed) for name, signal in scenario.signals.items()
        }

    def slots(self, first: int, count: int) -> Slots:
        """Who sends the `count` messages from number `first`, and when."""
        return self._arrivals.slots(first, count)

    def measure(self, slots: Slots) -> tuple[pa.RecordBatch, pa.RecordBatch | None]:
        """What the devices say in these slots, and how they really are.

        Returns:
            A column for each signal of the scenario, float64 or string, null where it is missing; and the columns of
            `producers.devices.lives.STATE`, or None for a fleet that does not wear.
        """
        times = slots.measured * self._speed
        condition = self._lives.at(slots.devices, times) if self._lives else None
        moment = Moment(slots, times, condition)
        said = pa.RecordBatch.from_pydict({name: signal.at(moment) for name, signal in self._signals.items()})
        return said, self._lives.state(condition) if self._lives and condition else None
