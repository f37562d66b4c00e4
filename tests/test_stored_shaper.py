"""Records of each form become the batch that the stream makes of messages with the same contents."""

from __future__ import annotations

import json
import pickle
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import fastavro
import orjson
import pyarrow as pa
import pytest
from hypothesis import given, settings

from producers.synthesis.payloads import Encoding
from streaming.batches import ENVELOPE, FAILURE, NO_FAILURES, TIMESTAMP, Batch, concat, field_column
from streaming.features import EXAMPLE, encode
from streaming.formats.avro_types import physical_schema
from streaming.stored.records import Form, Records
from streaming.stored.shaper import Shaper, broken
from streaming.windows import Windower
from streaming.wiring import Condition, Contract, FeatureColumn, Selection
from tests.avro_cases import Case, avro_binary, cases, raw
from tests.builders import plan
from tests.shaping_cases import (
    PUBLISHED,
    clock,
    contract,
    of_examples,
    of_payloads,
    of_rows,
    reasons,
    shaped,
    streamed,
    table,
)
from tests.stream_cases import FAULTS, MICROS, READING, rows, scenario, schema, stream, target

WIDE = schema(
    {
        "device_id": "string",
        "event_time": MICROS,
        "value": ["null", "double"],
        "count": "int",
        "state": {"type": "enum", "name": "State", "symbols": ["ON", "OFF"]},
        "parts": {"type": "array", "items": "float"},
        "raw": ["null", "bytes"],
    }
)
AT = datetime(2026, 3, 1, 11, 59, tzinfo=UTC)
MICROSECONDS = PUBLISHED - 60_250_000
GOOD: Mapping[str, Any] = {
    "device_id": "a",
    "event_time": MICROSECONDS,
    "value": 1.5,
    "count": 7,
    "state": "ON",
    "parts": [0.5, 2.0],
    "raw": "/w==",
}
"""A record as plain JSON has it."""
ODD: list[Mapping[str, Any]] = [
    {},
    {"value": None, "raw": None, "parts": []},
    {"count": 2**31},
    {"count": None},
    {"state": "BROKEN"},
    {"state": None, "count": 2**40},
    {"parts": [1.0, None]},
    {"parts": [1.0, 1e39]},
    {"device_id": ""},
    {"device_id": None},
    {"event_time": 0},
    {"event_time": None},
    {"event_time": 2**62},
]
"""How records differ from it, or what is wrong with them."""
JOB = contract(WIDE, event_time="event_time")
COLUMNS = {
    "device_id": pa.dictionary(pa.int32(), pa.string()),
    "event_time": pa.int64(),
    "value": pa.float64(),
    "count": pa.int64(),
    "state": pa.large_string(),
    "parts": pa.large_list(pa.float64()),
    "raw": pa.large_binary(),
}


def of_stored(job: Contract, form: Form, records: Records) -> Batch:
    return Windower.of(job)(shaped(job, form, records))


def as_rows(records: list[dict[str, Any]]) -> Records:
    decoded = [each | {"raw": None if each["raw"] is None else b"\xff"} for each in records]
    columns = {name: pa.array([each[name] for each in decoded], kind) for name, kind in COLUMNS.items()}
    return of_rows(columns | {"more": pa.array([{"a": 1}] * len(records))})


@pytest.mark.parametrize("id", [None, "device_id"])
def test_rows_lines_and_messages_of_equal_contents_give_equal_batches(id: str | None) -> None:  # noqa: A002
    job = contract(WIDE, event_time="event_time", id=id)
    records = [dict(GOOD) | change for change in ODD]
    payloads = [orjson.dumps(each) for each in records]
    lines, from_rows = of_payloads(payloads, "json"), as_rows(records)
    expected = Windower.of(job)(streamed(job, payloads, "json", lines.origin))
    by_row = Windower.of(job)(streamed(job, payloads, "json", from_rows.origin))
    found, rows_found = of_stored(job, "payloads", lines), of_stored(job, "rows", from_rows)
    assert (table(found), reasons(found)) == (table(expected), reasons(expected))
    assert table(rows_found, ["payload"]) == table(by_row, ["payload"])
    assert reasons(rows_found) == reasons(by_row)
    assert [row["message_id"].partition("#")[2] for row in table(found)] == ["1", "2"]
    assert [each[2] for each in reasons(rows_found)] == [
        *["OutOfRange", "WrongType", "WrongType", "OutOfRange", "WrongType", "OutOfRange", "MissingKey", "WrongType"],
        *["WrongType", "EventTimeOutOfRange", "EventTimeOutOfRange"],
    ]


