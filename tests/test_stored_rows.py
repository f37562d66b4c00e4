"""What rows say beside their fields: attributes and publish times."""

from __future__ import annotations

from datetime import UTC, datetime

import pyarrow as pa
import pytest

from streaming.results import as_text
from streaming.stored.rows import is_attribute, publish_times, to_attributes

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
AT = 1_772_366_400_000_000  # noon, in microseconds


def test_attributes_are_texts_and_a_null_is_none() -> None:
    columns = {
        "text": pa.array(["a", None, ""]),
        "name": pa.array(["x", "y", None]).dictionary_encode(),
        "count": pa.array([1, None, -3], pa.int8()),
        "on": pa.array([True, None, False]),
        "at": pa.array([NOON, None, NOON], pa.timestamp("s", "UTC")),
    }
    assert to_attributes(columns, 3).to_pylist() == [
        [("text", "a"), ("name", "x"), ("count", "1"), ("on", "true"), ("at", "2026-03-01T12:00:00Z")],
        [("name", "y")],
        [("text", ""), ("count", "-3"), ("on", "false"), ("at", "2026-03-01T12:00:00Z")],
    ]
    part = {name: column.slice(2) for name, column in columns.items()}
    assert to_attributes(part, 1).to_pylist() == to_attributes(columns, 3).slice(2).to_pylist()


def test_records_without_attributes_have_empty_ones() -> None:
    assert to_attributes({}, 2).to_pylist() == [[], []]
    assert to_attributes({"text": pa.array([], pa.string())}, 0).to_pylist() == []


@pytest.mark.parametrize("kind", [pa.float64(), pa.binary(), pa.date32(), pa.list_(pa.string())], ids=str)
def test_what_has_no_one_text_is_no_attribute(kind: pa.DataType) -> None:
    assert not is_attribute(kind)


@pytest.mark.parametrize("kind", [pa.timestamp("s"), pa.timestamp("ns", "UTC"), pa.timestamp("ms", "Asia/Tokyo")])
def test_a_row_says_when_it_was_published_or_else_its_file(kind: pa.DataType) -> None:
    times = publish_times(pa.array([NOON, None], kind), 2, AT + 1)
    assert times.cast(pa.int64()).to_pylist() == [AT, AT + 1]


@pytest.mark.parametrize("unit", ["s", "ms", "us"])
def test_a_row_of_a_year_that_no_clock_has_was_published_when_its_file_was(unit: str) -> None:
    column = pa.array([2**62, -(2**62), 0], pa.timestamp(unit))
    assert publish_times(column, 3, AT).cast(pa.int64()).to_pylist() == [AT, AT, 0]
    assert to_attributes({"at": column.slice(1)}, 2).to_pylist() == [[], [("at", as_text(column)[2].as_py())]]


def test_without_such_a_column_it_is_the_files_time() -> None:
    assert publish_times(None, 2, AT).to_pylist() == [NOON, NOON]
    assert publish_times(pa.array([1, 2]), 2, AT).to_pylist() == [NOON, NOON]
