"""Columns of stored data become a field's values, or failures, as plain JSON of the same values does."""

from __future__ import annotations

import base64
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import orjson
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streaming.formats.decoded import failure
from streaming.formats.json_records import JsonReader
from streaming.schema import MessageSchema, SchemaField, parse_schema
from streaming.stored.casts import can_fill, fitted
from streaming.stored.rows import read_rows
from tests.avro_cases import SYMBOLS, raw

MILLIS = {"type": "long", "logicalType": "timestamp-millis"}
MICROS = {"type": "long", "logicalType": "timestamp-micros"}
LOCAL = {"type": "long", "logicalType": "local-timestamp-millis"}
DATE = {"type": "int", "logicalType": "date"}
ENUM = {"type": "enum", "name": "E", "symbols": SYMBOLS}
NUMBERS: list[Any] = ["int", "long", "float", "double", DATE, MILLIS, MICROS]
INTEGERS = st.one_of(st.integers(-(2**63), 2**63 - 1), st.integers(-5, 5), st.integers(-(2**31) - 2, 2**31 + 1))
FLOATS = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False), st.integers(-(2**54), 2**54).map(float), st.floats(-3e38, 4e38)
)
TEXTS = st.one_of(
    st.text(max_size=5), st.sampled_from(["2026-01-31T12:00:00Z", "2026-02-30T12:00:00Z", "1969-12-31T23:59:59.9995Z"])
)
COLUMNS: list[tuple[pa.DataType, st.SearchStrategy[Any], list[Any]]] = [
    (pa.int64(), INTEGERS, NUMBERS),
    (pa.int8(), st.integers(-128, 127), NUMBERS),
    (pa.uint64(), st.integers(0, 2**64 - 1), NUMBERS),
    (pa.float64(), FLOATS, NUMBERS),
    (pa.float32(), st.floats(width=32, allow_nan=False, allow_infinity=False), NUMBERS),
    (pa.string(), TEXTS, ["string", MILLIS, MICROS]),
    (pa.large_string(), st.one_of(st.text(max_size=3), st.sampled_from(SYMBOLS)), ["string", ENUM]),
    (pa.dictionary(pa.int8(), pa.string()), st.sampled_from([*SYMBOLS, "D"]), ["string", ENUM]),
    (pa.bool_(), st.booleans(), ["boolean"]),
    (pa.binary(), st.binary(max_size=3), ["bytes"]),
    (pa.date32(), st.dates(), [DATE]),
    (pa.timestamp("ms", "UTC"), st.datetimes(timezones=st.just(UTC)), [MILLIS, MICROS]),
    (pa.decimal128(5, 2), st.decimals(-999, 999, places=2), ["float", "double"]),
    (pa.null(), st.none(), ["int", "string", MILLIS]),
]


def in_json(value: bytes | Decimal) -> str | float:
    """What `orjson` does not write by itself."""
    return base64.b64encode(value).decode() if isinstance(value, bytes) else float(value)


def schema_of(kind: Any, nullable: bool) -> MessageSchema:
    fields = [{"name": "f", "type": ["null", kind] if nullable else kind}]
    return parse_schema(json.dumps({"type": "record", "name": "R", "fields": fields}), "r.avsc")


def field(kind: Any, nullable: bool = False) -> SchemaField:
    return schema_of(kind, nullable).fields[0]


def fit(column: pa.Array, kind: Any, nullable: bool = False) -> tuple[list[Any], dict[int, Any]]:
    values, failures = fitted(column, field(kind, nullable))
    assert values.type == field(kind).type
    return values.to_pylist(), failures


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])  # the first texts
@given(st.data())
def test_a_column_is_read_as_json_with_its_values(data: st.DataObject) -> None:
    kind, values, fields = data.draw(st.sampled_from(COLUMNS))
    avro, nullable, nested = data.draw(st.sampled_from(fields)), data.draw(st.booleans()), data.draw(st.booleans())
    each = st.none() | values
    if nested:
        avro, kind, each = {"type": "array", "items": avro}, pa.list_(kind), st.none() | st.lists(each, max_size=3)
    if pa.types.is_null(kind) and not nullable:
        return
    listed = data.draw(st.lists(each, max_size=8))
    schema = schema_of(avro, nullable)
    column = pa.array(listed, kind)
    payloads = [orjson.dumps({"f": value}, default=in_json) for value in column.to_pylist()]
    expected = JsonReader(schema, plain=True).read(payloads)
    found = read_rows(pa.RecordBatch.from_arrays([column], ["f"]), schema.fields)
    assert can_fill(kind, schema.fields[0])
    assert (raw(found.columns), found.failures) == (raw(expected.columns), expected.failures)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])  # the first texts
@given(st.data())
def test_a_part_of_a_column_is_read_as_the_column(data: st.DataObject) -> None:
    kind, values, fields = data.draw(st.sampled_from(COLUMNS))
    schema = schema_of({"type": "array", "items": data.draw(st.sampled_from(fields))}, True)
    listed = data.draw(st.lists(st.none() | st.lists(st.none() | values, max_size=3), min_size=2, max_size=8))
    whole = pa.RecordBatch.from_arrays([pa.array(listed, pa.large_list(kind))], ["f"])
    part = pa.RecordBatch.from_arrays([pa.array(listed[1:], pa.large_list(kind))], ["f"])
    found, expected = read_rows(whole.slice(1), schema.fields), read_rows(part, schema.fields)
    assert (raw(found.columns), found.failures) == (raw(expected.columns), expected.failures)


