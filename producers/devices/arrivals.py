"""Arrivals: which device sends each message, and when it measured what it sends.

Devices join, go silent, catch up in a burst, and are repaired. Each message is sent by one of those that are there when
it is due: all are equally likely, but for those that catch up, which send more. If none is there, one that has joined
sends all the same, as the rate alone says how many messages there are.
"""

from __future__ import annotations

import numpy as np

from producers.devices.lives import Lives
from producers.devices.seeding import generator
from producers.devices.silences import Silences
from producers.devices.slots import Booleans, Floats, Integers, Slots
from producers.scenario_parts import Devices

_ROUNDS = 32  # of drawing a device that may turn out not to be there, before all of them are looked at
_CELLS = 1_000_000  # most pairs of a message and a device that are looked at together


class Arrivals:
    """The slots of a fleet's messages, any block of them alone.

    Args:
        fleet: the devices.
        lives: of the devices, if they have any.
        seed: of the run.
        rate: messages a second.
    """

    def __init__(self, fleet: Devices, lives: Lives | None, seed: int, rate: float) -> None:
        self._count = fleet.devices
        self._lives = lives
        self._speed = fleet.speed
        self._seed = seed
        self._rate = rate
        joining = fleet.joining.total_seconds() if fleet.joining else 0.0
        self._joined = np.arange(fleet.devices, dtype=np.float64) * (joining / fleet.devices)
        self._silences = Silences(fleet.silence, self._joined, seed)
        spread = fleet.clock_spread.total_seconds() if fleet.clock_spread else 0.0
        self._clocks = generator(seed, "clocks").normal(0.0, spread, fleet.devices)

    def slots(self, first: int, count: int) -> Slots:
        """The slots of `count` messages from number `first`; message i is due after i / rate seconds."""
        numbers = np.arange(first, first + count)
        due = numbers / self._rate
        devices, measured = self._drawn(due, generator(self._seed, "arrivals", first))
        return Slots(numbers, due, devices, measured, self._clocks[devices])

    def _drawn(self, due: Floats, random: np.random.Generator) -> tuple[Integers, Floats]:
        """A device for each message, and when it measured: drawn until it is one that is there."""
        devices, measured = np.zeros(len(due), np.int64), due.copy()
        pending = np.arange(len(due))
        candidates = self._silences.candidates(due.max(initial=0.0))
        for _ in range(_ROUNDS):
            if not len(pending):
                break
            drawn, odds = candidates.draw(due[pending], random)
            measured[pending], weights = self._sending(drawn, due[pending])
            devices[pending] = drawn
            pending = pending[random.random(len(pending)) * odds >= weights]
        step = max(1, _CELLS // self._count)
        for rest in (pending[at : at + step] for at in range(0, len(pending), step)):
            devices[rest], measured[rest] = self._chosen(due[rest], random)
        return devices, measured

    def _chosen(self, due: Floats, random: np.random.Generator) -> tuple[Integers, Floats]:
        """As `_drawn`, by looking at every device for each message."""
        shape = (len(due), self._count)
        everyone, times = np.tile(np.arange(self._count), len(due)), np.repeat(due, self._count)
        measured, weights = (each.reshape(shape) for each in self._sending(everyone, times))
        nobody = ~weights.any(axis=1)
        weights[nobody] = self._joined <= due[nobody, None]
        measured[nobody] = due[nobody, None]
        summed = np.cumsum(weights, axis=1)
        devices = (summed <= random.random((len(due), 1)) * summed[:, -1:]).sum(axis=1)
        return devices, measured[np.arange(len(due)), devices]

    def _sending(self, devices: Integers, due: Floats) -> tuple[Floats, Floats]:
        """When each device measures what it sends at that time, and how much it sends: nothing if it is not there."""
        measured, weights = self._silences.sending(devices, due)
        there = (self._joined[devices] <= due) & self._working(devices, due) & self._working(devices, measured)
        return measured, weights * there

    def _working(self, devices: Integers, times: Floats) -> Booleans:
        if self._lives is None:
            return np.ones(len(times), bool)
        return self._lives.working(devices, times * self._speed)
