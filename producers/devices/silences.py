"""Silences: devices out of contact keep what they measure, and send it in a burst when they are back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from producers.devices.seeding import generator
from producers.devices.slots import Floats, Integers
from producers.scenario_parts import Silence


@dataclass(frozen=True)
class _Cycle:
    """A `Silence` in seconds of the run; a burst follows it."""

    every: float
    lasts: float
    burst: float

    @property
    def gain(self) -> float:
        """How many times as much a device sends in a burst as at other times."""
        return (self.lasts + self.burst) / self.burst


_NEVER = _Cycle(every=1.0, lasts=0.0, burst=1.0)  # in a silence of no length nothing is kept


class Silences:
    """When the devices of a fleet are silent: each from its own moment on, again and again.

    Args:
        silence: how often, and how long; None for devices that never are.
        joined: when each device joins, in seconds of the run.
        seed: of the run.
    """

    def __init__(self, silence: Silence | None, joined: Floats, seed: int) -> None:
        self._cycle = _cycle(silence) if silence else _NEVER
        self._joined = joined
        self._begins = generator(seed, "silences").uniform(0.0, self._cycle.every, len(joined))
        self._order = np.argsort(self._begins, kind="stable")

    def candidates(self, until: float) -> Candidates:
        """The devices that have joined until then."""
        devices = self._order[self._joined[self._order] <= until]
        return Candidates(devices, self._begins[devices], self._cycle)

    def sending(self, devices: Integers, due: Floats) -> tuple[Floats, Floats]:
        """When each device measures what it sends at that time, and how much it sends: 1 is usual, 0 in a silence.

        A device that joins in a silence keeps what it measures from then on.
        """
        cycle = self._cycle
        begun = due - np.mod(due - self._begins[devices], cycle.every)
        back, end = begun + cycle.lasts, begun + cycle.lasts + cycle.burst
        kept_since = np.maximum(begun, self._joined[devices])
        bursting = (back <= due) & (due < end) & (kept_since < back)
        gain = np.where(bursting, (end - kept_since) / cycle.burst, 1.0)
        measured = np.where(bursting, np.clip(end - (end - due) * gain, kept_since, due), due)
        return measured, np.where(due < back, 0.0, gain)


@dataclass(frozen=True)
class Candidates:
    """Devices to draw from, in the order in which their silences begin.

    At any time those in a silence stand together on this circle, and so do those in a burst, and all others: to draw
    from a stretch of it takes no look at each device.

    Attributes:
        devices: their numbers; at least one.
        begins: when a silence of each begins, from 0 to `cycle.every`; rising.
        cycle: of the silences.
    """

    devices: Integers
    begins: Floats
    cycle: _Cycle

    def draw(self, due: Floats, random: np.random.Generator) -> tuple[Integers, Floats]:
        """A device for each time, and how often it is drawn in relation to one that is in no burst.

        It may be one that is not there.
        """
        cycle = self.cycle
        usual = self._begun(due - cycle.every)
        bursting = self._begun(due - cycle.lasts - cycle.burst)
        silent = self._begun(due - cycle.lasts)
        drawn = random.random(len(due)) * (bursting - usual + cycle.gain * (silent - bursting))
        beyond = drawn - (bursting - usual)
        ranks = np.where(beyond < 0, usual + drawn, bursting + beyond / cycle.gain).astype(np.int64)
        return self.devices[ranks % len(self.devices)], np.where(beyond < 0, 1.0, cycle.gain)

    def _begun(self, times: Floats) -> Integers:
        """How many silences have begun until then: a number that goes on rising with every round."""
        rounds, rest = np.divmod(times, self.cycle.every)
        return rounds.astype(np.int64) * len(self.devices) + np.searchsorted(self.begins, rest, "right")


def _cycle(silence: Silence) -> _Cycle:
    return _Cycle(*(part.total_seconds() for part in (silence.every, silence.lasts, silence.burst)))
