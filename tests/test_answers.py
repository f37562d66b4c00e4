"""Answers: a call's outputs of every type and shape as a column, where they come from, and those that mean nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import tensorflow as tf

from streaming.answers import NonFinitePredictionError, answer_column, unusable
from streaming.batches import TIMESTAMP, Failure, answer_type
from streaming.predictors import ModelOutputError, Outputs
from streaming.wiring import Output
from tests.builders import PREDICTION, plan
from tests.predictor_doubles import Double, Values, answers, examples, failures, infer, not_finite, predictions, times

SCORES = Output("scores", "scores", pa.list_(pa.float64()))
LABEL = Output("label", "prediction", pa.string())
NOT_FINITE = (NonFinitePredictionError, "model times5 answered with an infinity or NaN")


def said(wrong: dict[int, Exception]) -> dict[int, tuple[type[Exception], str]]:
    return {row: (type(error), str(error)) for row, error in wrong.items()}


@pytest.mark.parametrize(
    ("column", "output", "expected"),
    [
        (pa.float64(), np.array([0.5, 1.5], np.float32), [0.5, 1.5]),
        (pa.float64(), np.array([[0.5], [1.5]], np.float16), [0.5, 1.5]),
        (pa.float64(), tf.constant([0.5, 1.5], tf.bfloat16).numpy(), [0.5, 1.5]),
        (pa.int64(), np.array([-1, 2**31 - 1], np.int32), [-1, 2**31 - 1]),
        (pa.int64(), np.array([0, 2**32 - 1], np.uint32), [0, 2**32 - 1]),
        (pa.bool_(), np.array([[True], [False]]), [True, False]),
        (pa.string(), np.array([b"a", "é".encode()], object), ["a", "é"]),
        (pa.string(), np.array([[b"a\x00"], [b""]], object), ["a\x00", ""]),
        (pa.list_(pa.float64()), np.array([[1, 2], [3, 4]], np.float32), [[1.0, 2.0], [3.0, 4.0]]),
        (pa.list_(pa.float64()), np.empty((2, 0), np.float32), [[], []]),
        (pa.list_(pa.int64()), np.array([[1], [2]]), [[1], [2]]),
        (pa.list_(pa.bool_()), np.array([[True, False], [False, False]]), [[True, False], [False, False]]),
        (pa.list_(pa.string()), np.array([[b"a", b""], [b"b", b"c"]], object), [["a", ""], ["b", "c"]]),
    ],
)
def test_an_output_of_every_type(column: pa.DataType, output: np.ndarray, expected: list[Any]) -> None:
    model = plan(outputs=[Output("output_0", "prediction", column)])
    answered = answer_column(Outputs({"output_0": output, "unwanted": np.zeros(3)}), 2, model, times(1.0))
    assert answered.type == answer_type(model.fields)
    assert answered.field("prediction").to_pylist() == expected


def test_outputs_are_columns_in_the_plans_order_and_not_under_their_own_names() -> None:
    outputs = {"label": np.array([b"a"]), "scores": np.array([[1.0, 2.0]]), "output_0": np.array([3])}
    model = plan(outputs=[SCORES, PREDICTION, Output("label", "name", pa.string())])
    answered = answer_column(Outputs(outputs), 1, model, times(1.0))
    constants = ["(model_version)", "(model_fingerprint)", "(processed_at)", "(batch_size)"]
    assert [field.name for field in answered.type] == ["scores", "prediction", "name", *constants]
    assert [answered.field(number).to_pylist() for number in range(3)] == [[[1.0, 2.0]], [3.0], ["a"]]


@pytest.mark.parametrize(
    ("column", "shape", "shown"),
    [
        (pa.float64(), (), "[] for 1 examples of double"),
        (pa.float64(), (2,), "[2] for 1 examples of double"),
        (pa.float64(), (1, 2), "[1, 2] for 1 examples of double"),
        (pa.float64(), (1, 1, 1), "[1, 1, 1] for 1 examples of double"),
        (pa.list_(pa.float64()), (1,), "[1] for 1 examples of list<item: double>"),
        (pa.list_(pa.float64()), (2, 3), "[2, 3] for 1 examples of list<item: double>"),
    ],
)
def test_an_output_of_another_shape_than_the_contract_says(
    column: pa.DataType, shape: tuple[int, ...], shown: str
) -> None:
    model = plan(outputs=[Output("output_0", "prediction", column)])
    with pytest.raises(ModelOutputError) as caught:
        answer_column(Outputs({"output_0": np.zeros(shape)}), 1, model, times(1.0))
    assert str(caught.value) == f"output output_0 has shape {shown}"


def test_a_text_that_is_not_utf_8_is_no_answer() -> None:
    outputs = Outputs({"label": np.array([b"ok", b"\xff"], object)})
    with pytest.raises(pa.ArrowInvalid, match=r"^Invalid UTF8 payload$"):
        answer_column(outputs, 2, plan(outputs=[LABEL]), times(1.0))


@pytest.mark.parametrize(
    ("known", "answered", "version"),
    [("v1", None, "v1"), ("v1", "7", "7"), (None, "7", "7"), (None, None, None)],
)
def test_the_version_is_that_of_the_answer_or_else_the_predictors(
    known: str | None, answered: str | None, version: str | None
) -> None:
    model = Double(lambda x: {}, known)
    column = answer_column(Outputs({"output_0": np.zeros(2)}, version=answered), 2, plan(), model)
    assert column.field("(model_version)").to_pylist() == [version] * 2


@pytest.mark.parametrize("fingerprint", ["f1", None])
def test_the_fingerprint_is_the_predictors(fingerprint: str | None) -> None:
    model = Double(lambda x: {}, fingerprint=fingerprint)
    column = answer_column(Outputs({"output_0": np.zeros(2)}, version="7"), 2, plan(), model)
    assert column.field("(model_fingerprint)").to_pylist() == [fingerprint] * 2


@pytest.mark.parametrize("rows", [1, 2, 1000])
def test_a_call_has_one_time_and_says_how_many_rows_it_had(rows: int) -> None:
    started = datetime.now(UTC)
    column = answer_column(Outputs({"output_0": np.zeros(rows)}), rows, plan(), times(1.0))
    (time,) = set(column.field("(processed_at)").to_pylist())
    assert started <= time <= datetime.now(UTC)
    assert column.field("(processed_at)").type == TIMESTAMP
    assert column.field("(batch_size)").to_pylist() == [rows] * rows


def test_two_generations_that_answer_alike_are_told_apart() -> None:
    outputs = Outputs({"output_0": np.zeros(1)})
    columns = [answer_column(outputs, 1, plan(), Double(lambda x: {}, each, f"of {each}")) for each in ("1", "2", "1")]
    assert [
        (column.field("(model_version)")[0].as_py(), column.field("(model_fingerprint)")[0].as_py())
        for column in columns
    ] == [("1", "of 1"), ("2", "of 2"), ("1", "of 1")]


@pytest.mark.parametrize(
    ("values", "rows"),
    [
        (np.array([1.0, np.nan, np.inf, -np.inf, 5.0]), [1, 2, 3]),
        (np.array([[0.0], [np.nan]], np.float32), [1]),
        (np.array([np.inf, 65504.0], np.float16), [0]),
        (np.array([[np.nan, np.inf, 0.0], [1.0, 2.0, 3.0], [0.0, 0.0, -np.inf]]), [0, 2]),
        (np.empty((2, 0)), []),
        (np.array([1e308, -1e308]), []),
        (np.array([2**63 - 1, -(2**63)]), []),
        (np.array([True, False]), []),
        (np.array([b"nan", b"inf"], object), []),
    ],
)
def test_rows_with_an_infinity_or_nan_are_unusable(values: np.ndarray, rows: list[int]) -> None:
    assert said(unusable(Outputs({"output_0": values}), plan())) == dict.fromkeys(rows, NOT_FINITE)


def test_every_output_that_is_wanted_has_its_say_and_no_other() -> None:
    values = {
        "output_0": np.array([np.nan, 0.0, 0.0, 0.0]),
        "scores": np.array([[0.0, 0.0], [np.nan, 0.0], [0.0, 0.0], [0.0, 0.0]]),
        "unwanted": np.array([0.0, 0.0, 0.0, np.nan]),
    }
    wrong = unusable(Outputs(values), plan(outputs=[PREDICTION, SCORES]))
    assert said(wrong) == {0: NOT_FINITE, 1: NOT_FINITE}


def test_what_the_model_says_of_a_row_goes_before_what_is_seen_of_it() -> None:
    unanswered = {0: ModelOutputError("no user"), 1: ModelOutputError("no number")}
    outputs = Outputs({"output_0": np.array([0.0, np.nan, np.nan])}, unanswered)
    assert said(unusable(outputs, plan())) == {
        0: (ModelOutputError, "no user"),
        1: (ModelOutputError, "no number"),
        2: NOT_FINITE,
    }
    assert list(unanswered) == [0, 1]


def test_answers_that_are_not_finite_are_failures() -> None:
    model = Double(lambda x: {"output_0": np.array([1.0, np.nan, np.inf, -np.inf, 5.0])})
    after = infer(examples([1.0] * 5), plan(), model)
    assert predictions(after, plan()) == [1.0, None, None, None, 5.0]
    assert failures(after) == [(f"message-{n}", not_finite("times5")) for n in (1, 2, 3)]
    assert model.calls == [5]


def test_lists_with_nan_and_texts_that_are_not_utf_8_fail_by_row() -> None:
    def compute(x: np.ndarray) -> Values:
        scores = np.stack([x, np.where(x == 2.0, np.nan, x)], axis=1)
        return {"scores": scores, "label": np.array([b"\xff" if each == 1.0 else b"ok" for each in x], object)}

    model = plan(outputs=[SCORES, LABEL])
    after = infer(examples([0.0, 1.0, 2.0, 3.0]), model, Double(compute))
    assert [answer and (answer["scores"], answer["prediction"]) for answer in answers(after, model)] == [
        ([0.0, 0.0], "ok"),
        None,
        None,
        ([3.0, 3.0], "ok"),
    ]
    assert failures(after) == [
        ("message-1", Failure("infer:times5", "ArrowInvalid", "Invalid UTF8 payload", "times5")),
        ("message-2", not_finite("times5")),
    ]


def test_rows_that_a_model_leaves_unanswered_are_failures_without_another_call() -> None:
    wrong = {1: ModelOutputError("no answer"), 2: ModelOutputError("no number")}
    model = Double(lambda x: Outputs({"output_0": np.array([1.0, np.nan, 0.0, 4.0])}, wrong))
    after = infer(examples([1.0, 2.0, 3.0, 4.0]), plan(), model)
    assert (predictions(after, plan()), model.calls) == ([1.0, None, None, 4.0], [4])
    assert failures(after) == [
        ("message-1", Failure("infer:times5", "ModelOutputError", "no answer", "times5")),
        ("message-2", Failure("infer:times5", "ModelOutputError", "no number", "times5")),
    ]


def test_unanswered_rows_are_counted_from_the_start_of_their_call() -> None:
    def compute(x: np.ndarray) -> Outputs:
        return Outputs({"output_0": x}, {0: ModelOutputError(f"not {x[0]}")} if x[0] == 3.0 else {})

    model = plan(batch_size=2)
    after = infer(examples([1.0, 2.0, 3.0, 4.0, 5.0]), model, double := Double(compute))
    assert (predictions(after, model), double.calls) == ([1.0, 2.0, None, 4.0, 5.0], [2, 2, 1])
    assert failures(after) == [("message-2", Failure("infer:times5", "ModelOutputError", "not 3.0", "times5"))]
    assert [answer["(batch_size)"] for answer in answers(after, model) if answer] == [2, 2, 2, 1]


def test_the_version_that_an_answer_says_is_the_rows() -> None:
    after = infer(examples([1.0]), plan(), Double(lambda x: Outputs({"output_0": x}, version="7")))
    (answer,) = answers(after, plan())
    assert answer == {"prediction": 1.0, "(model_version)": "7", "(model_fingerprint)": "f1", "(batch_size)": 1}
