"""Predictions that differ from those that the models give offline."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from producers.scoring.arrays import Column

RELATIVE = 1e-4
ABSOLUTE = 1e-6
"""How far floating-point outputs may lie apart: the sum of both, the first as a share of the one expected.

Models compute in float32, with seven digits. Which sums a kernel forms, and in what order, depends on the size of the
batch and on the processor, and so do the last digits: two or three of them in a deep network. A wrong input or a wrong
model is almost never as near as 1e-4.
"""


def differing(actual: Column, expected: Column) -> np.ndarray:
    """Which values differ: booleans of shape [n].

    Numbers and texts must be equal, floating-point numbers nearly so, lists in length and item by item; a null equals
    nothing but a null.
    """
    if not pa.types.is_list(expected.type):
        return _differing(_whole(actual).cast(expected.type), _whole(expected))
    return _lists_differing(_whole(actual).cast(expected.type), _whole(expected))


def _lists_differing(actual: pa.ListArray, expected: pa.ListArray) -> np.ndarray:
    lengths = [np.asarray(pc.list_value_length(lists).fill_null(-1)) for lists in (actual, expected)]
    wrong = lengths[0] != lengths[1]
    alike = pa.array(~wrong & (lengths[1] > 0))
    items = _differing(actual.filter(alike).flatten(), expected.filter(alike).flatten())
    rows = np.repeat(np.flatnonzero(alike), lengths[1][np.asarray(alike)])
    wrong[rows[items]] = True
    return wrong


def _differing(actual: pa.Array, expected: pa.Array) -> np.ndarray:
    if not pa.types.is_floating(expected.type):
        same = pc.equal(actual, expected)
    else:
        left, right = (values.fill_null(np.nan).to_numpy() for values in (actual, expected))
        same = pa.array(np.isclose(left, right, rtol=RELATIVE, atol=ABSOLUTE, equal_nan=True))
    nulls = pc.equal(actual.is_null(), expected.is_null())
    return ~np.asarray(pc.and_(same.fill_null(True), nulls))


def _whole(values: Column) -> pa.Array:
    return values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
