"""Predictions as rows of the table and as messages of the output topic, compared whole."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from streaming.batches import TIMESTAMP, Batch
from streaming.results import FIXED_COLUMNS, Predictions, table_schema, to_attributes, to_json, to_predictions
from streaming.wiring import Carried, ModelPlan, Output, output_columns
from tests.builders import PREDICTION, START, answered, batch, envelope, plan, windowed

SCORES = Output("scores", "scores", pa.list_(pa.float64()))
LABEL = Output("label", "label", pa.string())
FIRST = plan("first", outputs=[PREDICTION, LABEL])
SECOND = plan("second", outputs=[PREDICTION, SCORES])
SCHEMA = table_schema([*FIRST.fields, SECOND.fields[1]])
FIRST_ANSWERS = [{"prediction": 0.5, "label": "a"}, None, {"prediction": -2.0, "label": "b"}]
SECOND_ANSWERS = [{"prediction": 1e20, "scores": [0.25, 3.0]}, {"prediction": 0.1, "scores": []}, None]
READ = START + timedelta(seconds=90)


def both() -> Batch:
    """Three messages, of which each model answered two."""
    read = windowed(batch(3)).with_column("read_at", pa.array([READ] * 3, TIMESTAMP))
    return answered(answered(read, FIRST, FIRST_ANSWERS), SECOND, SECOND_ANSWERS)


def row(number: int, model: str, **outputs: Any) -> dict[str, Any]:
    """The row of message `number` in the table."""
    message = envelope(number)
    return {
        "prediction_id": f"id-{number}/{model}",
        **{name: message[name] for name in ("key", "message_id", "event_time", "publish_time")},
        "read_at": READ,
        "window_start": START,
        "window_end": START + timedelta(minutes=1),
        "model": model,
        "model_version": "v1",
        "model_fingerprint": "f1",
        "prediction": None,
        "label": None,
        "scores": None,
        **outputs,
        "processed_at": START + timedelta(minutes=2),
        "batch_size": 3,
        "job_hash": "j1",
    }


def predictions_of(built: Batch, *models: ModelPlan) -> Predictions:
    return to_predictions(built, models, "j1", SCHEMA)


def text_row(text: str) -> list[bytes]:
    rows = pa.RecordBatch.from_pydict({"prediction_id": ["i"], "label": [text]})
    return to_json(rows)


def test_the_columns_of_the_table() -> None:
    assert (
        pa.schema(
            [
                pa.field("prediction_id", pa.string(), nullable=False),
                pa.field("key", pa.string()),
                pa.field("message_id", pa.string()),
                pa.field("event_time", TIMESTAMP),
                pa.field("publish_time", TIMESTAMP),
                pa.field("read_at", TIMESTAMP),
                pa.field("window_start", TIMESTAMP),
                pa.field("window_end", TIMESTAMP),
                pa.field("model", pa.string()),
                pa.field("model_version", pa.string()),
                pa.field("model_fingerprint", pa.string()),
                pa.field("prediction", pa.float64()),
                pa.field("label", pa.string()),
                pa.field("scores", pa.list_(pa.float64())),
                pa.field("processed_at", TIMESTAMP),
                pa.field("batch_size", pa.int64()),
                pa.field("job_hash", pa.string()),
            ]
        )
        == SCHEMA
    )
    assert {*SCHEMA.names} - FIXED_COLUMNS == {"prediction", "label", "scores"}


def test_a_row_for_each_answer_model_after_model() -> None:
    predictions = predictions_of(both(), FIRST, SECOND)
    assert predictions.rows.schema == SCHEMA
    assert predictions.rows.to_pylist() == [
        row(0, "first", prediction=0.5, label="a"),
        row(2, "first", prediction=-2.0, label="b"),
        row(0, "second", prediction=1e20, scores=[0.25, 3.0]),
        row(1, "second", prediction=0.1, scores=[]),
    ]
    assert predictions.sources.to_pylist() == [0, 2, 0, 1]


def test_the_rows_of_one_model() -> None:
    predictions = predictions_of(both(), SECOND, FIRST)
    assert predictions.models() == ["second", "first"]
    assert predictions.of("first").to_pylist() == [
        row(0, "first", prediction=0.5, label="a"),
        row(2, "first", prediction=-2.0, label="b"),
    ]


def test_rows_of_a_slice_answer_the_rows_of_the_slice() -> None:
    predictions = predictions_of(both().slice(1, 2), FIRST, SECOND)
    assert [each["prediction_id"] for each in predictions.rows.to_pylist()] == ["id-2/first", "id-1/second"]
    assert predictions.rows.to_pylist() == [
        row(2, "first", prediction=-2.0, label="b"),
        row(1, "second", prediction=0.1, scores=[]),
    ]
    assert predictions.sources.to_pylist() == [1, 0]


def test_every_message_answered() -> None:
    built = answered(windowed(batch(2)), plan(), [{"prediction": 1.0}, {"prediction": 2.0}])
    predictions = to_predictions(built, [plan()], "j1", table_schema(plan().fields))
    assert [(each["prediction_id"], each["prediction"]) for each in predictions.rows.to_pylist()] == [
        ("id-0/times5", 1.0),
        ("id-1/times5", 2.0),
    ]
    assert predictions.sources.to_pylist() == [0, 1]


def test_what_nobody_knows_of_a_model_is_null_in_the_row_and_left_out_of_the_message() -> None:
    unknown = {"(model_version)": None, "(model_fingerprint)": None}
    built = answered(both(), FIRST, [{"prediction": 0.5, "label": "a"} | unknown, None, None])
    predictions = predictions_of(built, FIRST)
    known = row(0, "first", prediction=0.5, label="a")
    assert predictions.rows.to_pylist() == [known | {"model_version": None, "model_fingerprint": None}]
    (line,) = to_json(predictions.rows)
    assert {*known} - {*json.loads(line)} == {"model_version", "model_fingerprint", "scores"}


@pytest.mark.parametrize("rows", [0, 2])
def test_no_answers_bring_no_rows(rows: int) -> None:
    built = answered(answered(windowed(batch(rows)), FIRST, [None] * rows), SECOND, [None] * rows)
    predictions = predictions_of(built, FIRST, SECOND)
    assert predictions.rows.schema == SCHEMA
    assert (predictions.rows.num_rows, len(predictions.sources), predictions.models()) == (0, 0, [])
    assert (to_json(predictions.rows), to_attributes(predictions.rows)) == ([], [])


def test_messages_have_the_columns_that_are_not_null() -> None:
    lines = to_json(predictions_of(both(), FIRST, SECOND).rows)
    common = {"publish_time": "2026-03-01T12:00:00.500000Z", "window_start": "2026-03-01T12:00:00.000000Z"}
    common |= {"window_end": "2026-03-01T12:01:00.000000Z", "model_version": "v1", "model_fingerprint": "f1"}
    common |= {"read_at": "2026-03-01T12:01:30.000000Z", "processed_at": "2026-03-01T12:02:00.000000Z"}
    common |= {"job_hash": "j1"}
    third = common | {"publish_time": "2026-03-01T12:00:02.500000Z", "event_time": "2026-03-01T12:00:02.000000Z"}
    assert [json.loads(line) for line in lines[:2]] == [
        {
            **common,
            "prediction_id": "id-0/first",
            "key": "device-0",
            "message_id": "message-0",
            "event_time": "2026-03-01T12:00:00.000000Z",
            "model": "first",
            "prediction": 0.5,
            "label": "a",
            "batch_size": 3,
        },
        {
            **third,
            "prediction_id": "id-2/first",
            "key": "device-2",
            "message_id": "message-2",
            "model": "first",
            "prediction": -2.0,
            "label": "b",
            "batch_size": 3,
        },
    ]
    assert [(json.loads(line)["prediction"], json.loads(line)["scores"]) for line in lines[2:]] == [
        (1e20, [0.25, 3.0]),
        (0.1, []),
    ]


def test_the_bytes_of_a_message() -> None:
    lines = to_json(predictions_of(both(), SECOND).rows)
    assert lines[0] == (
        b'{"prediction_id":"id-0/second","key":"device-0","message_id":"message-0",'
        b'"event_time":"2026-03-01T12:00:00.000000Z","publish_time":"2026-03-01T12:00:00.500000Z",'
        b'"read_at":"2026-03-01T12:01:30.000000Z",'
        b'"window_start":"2026-03-01T12:00:00.000000Z","window_end":"2026-03-01T12:01:00.000000Z",'
        b'"model":"second","model_version":"v1","model_fingerprint":"f1","prediction":1e+20,"scores":[0.25,3],'
        b'"processed_at":"2026-03-01T12:02:00.000000Z","batch_size":3,"job_hash":"j1"}'
    )


def test_a_message_does_not_depend_on_its_neighbours() -> None:
    rows = predictions_of(both(), FIRST, SECOND).rows
    assert to_json(rows) == [line for number in range(len(rows)) for line in to_json(rows.slice(number, 1))]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "plain",
        'a "quoted" word',
        "back\\slash",
        "\\",
        "line\nbreak\ttab\r",
        "\x00\x01\x1f",
        "\x7f\x80\u2028",
        "é\U0001f600",
        '\U0001f600"',
        "null",
        "},{",
    ],
)
def test_any_text_is_escaped(text: str) -> None:
    (line,) = text_row(text)
    assert json.loads(line) == {"prediction_id": "i", "label": text}


def test_texts_are_escaped_beside_nulls_and_others() -> None:
    rows = pa.RecordBatch.from_pydict(
        {"prediction_id": ["1", '"', "3"], 'a"b': ["x", None, "\\"], "l": [['"', "y"], None, []]}
    )
    assert [json.loads(line) for line in to_json(rows)] == [
        {"prediction_id": "1", 'a"b': "x", "l": ['"', "y"]},
        {"prediction_id": '"'},
        {"prediction_id": "3", 'a"b': "\\", "l": []},
    ]


def test_nulls_stand_among_items_alone() -> None:
    rows = pa.RecordBatch.from_pydict(
        {"l": [[1.5, None], None, [None]], "m": pa.array([[None, ["a"]], None, [[]]]), "k": ["a", None, "b"]}
    )
    expected = [b'{"l":[1.5,null],"m":[null,["a"]],"k":"a"}', b"{}", b'{"l":[null],"m":[[]],"k":"b"}']
    assert to_json(rows) == expected
    assert [line for number in range(3) for line in to_json(rows.slice(number, 1))] == expected
    assert to_json(rows.select(["k"])) == [b'{"k":"a"}', b"{}", b'{"k":"b"}']


@pytest.mark.parametrize(
    ("values", "written"),
    [
        (
            pa.array([1.0, 0.1, -0.0, 1e-7, 1.7976931348623157e308, 5e-324]),
            b"1 0.1 -0 1e-7 1.7976931348623157e+308 5e-324",
        ),
        (pa.array([2**63 - 1, -(2**63)]), b"9223372036854775807 -9223372036854775808"),
        (pa.array([True, False]), b"true false"),
        (pa.array([[True], [], [False, True]]), b"[true] [] [false,true]"),
        (pa.array([[1, 2], None, [3]]), b"[1,2] - [3]"),
        (pa.array([[0.5], None, [1e300]]).slice(1), b"- [1e+300]"),
        (pa.array([["a"], ["b,", "c"]]), b'["a"] ["b,","c"]'),
        (
            pa.array(
                [
                    datetime(1969, 12, 31, 23, 59, 59, 1, tzinfo=UTC),
                    None,
                    datetime(1, 1, 1, tzinfo=UTC),
                    datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
                ],
                TIMESTAMP,
            ),
            b'"1969-12-31T23:59:59.000001Z" - "0001-01-01T00:00:00.000000Z" "9999-12-31T23:59:59.999999Z"',
        ),
    ],
    ids=lambda case: str(case.type) if isinstance(case, pa.Array) else "",
)
def test_values_of_every_type(values: pa.Array, written: bytes) -> None:
    rows = pa.RecordBatch.from_arrays([pa.array(["i"] * len(values)), values], names=["prediction_id", "v"])
    expected = [b'{"prediction_id":"i"' + (b"" if each == b"-" else b',"v":' + each) + b"}" for each in written.split()]
    assert to_json(rows) == expected
    assert [json.loads(line).get("v") for line in to_json(rows)] == [
        each.isoformat(timespec="microseconds").replace("+00:00", "Z") if isinstance(each, datetime) else each
        for each in values.to_pylist()
    ]


def test_the_attributes_of_a_message() -> None:
    rows = predictions_of(both().with_column("key", pa.array([None, "\n", "é"])), FIRST, SECOND).rows
    first, second = {"model": "first"}, {"model": "second"}
    assert to_attributes(rows) == [
        {**first, "prediction_id": "id-0/first", "event_time": "2026-03-01T12:00:00.000000Z"},
        {"key": "é", **first, "prediction_id": "id-2/first", "event_time": "2026-03-01T12:00:02.000000Z"},
        {**second, "prediction_id": "id-0/second", "event_time": "2026-03-01T12:00:00.000000Z"},
        {"key": "\n", **second, "prediction_id": "id-1/second", "event_time": "2026-03-01T12:00:01.000000Z"},
    ]


def test_each_row_says_what_the_message_said() -> None:
    model = plan(carries=(Carried("input", "field:value", pa.float64()), Carried("n", "field:n", pa.int64())))
    read = windowed(batch(3)).with_column("field:value", pa.array([2.5, float("nan"), None], pa.float32()))
    built = answered(read.with_column("field:n", pa.array([1, 2, 3], pa.int32())), model, [{"prediction": 1.0}] * 3)
    rows = to_predictions(built, [model], "j1", table_schema(output_columns([model]))).rows
    assert rows.schema.names[11:14] == ["input", "n", "prediction"]
    assert [(each["input"], each["n"]) for each in rows.to_pylist()] == [(2.5, 1), (None, 2), (None, 3)]
    assert [json.loads(line).get("input") for line in to_json(rows)] == [2.5, None, None]


def test_what_a_message_says_of_a_year_that_no_clock_has_is_null() -> None:
    model = plan(carries=(Carried("at", "field:at", TIMESTAMP), Carried("exact", "field:exact", TIMESTAMP)))
    built = windowed(batch(3)).with_column("field:at", pa.array([2**62, 1, None], pa.timestamp("ms", "UTC")))
    built = built.with_column("field:exact", pa.array([-(2**62), None, 1], TIMESTAMP))
    built = answered(built, model, [{"prediction": 1.0}] * 3)
    rows = to_predictions(built, [model], "j1", table_schema(output_columns([model]))).rows
    assert rows.column("at").cast(pa.int64()).to_pylist() == [None, 1000, None]
    assert rows.column("exact").cast(pa.int64()).to_pylist() == [None, None, 1]
