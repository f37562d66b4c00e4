"""Event times are written as fields of any type hold them, and read again as the job reads them."""

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from producers.synthesis.message_times import as_field, as_text, of_field, of_text
from streaming.formats.event_times import read_field

MICROS = np.array([1_772_366_400_123_456, -1, 0])
KINDS: list[tuple[pa.DataType, str | None, list[Any], list[int]]] = [
    (pa.timestamp("us", "UTC"), None, MICROS.tolist(), MICROS.tolist()),
    (pa.timestamp("us"), None, MICROS.tolist(), MICROS.tolist()),
    (pa.timestamp("ms", "UTC"), None, [1_772_366_400_123, -1, 0], [1_772_366_400_123_000, -1000, 0]),
    (pa.date32(), None, [20_513, -1, 0], [20_513 * 86_400_000_000, -86_400_000_000, 0]),
    (pa.int64(), "us", MICROS.tolist(), MICROS.tolist()),
    (pa.int64(), "ms", [1_772_366_400_123, -1, 0], [1_772_366_400_123_000, -1000, 0]),
    (pa.int32(), "s", [1_772_366_400, -1, 0], [1_772_366_400_000_000, -1_000_000, 0]),
    (pa.float64(), "s", [1_772_366_400.123456, -1e-6, 0.0], MICROS.tolist()),
]


def _numbers(values: pa.Array) -> pa.Array:
    """A time as its number in its own unit, a date as its number of days."""
    if pa.types.is_date(values.type):
        return values.cast(pa.int32())
    return values.cast(pa.int64()) if pa.types.is_timestamp(values.type) else values


@pytest.mark.parametrize(("kind", "unit", "held", "read"), KINDS, ids=[f"{kind} {unit}" for kind, unit, *_ in KINDS])
def test_times_are_held_and_read(kind: pa.DataType, unit: str | None, held: list[Any], read: list[int]) -> None:
    values = as_field(MICROS, kind, unit)
    assert _numbers(values).to_pylist() == held
    assert of_field(values, unit).cast(pa.int64()).to_pylist() == read
    assert read_field(values, unit).to_pylist() == read


def test_texts_are_rfc_3339_to_the_microsecond() -> None:
    texts = as_text(pa.array(MICROS))
    assert texts.to_pylist() == [
        "2026-03-01T12:00:00.123456Z",
        "1969-12-31T23:59:59.999999Z",
        "1970-01-01T00:00:00.000000Z",
    ]
    assert as_field(MICROS, pa.string(), None).equals(texts)
    assert of_field(texts, None).cast(pa.int64()).to_pylist() == MICROS.tolist()
    assert as_text(pa.array([0]), "").to_pylist() == ["1970-01-01T00:00:00.000000"]


def test_texts_that_are_no_times_mean_none() -> None:
    texts = pa.array(["2026-03-01T12:00:00Z", None, "", "yesterday", "5", "2026-03-01", "2026-03-01T12:00:00"])
    assert of_text(texts).to_pylist() == [datetime(2026, 3, 1, 12, tzinfo=UTC)] + [None] * 6
    assert of_text(texts).cast(pa.int64()).equals(read_field(texts, None))


@pytest.mark.parametrize(
    ("values", "unit"),
    [
        (pa.array([None, 2**63 - 1, -(2**63)], pa.timestamp("ms", "UTC")), None),
        (pa.array([None, 2**31 - 1, -(2**31)], pa.int32()).cast(pa.date32()), None),
        (pa.array([None, 2**62, -(2**62)], pa.int64()), "s"),
        (pa.array([float("nan"), float("inf"), -1e300]), "ms"),
    ],
)
def test_what_is_beyond_all_years_means_none(values: pa.Array, unit: str | None) -> None:
    assert of_field(values, unit).to_pylist() == [None] * 3
