"""What is said at launch of stored records that do not fit the job."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from streaming.features import encode
from streaming.stored.example_reader import features_of
from streaming.stored.fit import check_stored
from streaming.stored.needs import columns_of_rows
from streaming.stored.records import EXAMPLE, PAYLOAD, Form
from streaming.wiring import Condition, Contract, FeatureColumn, Selection
from tests.builders import X, plan
from tests.shaping_cases import contract
from tests.stream_cases import MICROS, READING, schema

PLACE = "gs://b/part-0"
JOB = contract(schema(READING), event_time="event_time")
FITTING = {"device_id": pa.string(), "event_time": pa.timestamp("ms"), "value": pa.float32()}
REFERRING = contract(
    schema(READING),
    models=[plan(takes=Selection(unless=(Selection(conditions=(Condition("attributes", attribute="site"),)),)))],
    id={"attribute": "uuid"},
    event_time={"attribute": "at"},
)


def wrong(columns: dict[str, pa.DataType], job: Contract = JOB, form: Form = "rows") -> list[str]:
    lines = check_stored(job, form, pa.schema(list(columns.items())), PLACE)
    assert all(line.startswith(f"{PLACE}: ") for line in lines)
    return [line.removeprefix(f"{PLACE}: ") for line in lines]


def test_columns_that_fit_and_others() -> None:
    assert wrong(FITTING | {"more": pa.struct([]), "publish_time": pa.timestamp("us", "UTC")}) == []


def test_columns_that_are_missing_or_of_another_kind() -> None:
    assert wrong({"device_ID": pa.string(), "value": pa.string(), "publish_time": pa.string()}) == [
        "no column device_id, which message.key takes; did you mean device_ID?",
        "no column event_time, which message.event_time takes; add it",
        "the column value is string, the message schema's field double; make one of them fit the other",
        "the column publish_time is string; make it a timestamp, or rename it",
    ]


def test_a_column_may_be_missing_where_a_message_may_leave_the_field_out() -> None:
    fields: dict[str, Any] = {"device_id": ["null", "string"], "a": ["null", "int"], "b": "int", "c": "int"}
    job = contract(schema(fields, {"b": 7}))
    assert wrong({}, job) == [
        "no column device_id, which message.key takes; add it",
        "no column c, which the message schema requires; add it",
    ]


def test_a_column_that_stands_twice() -> None:
    columns = pa.schema([*FITTING.items(), ("value", pa.float64())])
    assert check_stored(JOB, "rows", columns, "p:d.t") == ["p:d.t: 2 columns are called value; rename the others"]


def test_columns_stand_for_the_attributes_that_the_job_takes() -> None:
    there = {"uuid": pa.string(), "at": pa.timestamp("us"), "site": pa.int64()}
    assert wrong(FITTING | there, REFERRING) == []
    assert wrong(FITTING | {"uuid": pa.float64()}, REFERRING) == [
        "no column site, which stands for the attribute that models.times5.when takes; add it",
        "the column uuid is double, the attribute that message.id takes a text; make it one, or a whole number",
        "no column at, which stands for the attribute that message.event_time takes; add it",
    ]
    assert columns_of_rows(REFERRING) == ("device_id", "event_time", "value", "site", "uuid", "at", "publish_time")


@pytest.mark.parametrize(("form", "column"), [("payloads", PAYLOAD), ("examples", EXAMPLE)])
def test_no_other_records_have_attributes(form: Form, column: str) -> None:
    assert wrong({column: pa.large_binary()}, form=form) == []
    remedy = "take a field, or read Parquet or a table"
    assert wrong({column: pa.large_binary()}, REFERRING, form) == [
        f"its records have no attributes, and models.times5.when takes site; {remedy}",
        f"its records have no attributes, and message.id takes uuid; {remedy}",
        f"its records have no attributes, and message.event_time takes at; {remedy}",
    ]


def test_features_that_the_job_reads_itself() -> None:
    job = contract(
        schema({"device_id": "string", "event_time": MICROS, "value": "double", "other": "double"}),
        [X, FeatureColumn("at", "field:event_time", pa.timestamp("us", "UTC"))],
        [plan(takes=Selection(conditions=(Condition("field:value", above=1.0),)))],
        event_time="event_time",
    )
    made = [FeatureColumn("at", "n", pa.int64()), FeatureColumn("x", "n", pa.int64())]
    example = encode(pa.RecordBatch.from_pydict({"n": pa.array([1])}), made).to_pylist()
    features = features_of(example)
    assert check_stored(job, "examples", features, PLACE) == [
        f"{PLACE}: no feature device_id, which message.key takes; add it",
        f"{PLACE}: the feature x is int64, the field value takes float; change either",
    ]
    assert check_stored(job, "examples", pa.schema([]), PLACE) == []