@pytest.mark.parametrize("encoding", ["avro", "json"])
def test_a_fleets_messages_with_faults_give_the_same_from_files(encoding: Encoding) -> None:
    job = contract(schema(READING), event_time="event_time", format=encoding)
    sent = rows(stream(scenario(FAULTS), target(schema(READING), format=encoding), encoding=encoding)(500))
    payloads = sent.column("payload").to_pylist()
    records = of_payloads(payloads, encoding)
    expected = Windower.of(job)(streamed(job, payloads, encoding, records.origin))
    found = of_stored(job, "payloads", records)
    assert found.failures.num_rows > 50
    assert found.rows.equals(expected.rows)
    assert found.failures.equals(expected.failures)


def test_the_files_format_counts_not_the_streams() -> None:
    job = contract(schema(READING), format="json")
    record = {"device_id": "a", "event_time": MICROSECONDS, "value": 1.5}
    parsed = fastavro.parse_schema(json.loads(physical_schema(job.schema.record)))
    datum, line = avro_binary(parsed, record), orjson.dumps(record)
    found = [
        shaped(job, "payloads", of_payloads([datum], "avro")),
        shaped(job, "payloads", replace(of_payloads([datum], "avro"), origin="readings.avro-00000-of-00001")),
        shaped(job, "payloads", of_payloads([line], "json")),
    ]
    without = ["id", "message_id", "payload"]
    assert table(found[0], without) == table(found[1], without) == table(found[2], without)
    assert [len(each) for each in found] == [1, 1, 1]


@settings(max_examples=50, deadline=None)
@given(cases())
def test_avro_data_and_rows_of_the_same_records_have_the_same_columns(case: Case) -> None:
    job = contract(case.schema, key={"attribute": "device"})
    columns = {
        field.name: pa.array([record[field.name] for record in case.records], field.type)
        for field in case.schema.fields
    }
    keys = pa.array(["a"] * len(case.records), pa.string())
    found = shaped(job, "rows", of_rows(columns | {"device": keys}))
    expected = Shaper(job, "payloads", clock)._avro.read(case.payloads)
    assert raw(found.rows.select(expected.columns.schema.names)) == raw(expected.columns)
    assert (found.failures.num_rows, expected.failures) == (0, {})


def test_a_rows_envelope() -> None:
    job = contract(schema(READING), event_time={"attribute": "at"}, id={"attribute": "number"})
    published = pa.array([PUBLISHED * 1000 + 999, None], pa.timestamp("ns"))
    columns = {
        "device_id": ["a", "b"],
        "event_time": pa.array([MICROSECONDS, MICROSECONDS], TIMESTAMP),
        "value": [1.5, 2.5],
        "publish_time": published,
        "at": pa.array([AT, None], pa.timestamp("ms", "Europe/Berlin")),
        "number": pa.array([7, 8]),
    }
    records = Records("p:d.t", 11, PUBLISHED - 1, pa.RecordBatch.from_pydict(columns))
    batch = shaped(job, "rows", records)
    envelope = {"event_time": None, "key": "a", "publish_time": datetime(2026, 3, 1, 12, 0, 0, 250000, UTC)}
    assert batch.rows.select(ENVELOPE.names).to_pylist()[0] == envelope | {
        "id": "7",
        "message_id": "p:d.t#11",
        "attributes": [("number", "7"), ("at", "2026-03-01T11:59:00.000Z")],
        "payload": b'{"device_id":"a","event_time":"2026-03-01T11:59:00.000000Z","value":1.5}',
    }
    second = batch.rows.select(["id", "message_id", "publish_time", "attributes"]).to_pylist()[1]
    assert second["publish_time"] == datetime(2026, 3, 1, 12, 0, 0, 249999, UTC)
    assert (second["id"], second["message_id"], second["attributes"]) == ("8", "p:d.t#12", [("number", "8")])
    windowed = Windower.of(job)(batch)
    assert windowed.column("event_time").to_pylist() == [AT]
    assert [each[2] for each in reasons(windowed)] == ["MissingEventTime"]


def test_a_field_called_publish_time_is_a_field() -> None:
    job = contract(schema({"device_id": "string", "publish_time": "long"}))
    batch = shaped(job, "rows", of_rows({"device_id": pa.array(["a"]), "publish_time": pa.array([5])}))
    assert batch.column("publish_time").cast(pa.int64()).to_pylist() == [PUBLISHED]
    assert batch.column("field:publish_time").to_pylist() == [5]


def test_columns_that_are_not_there_are_defaults_or_nulls_or_failures() -> None:
    fields = {"device_id": "string", "value": ["null", "double"], "unit": "string", "count": "int"}
    job = contract(schema(fields, {"unit": "C"}))
    batch = shaped(job, "rows", of_rows({"device_id": pa.array(["a", "b"]), "count": pa.array(["1", "2"])}))
    assert [each[2:] for each in reasons(batch)] == [("WrongType", "field count: a column of string, not of int32")] * 2
    batch = shaped(job, "rows", of_rows({"device_id": pa.array(["a", "b"])}))
    assert [each[2:] for each in reasons(batch)] == [
        ("MissingField", "field count: missing, and it has no default")
    ] * 2
    batch = shaped(job, "rows", of_rows({"device_id": pa.array(["a"]), "count": pa.array([1])}))
    assert table(batch)[0].items() >= {"field:value": None, "field:unit": "C", "field:count": 1}.items()


