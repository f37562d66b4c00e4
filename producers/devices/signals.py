"""Signals: what the fields of a message hold, from how its device is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from producers.devices.lives import Condition
from producers.devices.seeding import generator
from producers.devices.slots import Floats, Slots
from producers.scenario_parts import Signal

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_DAY = 86_400.0
_HIGHEST = 15 / 24  # of a day, by the `daily` change


@dataclass(frozen=True)
class Moment:
    """A block's messages, as signals see them.

    Attributes:
        slots: of the messages.
        times: when they were measured, in seconds of the fleet's life, which begins at midnight.
        condition: of their devices then; None for a fleet that does not wear.
    """

    slots: Slots
    times: Floats
    condition: Condition | None

    @property
    def age(self) -> Floats:
        """Seconds of the fleet's life since the device's repair, or since the start of a fleet that does not wear."""
        return self.times if self.condition is None else self.condition.age


class SignalValues:
    """The values of one signal, for any block of messages alone.

    Args:
        name: of the field.
        signal: what it holds.
        modes: in which the devices fail.
        devices: how many there are.
        seed: of the run.
    """

    def __init__(self, name: str, signal: Signal, modes: tuple[str, ...], devices: int, seed: int) -> None:
        self._signal = signal
        self._purpose = f"signal {name}"
        self._seed = seed
        random = generator(seed, f"device's {name}")
        self._texts = _texts(signal, devices, random)
        self._offsets = random.normal(0.0, signal.spread, devices)
        self._wear = np.array([signal.wear.get(mode, 0.0) for mode in modes])

    def at(self, moment: Moment) -> pa.Array:
        """A value for each message, as float64 or string; null where it is missing."""
        slots = moment.slots
        random = generator(self._seed, self._purpose, int(slots.numbers[0]) if len(slots) else 0)
        missing = random.random(len(slots)) < self._signal.missing
        if self._texts is not None:
            return _masked(self._texts.take(pa.array(slots.devices)), missing)
        values = self._shown(self._measured(moment, random))
        early = slots.numbers < len(self._signal.first)
        values[early] = np.array(self._signal.first)[slots.numbers[early]]
        return pa.array(values, mask=missing & ~early)

    def _measured(self, moment: Moment, random: np.random.Generator) -> Floats:
        signal, size = self._signal, len(moment.slots)
        values = self._kind(moment, random) + self._offsets[moment.slots.devices]
        if signal.noise:
            values += random.normal(0.0, signal.noise, size)
        if signal.daily:
            values += signal.daily * np.cos(2 * np.pi * (moment.times / _DAY - _HIGHEST))
        if signal.drift:
            values += signal.drift * moment.age / _DAY
        if signal.wear and moment.condition is not None:
            values += self._wear[moment.condition.modes] * moment.condition.wear
        return values

    def _kind(self, moment: Moment, random: np.random.Generator) -> Floats:
        """What the signal is before anything changes it."""
        signal, size = self._signal, len(moment.slots)
        if signal.uniform is not None:
            return random.uniform(*signal.uniform, size)
        if signal.age is not None:
            return moment.age / _UNITS[signal.age]
        return np.full(size, signal.base)

    def _shown(self, values: Floats) -> Floats:
        """The values as the device says them."""
        if self._signal.digits is not None:
            values = np.round(values, self._signal.digits)
        return values if self._signal.at_least is None else np.maximum(values, self._signal.at_least)


def _texts(signal: Signal, devices: int, random: np.random.Generator) -> pa.StringArray | None:
    """The text of each device, if the signal is one."""
    if signal.choice is None:
        return None
    weights = np.array(list(signal.choice.values()))
    chosen = random.choice(len(weights), size=devices, p=weights / weights.sum())
    return pa.array(list(signal.choice), pa.string()).take(pa.array(chosen))


def _masked(texts: pa.StringArray, missing: np.ndarray) -> pa.StringArray:
    return pc.if_else(pa.array(missing), pa.scalar(None, pa.string()), texts)
