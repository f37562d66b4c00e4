"""The lives of devices: each wears until it fails, is repaired, and is as good as new."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from producers.devices.seeding import generator
from producers.devices.slots import Booleans, Floats, Integers
from producers.scenario_parts import Life

STATE = pa.schema(
    [
        pa.field("wear", pa.float64(), nullable=False),
        pa.field("hours_to_failure", pa.float64(), nullable=False),
        pa.field("mode", pa.string(), nullable=False),
    ]
)
"""How a device really is: from 0 to 1 at its failure, in hours of the fleet's life, and the way it will fail."""

_AT_ONCE = 4  # lives of every device that are drawn together
_SHORTEST = 0.01  # of the mean: a life of no length has no wear
_HOUR = 3600.0


@dataclass(frozen=True)
class Condition:
    """How devices are at some time; arrays of one length, times in seconds of the fleet's life.

    Attributes:
        age: since the last repair; 0 in a repair.
        left: until the next failure.
        wear: from 0 to 1 at the failure.
        modes: in which way the device will fail, as a place in `Lives.modes`.
    """

    age: Floats
    left: Floats
    wear: Floats
    modes: Integers


class Lives:
    """The lives of a fleet's devices, drawn as far as they are asked for; answers depend on the arguments alone.

    A life's length has a gamma distribution. Devices start the run at any age. They are kept: 18 bytes for each life.

    Args:
        life: what the lives are like.
        devices: how many devices there are.
        seed: of the run.
    """

    def __init__(self, life: Life, devices: int, seed: int) -> None:
        self.modes = tuple(life.modes)
        self._life = life
        self._seed = seed
        self._starts = np.empty((devices, 0))  # when a life begins, after the repair
        self._ends = np.empty((devices, 0))  # when it ends with a failure
        self._modes = np.empty((devices, 0), np.int16)
        self._until = -math.inf  # a life of every device is known that ends later

    def working(self, devices: Integers, times: Floats) -> Booleans:
        """Which of the devices are not in repair at these times, in seconds of the fleet's life."""
        lives = self._current(devices, times)
        return self._starts[devices, lives] <= times

    def at(self, devices: Integers, times: Floats) -> Condition:
        """How the devices are at these times, in seconds of the fleet's life; in a repair, as good as new."""
        lives = self._current(devices, times)
        starts, ends = self._starts[devices, lives], self._ends[devices, lives]
        age = np.maximum(times - starts, 0.0)
        wear = self._wear(age / (ends - starts))
        return Condition(age, ends - times, wear, self._modes[devices, lives].astype(np.int64))

    def state(self, condition: Condition) -> pa.RecordBatch:
        """The condition as `STATE` has it."""
        modes = pa.array(self.modes, pa.string()).take(pa.array(condition.modes))
        columns = [pa.array(condition.wear), pa.array(condition.left / _HOUR), modes]
        return pa.RecordBatch.from_arrays(columns, schema=STATE)

    def _wear(self, lived: Floats) -> Floats:
        onset = self._life.onset
        return np.clip((lived - onset) / (1 - onset), 0.0, 1.0) ** self._life.exponent

    def _current(self, devices: Integers, times: Floats) -> Integers:
        """The number of each device's life, or of the one that its repair leads to: the first that ends later."""
        while self._until <= times.max(initial=0.0):
            self._extend()
        low, high = np.zeros(len(times), np.int64), np.full(len(times), self._ends.shape[1] - 1)
        for _ in range(self._ends.shape[1].bit_length()):
            middle = (low + high) // 2
            over = self._ends[devices, middle] <= times
            low, high = np.where(over, middle + 1, low), np.where(over, high, middle)
        return low

    def _extend(self) -> None:
        """Adds lives to every device, the same ones whoever asks first."""
        devices, known = self._ends.shape
        random = generator(self._seed, "lives", known)
        lengths = self._lengths(random, (devices, _AT_ONCE))
        weights = np.array(list(self._life.modes.values()))
        modes = random.choice(len(weights), size=lengths.shape, p=weights / weights.sum()).astype(np.int16)
        downtime = self._life.downtime.total_seconds()
        first = self._ends[:, -1] + downtime if known else -random.random(devices) * lengths[:, 0]
        ends = first[:, None] + np.cumsum(lengths, axis=1) + downtime * np.arange(_AT_ONCE)
        self._starts = np.hstack([self._starts, ends - lengths])
        self._ends = np.hstack([self._ends, ends])
        self._modes = np.hstack([self._modes, modes])
        self._until = float(self._ends[:, -1].min())

    def _lengths(self, random: np.random.Generator, shape: tuple[int, int]) -> Floats:
        mean, spread = self._life.mean.total_seconds(), self._life.spread
        if not spread:
            return np.full(shape, mean)
        return np.maximum(random.gamma(spread**-2, mean * spread**2, shape), _SHORTEST * mean)
