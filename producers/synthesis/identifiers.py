"""Identifiers of messages, such as devices make that name each message themselves."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

_DIGITS = np.frombuffer(b"0123456789abcdef", np.uint8)
_LENGTH = 36
_HYPHENS = [8, 13, 18, 23]
_HEXADECIMAL = [place for place in range(_LENGTH) if place not in _HYPHENS]


def identifiers(count: int, random: np.random.Generator) -> pa.StringArray:
    """So many random UUIDs (version 4, RFC 9562)."""
    digits = random.integers(0, 16, (count, 32), np.uint8)
    digits[:, 12] = 4  # the version
    digits[:, 16] = digits[:, 16] % 4 + 8  # the variant
    letters = np.full((count, _LENGTH), ord("-"), np.uint8)
    letters[:, _HEXADECIMAL] = _DIGITS[digits]
    offsets = np.arange(count + 1, dtype=np.int32) * _LENGTH
    return pa.StringArray.from_buffers(count, pa.py_buffer(offsets), pa.py_buffer(letters))
