"""Columns of event times, whatever their type, become microseconds."""

from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streaming.formats.event_times import UNITS, has_no_unit, is_readable, read_attribute, read_field

LAST = 2**63 - 1


@pytest.mark.parametrize(
    ("values", "unit", "expected"),
    [
        (pa.array([1, None, -1], pa.timestamp("us", "UTC")), None, [1, None, -1]),
        (pa.array([1, None, -1], pa.timestamp("ms", "UTC")), None, [1000, None, -1000]),
        (pa.array([1], pa.timestamp("ms")), None, [1000]),
        (pa.array([2**62, -(2**62)], pa.timestamp("ms", "UTC")), None, [LAST // 1000 * 1000, -(LAST // 1000 * 1000)]),
        (pa.array([date(1970, 1, 2), None]), None, [86_400_000_000, None]),
        (pa.array([2**31 - 1], pa.int32()).cast(pa.date32()), None, [LAST // 86_400_000_000 * 86_400_000_000]),
        (pa.array(["1970-01-01T00:00:01Z", "soon", None]), None, [1_000_000, None, None]),
        (pa.array([-3, None], pa.int32()), "s", [-3_000_000, None]),
        (pa.array([3], pa.int64()), "ms", [3000]),
        (pa.array([LAST, -(2**63)], pa.int64()), "us", [LAST, -LAST]),
        (pa.array([2**62], pa.int64()), "s", [LAST // 1_000_000 * 1_000_000]),
        (pa.array([1.5, -0.25, None, np.nan, np.inf]), "s", [1_500_000, -250_000, None, None, None]),
        (pa.array([1.7, -1.7]), "us", [2, -2]),
        (pa.array([1e300, -1e300]), "s", [2**63 - 1024, -(2**63) + 1024]),
        (pa.array([], pa.float64()), "ms", []),
    ],
)
def test_fields_are_read(values: pa.Array, unit: str | None, expected: list[int | None]) -> None:
    read = read_field(values, unit)
    assert (read.type, read.to_pylist()) == (pa.int64(), expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1970-01-01T00:00:01Z", 1_000_000),
        ("1500", 1_500_000),
        ("-1", -1000),
        ("9" * 18, LAST // 1000 * 1000),
        ("9" * 19, None),
        ("1.5", None),
        ("", None),
        (None, None),
    ],
)
def test_attributes_are_read(text: str | None, expected: int | None) -> None:
    assert read_attribute(pa.array([text], pa.string())).to_pylist() == [expected]
    assert read_attribute(pa.array(["7", text, "1970-01-01T00:00:00Z"])).to_pylist() == [7000, expected, 0]


@settings(deadline=None)
@given(st.lists(st.none() | st.integers(-(2**63), 2**63 - 1)), st.sampled_from(list(UNITS)))
def test_no_number_wraps_around(values: list[int | None], unit: str) -> None:
    most = LAST // UNITS[unit]
    expected = [None if value is None else max(-most, min(most, value)) * UNITS[unit] for value in values]
    assert read_field(pa.array(values, pa.int64()), unit).to_pylist() == expected


@pytest.mark.parametrize(
    ("kind", "readable", "without_unit"),
    [
        (pa.timestamp("ms"), True, False),
        (pa.date32(), True, False),
        (pa.string(), True, False),
        (pa.int32(), True, True),
        (pa.int64(), True, True),
        (pa.float64(), True, True),
        (pa.float32(), False, False),
        (pa.bool_(), False, False),
        (pa.binary(), False, False),
        (pa.list_(pa.int64()), False, False),
    ],
)
def test_which_types_are_event_times(kind: Any, readable: bool, without_unit: bool) -> None:
    assert (is_readable(kind), has_no_unit(kind)) == (readable, without_unit)
