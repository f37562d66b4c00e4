"""Rows as JSON: what plain JSON's decoder reads as the same values."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Any

import pyarrow as pa
from hypothesis import given, settings

from streaming.formats.json_records import JsonReader
from streaming.schema import parse_schema
from streaming.stored.row_json import row_json
from streaming.stored.rows import read_rows
from tests.avro_cases import Case, cases


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


def test_what_is_not_utf_8_is_shown_as_such() -> None:
    assert lines(x=pa.array([b"a\xff", None], pa.binary()).view(pa.string())) == [{"x": "a\ufffd"}, {}]


def test_rows_without_columns_are_empty_objects() -> None:
    assert row_json({}, 2).to_pylist() == [b"{}", b"{}"]
    assert row_json({"x": pa.array([], pa.float64())}, 0).to_pylist() == []


def test_a_schema_of_its_own_unit_reads_the_time_back() -> None:
    kind = {"type": "long", "logicalType": "timestamp-millis"}
    schema = parse_schema(json.dumps({"type": "record", "name": "R", "fields": [{"name": "t", "type": kind}]}), "r")
    times = pa.array([1_772_366_400_250_999, -1], pa.timestamp("us", "UTC"))
    decoded = JsonReader(schema, plain=True).read(row_json({"t": times}, 2).to_pylist())
    assert decoded.columns.column(0).cast(pa.int64()).to_pylist() == [1_772_366_400_250, -1]
