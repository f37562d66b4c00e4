"""Columns survive being written as lines, to the last bit."""

import math
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.truth_lines import read_lines, write_lines

ROW = pa.struct(
    [
        ("double", pa.float64()),
        ("float", pa.float32()),
        ("text", pa.string()),
        ("flag", pa.bool_()),
        ("long", pa.int64()),
        ("bytes", pa.binary()),
        ("day", pa.date32()),
        ("time", pa.timestamp("ms", "UTC")),
        ("local", pa.timestamp("us")),
        ("texts", pa.list_(pa.string())),
        ("doubles", pa.list_(pa.float64())),
    ]
)
TIMES = st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1))
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
ROWS = st.fixed_dictionaries(
    {
        "double": st.none() | st.floats(),
        "float": st.none() | st.floats(width=32),
        "text": st.none() | TEXTS,
        "flag": st.none() | st.booleans(),
        "long": st.none() | st.integers(-(2**63), 2**63 - 1),
        "bytes": st.none() | st.binary(),
        "day": st.none() | st.dates(date(1000, 1, 1), date(9999, 1, 1)),
        "time": st.none() | TIMES.map(lambda time: time.replace(microsecond=0, tzinfo=UTC)),
        "local": st.none() | TIMES,
        "texts": st.none() | st.lists(TEXTS),
        "doubles": st.none() | st.lists(st.floats()),
    }
)


@given(st.lists(st.none() | ROWS))
def test_what_is_written_is_read(rows: list[dict[str, Any] | None]) -> None:
    numbers, values = pa.array(range(len(rows)), pa.int64()), pa.array(rows, ROW)
    read = read_lines(write_lines({"number": numbers, "row": values}), {"row": ROW, "number": pa.int64()})
    assert [str(each) for each in read.sort_by("number")["row"].to_pylist()] == [
        str(each) for each in values.to_pylist()
    ]
    assert read.schema == pa.schema([("row", ROW), ("number", pa.int64())])


def test_a_line_says_everything_in_the_words_of_json() -> None:
    rows = [
        {
            "double": 0.1,
            "float": 0.1,
            "text": 'a "b" \\ \n é',
            "flag": True,
            "long": 2**63 - 1,
            "bytes": b"\xff",
            "day": date(2026, 1, 31),
            "time": datetime(2026, 1, 31, 12, tzinfo=UTC),
            "local": datetime(2026, 1, 31, 12, 0, 0, 1),
            "texts": ["a", ""],
            "doubles": [],
        },
        {"double": math.nan, "float": math.inf, "doubles": [1.5, -math.inf]},
        {},
        None,
    ]
    lines = write_lines({"row": pa.array(rows, ROW), "n": pa.array([1, 2, 3, None])}).decode().splitlines()
    assert lines == [
        '{"row":{"double":0.1,"float":0.1,"text":"a \\"b\\" \\\\ \\n é","flag":true,"long":9223372036854775807,'
        '"bytes":"/w==","day":"2026-01-31","time":"2026-01-31T12:00:00.000Z","local":"2026-01-31T12:00:00.000001",'
        '"texts":["a",""],"doubles":[]},"n":1}',
        '{"row":{"double":"NaN","float":"Infinity","doubles":[1.5,"-Infinity"]},"n":2}',
        '{"row":{},"n":3}',
        "{}",
    ]


def test_part_of_a_batch_is_written() -> None:
    values = pa.array([{"doubles": [float(number)], "texts": [str(number)]} for number in range(5)], ROW)
    read = read_lines(write_lines({"row": values.slice(2, 2)}), {"row": ROW})
    assert read["row"].to_pylist() == values.to_pylist()[2:4]


def test_unknown_keys_are_ignored_and_missing_ones_are_null() -> None:
    read = read_lines(b'{"a":1,"b":{"c":[1,"x"]}}\n{"d":2}\n', {"a": pa.int64(), "d": pa.int64()})
    assert read.to_pylist() == [{"a": 1, "d": None}, {"a": None, "d": 2}]


@pytest.mark.parametrize("line", [b"{", b"{}}", b"3", b'{"a":"1"}', b'{"a":"NaN"}', b'{"a":1,"b":"NaN"', b'["NaN"]'])
def test_what_cannot_be_read_is_an_error(line: bytes) -> None:
    with pytest.raises(pa.ArrowInvalid):
        read_lines(line + b"\n", {"a": pa.int64(), "b": pa.float64()})