@pytest.mark.parametrize(
    ("column", "kind", "expected"),
    [
        (pa.array([1.5, float("nan"), float("inf"), None]), "float", [1.5, pytest.approx(float("nan"), nan_ok=True)]),
        (pa.array([Decimal("7.39")], pa.decimal128(5, 2)), "double", [7.39]),
        (pa.array([-1, 1999], pa.timestamp("us", "UTC")), MILLIS, [datetime(1969, 12, 31, 23, 59, 59, 999000, UTC)]),
        (pa.array([1], pa.timestamp("s")), MICROS, [datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)]),
        (pa.array([1], pa.timestamp("s", "Europe/Berlin")), LOCAL, [datetime(1970, 1, 1, 0, 0, 1)]),
        (pa.array([date(2026, 1, 31)], pa.date64()), DATE, [date(2026, 1, 31)]),
        (pa.array([b"\xff", b""], pa.large_binary()), "bytes", [b"\xff"]),
        (pa.array([b"ab"], pa.binary(2)), "bytes", [b"ab"]),
        (pa.array([[1.0, 2.0]], pa.list_(pa.float32(), 2)), {"type": "array", "items": "double"}, [[1.0, 2.0]]),
    ],
    ids=lambda case: str(case.type) if isinstance(case, pa.Array) else "",
)
def test_what_json_does_not_have(column: pa.Array, kind: Any, expected: list[Any]) -> None:
    values, failures = fit(column, kind, nullable=True)
    assert (values[: len(expected)], failures) == (expected, {})


@pytest.mark.parametrize("seconds", [2**62, -(2**62), -(2**63)])
def test_instants_beyond_the_schemas_unit_do_not_fit(seconds: int) -> None:
    values, failures = fit(pa.array([seconds, 0, None], pa.timestamp("s", "UTC")), MICROS)
    assert values == [None, datetime(1970, 1, 1, tzinfo=UTC), None]
    assert failures == {
        0: failure("OutOfRange", "field f: the value does not fit timestamp[us, tz=UTC]"),
        2: failure("WrongType", "field f: expected a long, got null"),
    }


@pytest.mark.parametrize(
    ("kind", "value", "avro", "expected"),
    [
        (pa.binary(), b"a", "bytes", "bytes in base64"),
        (pa.date64(), date(2026, 1, 31), DATE, "an int"),
        (pa.timestamp("s"), datetime(2026, 1, 31), LOCAL, "a long"),
        (pa.decimal128(5, 2), Decimal("1.25"), "float", "a float"),
    ],
    ids=str,
)
def test_a_null_item_is_named_beside_what_json_does_not_have(
    kind: pa.DataType, value: Any, avro: Any, expected: str
) -> None:
    column = pa.array([[value], [value, None], [None, value]], pa.list_(kind))
    values, failures = fit(column, {"type": "array", "items": avro})
    assert values == [[value], None, None]
    assert failures == {
        row: failure("WrongType", f"field f: item {item}: expected {expected}, got null")
        for row, item in [(1, 1), (2, 0)]
    }


def test_an_instant_among_items_does_not_fit() -> None:
    column = pa.array([[0, 2**62], [2**62, None], [0]], pa.list_(pa.timestamp("s", "UTC")))
    values, failures = fit(column, {"type": "array", "items": MICROS})
    assert values == [None, None, [datetime(1970, 1, 1, tzinfo=UTC)]]
    beyond = failure("OutOfRange", "field f: the value does not fit list<item: timestamp[us, tz=UTC]>")
    assert failures == {0: beyond, 1: beyond}


def test_texts_that_are_not_utf_8_do_not_fit() -> None:
    column = pa.array([b"a", b"\xff", None], pa.binary()).view(pa.string())
    assert fit(column, "string", nullable=True) == (
        ["a", None, None],
        {1: failure("NotUtf8", "field f: a string is not UTF-8: invalid start byte")},
    )


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        (pa.int64(), "string"),
        (pa.string(), "double"),
        (pa.int8(), "boolean"),
        (pa.timestamp("us"), "long"),
        (pa.string(), LOCAL),
        (pa.string(), DATE),
        (pa.timestamp("us"), DATE),
        (pa.string(), "bytes"),
        (pa.binary(), "string"),
        (pa.decimal128(5), "long"),
        (pa.null(), "double"),
        (pa.struct([]), "double"),
        (pa.list_(pa.float64()), "double"),
        (pa.float64(), {"type": "array", "items": "double"}),
        (pa.list_(pa.string()), {"type": "array", "items": "double"}),
        (pa.list_(pa.list_(pa.float64())), {"type": "array", "items": "double"}),
    ],
    ids=str,
)
def test_other_kinds_of_columns_fill_no_field(column: pa.DataType, kind: Any) -> None:
    assert not can_fill(column, field(kind))
