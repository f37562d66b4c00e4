"""Random numbers of which any part can be made alone: a generator for each purpose and each block of messages."""

from __future__ import annotations

import zlib

import numpy as np


def generator(seed: int, purpose: str, *numbers: int) -> np.random.Generator:
    """A generator that depends on its arguments alone, and is independent of those of other arguments.

    Args:
        seed: of the run; 0 or more.
        purpose: what the numbers are for.
        numbers: what else tells this generator from others of the purpose, as a block's first message; 0 or more.
    """
    key = (zlib.crc32(purpose.encode()), *numbers)
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=key)))
