"""Arrow columns, whole or in chunks, with nulls or without any value, as numpy arrays; and positions the other way."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from producers.scoring.arrays import NO_TIME, Column, booleans, equal, marked, micros, positions, taken, valid
from streaming.batches import TIMESTAMP

SECOND = datetime(1970, 1, 1, 0, 0, 1, 5, tzinfo=UTC)


def forms(values: list[Any], kind: pa.DataType) -> list[Column]:
    """The same column whole, in two chunks, and as a slice of a longer one."""
    whole = pa.array(values, kind)
    padded = pa.concat_arrays([pa.nulls(3, kind), whole])
    return [whole, pa.chunked_array([whole[:1], whole[1:]], kind), padded[3:]]


def test_times_are_microseconds_and_a_null_is_none_of_them() -> None:
    times = [SECOND, None, SECOND - timedelta(seconds=2)]
    for column in forms(times, TIMESTAMP):
        assert micros(column).tolist() == [1_000_005, NO_TIME, -999_995]


@pytest.mark.parametrize("kind", [pa.timestamp("s", "UTC"), pa.timestamp("ms", "UTC"), pa.timestamp("ns", "+02:00")])
def test_times_of_every_unit_and_zone_are_the_same_instants(kind: pa.DataType) -> None:
    noon = datetime(2026, 3, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    assert micros(pa.array([noon], kind)).tolist() == [1_772_359_200_000_000]


def test_a_null_is_no_truth() -> None:
    for column in forms([True, None, False], pa.bool_()):
        found = booleans(column)
        assert (found.dtype.name, found.tolist()) == ("bool", [True, False, False])


def test_what_is_not_null_is_valid() -> None:
    for column in forms(["", None, "a"], pa.string()):
        assert valid(column).tolist() == [True, False, True]


def test_nulls_are_equal_to_nothing() -> None:
    right = pa.array(["a", None, "c", None], pa.string())
    for column in forms(["a", None, "b", "d"], pa.string()):
        assert equal(column, right).tolist() == [True, False, False, False]


def test_a_value_is_where_it_stands_first() -> None:
    for values in forms(["b", "x", None, "a"], pa.string()):
        for among in forms(["a", "b", None, "b"], pa.string()):
            assert positions(values, among).tolist() == [1, -1, -1, 0]


def test_a_mark_is_found_by_its_places_on_all_axes() -> None:
    marks = np.array([[True, False, True], [False, False, True]])
    rows, columns = np.array([0, 0, 1, -1, 1]), np.array([0, 1, 2, 2, -1])
    assert marked(marks, rows, columns).tolist() == [True, False, True, False, False]
    assert marked(marks[0], np.array([-1, 2])).tolist() == [False, True]


def test_a_place_that_is_none_is_not_looked_up_where_there_are_no_marks() -> None:
    assert marked(np.zeros((0, 2), bool), np.array([-1]), np.array([1])).tolist() == [False]


def test_values_are_taken_by_row_and_none_where_there_is_no_row() -> None:
    for column in forms(["a", None, "c"], pa.string()):
        assert taken(column, np.array([2, -1, 1, 0, 0])).to_pylist() == ["c", None, None, "a", "a"]


def test_columns_without_any_value() -> None:
    for texts in (pa.array([], pa.string()), pa.chunked_array([], pa.string())):
        assert positions(pa.array(["a"]), texts).tolist() == [-1]
        assert positions(texts, pa.array(["a"])).tolist() == []
        assert taken(texts, np.array([-1])).to_pylist() == [None]
        assert (valid(texts).tolist(), equal(texts, texts).tolist()) == ([], [])
    for times in (pa.array([], TIMESTAMP), pa.chunked_array([], TIMESTAMP)):
        assert micros(times).tolist() == []
