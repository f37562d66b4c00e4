"""Arrow columns as numpy arrays, and numpy positions into Arrow columns."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

Column: TypeAlias = pa.Array | pa.ChunkedArray

NO_TIME = np.iinfo(np.int64).min
"""Stands for a null among microseconds."""


def micros(times: Column) -> np.ndarray:
    """A column of timestamps as microseconds since 1970, of shape [n]; a null is `NO_TIME`."""
    return times.cast(pa.timestamp("us", tz="UTC")).cast(pa.int64()).fill_null(NO_TIME).to_numpy()


def booleans(values: Column) -> np.ndarray:
    """A column of booleans, of shape [n]; a null is false."""
    return np.asarray(values.fill_null(False))


def valid(values: Column) -> np.ndarray:
    """Which values are not null: booleans of shape [n]."""
    return booleans(values.is_valid())


def equal(left: Column, right: Column) -> np.ndarray:
    """Which values are equal and not null: booleans of shape [n]."""
    return booleans(pc.equal(left, right))


def positions(values: Column, among: Column) -> np.ndarray:
    """Where each value first stands in `among`, of shape [n]; -1 where it does not, or is null."""
    found = pc.index_in(values, value_set=among, skip_nulls=True)
    return np.asarray(found.cast(pa.int64()).fill_null(-1))


def marked(marks: np.ndarray, *places: np.ndarray) -> np.ndarray:
    """Whether `marks` has each place, given by an array for each of its axes; false where one of them is negative."""
    there = np.logical_and.reduce([place >= 0 for place in places])
    found = np.zeros(len(there), bool)
    found[there] = marks[tuple(place[there] for place in places)]
    return found


def taken(values: Column, rows: np.ndarray) -> Column:
    """The values at `rows`; null where a row is negative."""
    return values.take(pa.array(rows, pa.int64(), mask=rows < 0))
