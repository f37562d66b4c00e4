"""A slot: which device sends which message when, and when it measured what it sends."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Booleans = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Slots:
    """The slots of a block, as arrays of one length; times are in seconds after the start of the run.

    Attributes:
        numbers: of the messages, one after the other.
        due: when each is to be sent; never falling.
        devices: which device sends it, as a number from 0.
        measured: when the device measured; at most `due`, and earlier where the device sends what it has kept.
        clocks: by how many seconds the device's clock is fast.
    """

    numbers: Integers
    due: Floats
    devices: Integers
    measured: Floats
    clocks: Floats

    def __len__(self) -> int:
        return len(self.numbers)
