"""Rows as JSON: what plain JSON's decoder reads as the same values."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from streaming.formats.json_records import JsonReader
from streaming.formats.rfc3339 import PER_SECOND
from streaming.schema import parse_schema
from streaming.stored.row_json import row_json
from streaming.stored.rows import read_rows
from tests.avro_cases import LONGS, Case, cases

Kind = tuple[pa.DataType, st.SearchStrategy[Any], Callable[[Any], Any]]


def number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def base_64(value: bytes) -> str:
    return base64.b64encode(value).decode()


def times(unit: str, zone: str | None) -> Kind:
    per_second, decimals = PER_SECOND[unit], {"s": 0, "ms": 3, "us": 6, "ns": 9}[unit]

    def text(value: int) -> str | None:
        try:
            clock = datetime(1970, 1, 1) + timedelta(seconds=value // per_second)
        except OverflowError:
            return None
        fraction = f".{value % per_second:0{decimals}}" if decimals else ""
        return clock.isoformat() + fraction + ("Z" if zone else "")

    near = min(10**11 * per_second, 2**63 - 1)  # some 3,000 years
    return pa.timestamp(unit, zone), st.integers(-near, near) | LONGS, text


SCALARS: list[Kind] = [
    (pa.float64(), st.floats(), number),
    (pa.float32(), st.sampled_from([0.5, -2.0, math.nan, math.inf]), number),
    (pa.int64(), LONGS, int),
    (pa.uint8(), st.integers(0, 255), int),
    (pa.bool_(), st.booleans(), bool),
    (pa.string(), st.text(max_size=3), str),
    (pa.large_string(), st.text(max_size=3), str),
    (pa.string_view(), st.text(max_size=20), str),
    (pa.dictionary(pa.int8(), pa.string()), st.sampled_from(["", '"', "é"]), str),
    (pa.binary(), st.binary(max_size=3), base_64),
    (pa.binary(2), st.binary(min_size=2, max_size=2), base_64),
    (pa.date32(), st.dates(), date.isoformat),
    (pa.date64(), st.dates(), date.isoformat),
    (pa.decimal128(5, 2), st.decimals(-999, 999, places=2), float),
    (pa.null(), st.nothing(), str),
    *(times(unit, zone) for unit in PER_SECOND for zone in (None, "UTC", "Asia/Tokyo")),
]


@st.composite
def kinds(draw: st.DrawFn) -> Kind:
    """A scalar, or lists of one in any layout, with nulls among their items."""
    kind, values, shown = draw(st.sampled_from(SCALARS))
    listed = draw(st.sampled_from([None, pa.list_(kind), pa.large_list(kind), pa.list_(kind, 2)]))
    if listed is None:
        return kind, values, shown
    fewest, most = (2, 2) if pa.types.is_fixed_size_list(listed) else (0, 3)
    lists = st.lists(st.none() | values, min_size=fewest, max_size=most)
    return listed, lists, lambda items: [None if each is None else shown(each) for each in items]


@settings(max_examples=200, deadline=None)
@given(st.lists(kinds(), min_size=1, max_size=3), st.integers(0, 6), st.data())
def test_each_row_shows_what_it_has(columns: list[Kind], count: int, data: st.DataObject) -> None:
    start, length = data.draw(st.integers(0, count)), data.draw(st.integers(0, count))
    arrays, rows = dict[str, pa.Array](), [dict[str, Any]() for _ in range(count)]
    for name, (kind, values, shown) in zip('a"c', columns, strict=False):
        drawn = data.draw(st.lists(st.none() | values, min_size=count, max_size=count))
        arrays[name] = pa.array(drawn, kind).slice(start, length)
        for row, value in zip(rows, drawn, strict=True):
            if value is not None and (found := shown(value)) is not None:
                row[name] = found
    assert lines(**arrays) == rows[start : start + length]


def lines(**columns: pa.Array) -> list[Any]:
    count = len(next(iter(columns.values())))
    return [json.loads(line) for line in row_json(columns, count).to_pylist()]


@settings(max_examples=50, deadline=None)
@given(cases(finite=True, logical=False))
def test_the_json_of_a_row_is_decoded_to_the_row(case: Case) -> None:
    schema = case.schema
    columns = {
        field.name: pa.array([record[field.name] for record in case.records], field.type) for field in schema.fields
    }
    rows = pa.RecordBatch.from_pydict(columns)
    decoded = JsonReader(schema, plain=True).read(row_json(columns, len(case.records)).to_pylist())
    # Compared as Python does, to which -0.0 is 0.0: Arrow writes -0, which JSON takes for a whole number.
    assert decoded.columns.to_pylist() == read_rows(rows, schema.fields).columns.to_pylist()
    assert decoded.failures == {}


def test_dates_and_times_are_texts() -> None:
    noon = datetime(2026, 1, 31, 12, 0, 0, 250_000)
    assert lines(
        day=pa.array([date(2026, 1, 31)], pa.date64()),
        zoned=pa.array([noon], pa.timestamp("ms", "UTC")),
        local=pa.array([noon], pa.timestamp("us")),
        bytes=pa.array([b"\xff"], pa.binary(1)),
    ) == [
        {
            "day": "2026-01-31",
            "zoned": "2026-01-31T12:00:00.250Z",
            "local": "2026-01-31T12:00:00.250000",
            "bytes": "/w==",
        }
    ]


def test_what_json_has_no_number_for_is_left_out_also_where_nothing_is_left() -> None:
    assert lines(x=pa.array([float("nan"), 1.5]), y=pa.array([None, "a"])) == [{}, {"x": 1.5, "y": "a"}]
    assert lines(x=pa.array([None, 1.5]), y=pa.array(["b", "a"])) == [{"y": "b"}, {"x": 1.5, "y": "a"}]


def test_lists_of_nulls_alone_are_shown() -> None:
    assert lines(x=pa.array([[None, None], [], None])) == [{"x": [None, None]}, {"x": []}, {}]


def test_what_is_not_utf_8_is_shown_as_such() -> None:
    texts = pa.array([b"a\xff", None], pa.binary()).view(pa.string())
    assert lines(x=texts, y=pa.ListArray.from_arrays([0, 2, 2], texts)) == [
        {"x": "a\ufffd", "y": ["a\ufffd", None]},
        {"y": []},
    ]


def test_rows_without_columns_are_empty_objects() -> None:
    assert row_json({}, 2).to_pylist() == [b"{}", b"{}"]
    assert row_json({"x": pa.array([], pa.float64())}, 0).to_pylist() == []


def test_a_schema_of_its_own_unit_reads_the_time_back() -> None:
    kind = {"type": "long", "logicalType": "timestamp-millis"}
    schema = parse_schema(json.dumps({"type": "record", "name": "R", "fields": [{"name": "t", "type": kind}]}), "r")
    times = pa.array([1_772_366_400_250_999, -1], pa.timestamp("us", "UTC"))
    decoded = JsonReader(schema, plain=True).read(row_json({"t": times}, 2).to_pylist())
    assert decoded.columns.column(0).cast(pa.int64()).to_pylist() == [1_772_366_400_250, -1]