FEATURES = [
    FeatureColumn(name, field_column(field), WIDE.field(field).type)  # type: ignore[union-attr]
    for name, field in [("x", "value"), *((name, name) for name in GOOD if name != "value")]
]
TAKEN = Selection(
    conditions=tuple(Condition(field_column(name), above=0.0) for name in ("value", "count")),
    unless=(Selection(conditions=(Condition(field_column("state"), one_of=("OFF",)),)),),
)
EVERYTHING = contract(
    WIDE,
    FEATURES,
    [
        plan(takes=TAKEN),
        plan("tensors", features=[FeatureColumn(n, field_column(n), pa.binary()) for n in ("parts", "raw")]),
    ],
    event_time="event_time",
)


def test_examples_of_the_streams_features_give_the_streams_batch() -> None:
    records = [dict(GOOD) | change for change in ODD[:2]]
    payloads = [orjson.dumps(each) for each in records]
    examples = of_examples([b""])
    expected = Windower.of(EVERYTHING)(streamed(EVERYTHING, payloads, "json", examples.origin))
    made = encode(expected.rows, FEATURES)
    found = of_stored(EVERYTHING, "examples", of_examples(made.to_pylist()))
    assert table(found, ["payload", EXAMPLE]) == table(expected, ["payload"])
    assert found.column(EXAMPLE).equals(made)
    assert found.column("payload").equals(made)


def test_only_what_the_job_reads_is_read_of_an_example() -> None:
    job = contract(schema(READING), [FeatureColumn("x", "field:value", pa.float64())], [plan()])
    example = pa.RecordBatch.from_pydict({"field:k": pa.array(["a"])})
    made = encode(example, [FeatureColumn("device_id", "field:k", pa.string())])
    batch = shaped(job, "examples", of_examples(made.to_pylist()))
    assert batch.rows.select(["key", "field:event_time", "field:value"]).to_pylist() == [
        {"key": "a", "field:event_time": None, "field:value": None}
    ]


@pytest.mark.parametrize("form", ["payloads", "rows", "examples"])
def test_no_records_are_a_batch_without_rows(form: Form) -> None:
    empty = {"payloads": of_payloads([], "json"), "rows": of_rows({}), "examples": of_examples([])}[form]
    some = {"payloads": of_payloads([b""], "json"), "rows": as_rows([dict(GOOD)]), "examples": of_examples([b""])}[form]
    assert shaped(EVERYTHING, form, empty).rows.schema == shaped(EVERYTHING, form, some).rows.schema
    assert len(shaped(EVERYTHING, form, empty)) == 0


@pytest.mark.parametrize("form", ["payloads", "rows", "examples"])
def test_a_shaper_can_be_pickled(form: Form) -> None:
    records = {"payloads": of_payloads([b"{"], "json"), "rows": as_rows([dict(GOOD)]), "examples": of_examples([b""])}
    made = Shaper(EVERYTHING, form, clock)
    before = made(records[form])
    assert pickle.loads(pickle.dumps(made))(records[form]) == before


def test_what_cannot_be_read_is_one_failure() -> None:
    (row,) = broken(of_rows({"x": pa.array([1, 2])}, broken="the page is corrupt")).to_pylist()
    known = {"id": "gs://b/part-0.parquet#3", "message_id": "gs://b/part-0.parquet#3", "payload": b""}
    assert row == dict.fromkeys(FAILURE.names) | known | {
        "publish_time": datetime(2026, 3, 1, 12, 0, 0, 250000, UTC),
        "stage": "decode",
        "error_class": "UnreadableFile",
        "error_message": "the page is corrupt; the rest of gs://b/part-0.parquet cannot be read",
    }


def test_where_all_can_be_read_there_is_no_failure() -> None:
    assert broken(of_rows({"x": pa.array([1])})) == NO_FAILURES


def test_halves_of_records_give_halves_of_the_batch() -> None:
    records = [dict(GOOD) | change | {"device_id": f"d{row}"} for row, change in enumerate(ODD[:4])]
    made = encode(streamed(EVERYTHING, [orjson.dumps(GOOD)] * 4, "json", "o").rows, FEATURES).to_pylist()
    sources: dict[Form, Records] = {
        "payloads": of_payloads([orjson.dumps(each) for each in records], "json"),
        "rows": as_rows(records),
        "examples": of_examples(made),
    }
    for form, whole in sources.items():
        batch = shaped(EVERYTHING, form, whole)
        halves = concat([shaped(EVERYTHING, form, whole.slice(start, 2)) for start in (0, 2)])
        assert (table(halves), reasons(halves)) == (table(batch), reasons(batch))
        assert halves.failures.equals(batch.failures)
