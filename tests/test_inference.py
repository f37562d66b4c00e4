"""Infer: answers where they belong, blame for the rows that a model cannot take, and for no others."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pytest
import tensorflow as tf
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from streaming import deadlines, inference, inputs
from streaming.batches import FAILURE, TIMESTAMP, Batch, Failure, answer_type, from_bytes, to_bytes
from streaming.deadlines import MOST_HANGING
from streaming.features import ToExamples
from streaming.inference import Infer, told
from streaming.models.handlers import handler
from streaming.predictors import (
    ModelFaultError,
    ModelOutputError,
    ModelTimeoutError,
    ModelUnavailableError,
    News,
    Outputs,
)
from streaming.steps import BatchCoder
from streaming.wiring import (
    Condition,
    EnsembleCall,
    FeatureColumn,
    Member,
    ModelPlan,
    Output,
    RemoteCall,
    SavedModelCall,
    Selection,
    Tensor,
)
from tests.builders import X, envelope, plan, readings

CASCADED = FeatureColumn("x", "model:times5", pa.float64(), "prediction")
Values = Mapping[str, np.ndarray]


class Double:
    """A predictor that computes its outputs of x in Python, and notes how many rows each call has."""

    version = "v1"
    fingerprint = "f1"
    plan: ModelPlan

    def __init__(self, compute: Callable[[np.ndarray], Values | Outputs]) -> None:
        self._compute = compute
        self.calls: list[int] = []

    def predict(self, rows: pa.RecordBatch) -> Outputs:
        self.calls.append(rows.num_rows)
        examples = map(tf.train.Example.FromString, inputs.serialized_examples(rows, self.plan))
        x = np.array([each.features.feature["x"].float_list.value[0] for each in examples], np.float32)
        computed = self._compute(x)
        return computed if isinstance(computed, Outputs) else Outputs(computed)


def infer(batch: Batch, model: ModelPlan, predictor: Double) -> Batch:
    predictor.plan = model
    return inference.infer(batch, model, predictor)


def times(factor: float) -> Double:
    return Double(lambda x: {"output_0": x[:, None] * factor})


def refusing(*values: float) -> Double:
    """Gives x back; raises where one of the values is among them."""

    def compute(x: np.ndarray) -> Values:
        wrong = [value for value in values if value in x]
        if wrong:
            raise ValueError(f"no {wrong}")
        return {"output_0": x}

    return Double(compute)


def examples(values: Sequence[float]) -> Batch:
    return ToExamples([X])(readings(values))


def answers(after: Batch, model: ModelPlan) -> list[dict[str, Any] | None]:
    """What the model answered, without the time of the call."""
    return [
        None if answer is None else {name: value for name, value in answer.items() if name != "(processed_at)"}
        for answer in after.column(model.column).to_pylist()
    ]


def predictions(after: Batch, model: ModelPlan) -> list[Any]:
    return [None if answer is None else answer["prediction"] for answer in answers(after, model)]


def failures(after: Batch) -> list[tuple[str, Failure]]:
    """The message ids of the failures, and what failed."""
    names = [field.name for field in list(FAILURE)[-5:]]
    return [(row["message_id"], Failure(*(row[name] for name in names))) for row in after.failures.to_pylist()]


def not_finite(model: str) -> Failure:
    message = f"model {model} answered with an infinity or NaN"
    return Failure(f"infer:{model}", "NonFinitePredictionError", message, model)


def test_every_row_is_answered_in_one_call() -> None:
    model, before, started = times(5.0), examples([1.0, -2.0]), datetime.now(UTC)
    after = infer(before, plan(), model)
    column = after.column("model:times5")
    assert column.type == answer_type([pa.field("prediction", pa.float64())])
    times_of_call = column.field("(processed_at)")
    assert times_of_call.type == TIMESTAMP
    assert started <= times_of_call[0].as_py() <= datetime.now(UTC)
    assert times_of_call[0] == times_of_call[1]
    assert answers(after, plan()) == [
        {"prediction": 5.0, "(model_version)": "v1", "(model_fingerprint)": "f1", "(batch_size)": 2},
        {"prediction": -10.0, "(model_version)": "v1", "(model_fingerprint)": "f1", "(batch_size)": 2},
    ]
    assert (after.rows.drop_columns(["model:times5"]), after.failures) == (before.rows, before.failures)
    assert model.calls == [2]


def test_no_rows_take_no_call() -> None:
    model = times(5.0)
    after = infer(examples([]), plan(), model)
    assert (len(after), after.failures.num_rows, model.calls) == (0, 0, [])
    assert after.column("model:times5").type == answer_type(plan().fields)


def test_a_model_is_fed_by_an_earlier_ones_answers() -> None:
    fed = plan("times10", features=[CASCADED])
    after = infer(infer(examples([1.0, 2.0]), plan(), times(5.0)), fed, times(10.0))
    assert (predictions(after, plan()), predictions(after, fed)) == ([5.0, 10.0], [50.0, 100.0])


def test_rows_that_a_feeder_has_not_answered_are_skipped_without_another_failure() -> None:
    fed, model = plan("times10", features=[CASCADED]), times(10.0)
    after = infer(infer(examples([1.0, 13.0, 3.0]), plan(), refusing(13.0)), fed, model)
    assert (predictions(after, plan()), predictions(after, fed)) == ([1.0, None, 3.0], [10.0, None, 30.0])
    assert failures(after) == [("message-1", Failure("infer:times5", "ValueError", "no [13.0]", "times5"))]
    assert model.calls == [2]
    assert {answer["(batch_size)"] for answer in answers(after, fed) if answer} == {2}


def test_rows_that_one_of_two_feeders_has_not_answered_are_skipped() -> None:
    other = plan("other")
    second = FeatureColumn("y", "model:other", pa.float64(), "prediction")
    fed = plan("fed", features=[CASCADED, second])
    before = infer(infer(examples([1.0, 2.0, 3.0]), plan(), refusing(1.0)), other, refusing(2.0))
    after = infer(before, fed, times(1.0))
    assert [answer is not None for answer in answers(after, fed)] == [False, False, True]


def test_where_no_feeder_answered_no_call_is_made() -> None:
    fed, model = plan("times10", features=[CASCADED]), times(10.0)
    after = infer(infer(examples([13.0, 13.0]), plan(), refusing(13.0)), fed, model)
    assert (predictions(after, fed), model.calls, after.failures.num_rows) == ([None, None], [], 2)


def test_one_row_of_256_that_raises_is_found_in_17_calls_and_its_neighbours_are_answered() -> None:
    model, before = refusing(100.0), examples([float(n) for n in range(256)])
    after = infer(before, plan(), model)
    assert predictions(after, plan()) == [None if n == 100 else float(n) for n in range(256)]
    assert len(model.calls) == 17
    assert failures(after) == [("message-100", Failure("infer:times5", "ValueError", "no [100.0]", "times5"))]
    assert after.column("id") == before.column("id")
    batch_sizes = [answer["(batch_size)"] for answer in answers(after, plan()) if answer]
    assert batch_sizes == [64] * 64 + [32] * 32 + [4] * 4 + [1, 2, 2] + [8] * 8 + [16] * 16 + [128] * 128


def test_two_models_fail_for_different_rows() -> None:
    other = plan("other")
    after = infer(infer(examples([1.0, 2.0, 3.0]), plan(), refusing(1.0)), other, refusing(3.0, 2.0))
    assert (predictions(after, plan()), predictions(after, other)) == ([None, 2.0, 3.0], [1.0, None, None])
    assert failures(after) == [
        ("message-0", Failure("infer:times5", "ValueError", "no [1.0]", "times5")),
        ("message-1", Failure("infer:other", "ValueError", "no [2.0]", "other")),
        ("message-2", Failure("infer:other", "ValueError", "no [3.0]", "other")),
    ]
    assert after.failures.slice(0, 1).to_pylist()[0].items() >= envelope(0).items()


def test_every_row_fails(caplog: pytest.LogCaptureFixture) -> None:
    model = refusing(7.0)
    after = infer(examples([7.0] * 100), plan(), model)
    message = "model times5 failed for every row tried, 8 of 100: no [7.0]"
    failure = Failure("infer:times5", "ModelFailedError", message, "times5")
    assert predictions(after, plan()) == [None] * 100
    assert failures(after) == [(f"message-{n}", failure) for n in range(100)]
    assert caplog.record_tuples == [("streaming.inference", logging.ERROR, message)]
    assert len(model.calls) < 50


def test_every_row_of_a_cascade_fails_and_those_that_were_not_asked_do_not_fail_again() -> None:
    fed = plan("fed", features=[CASCADED])
    before = infer(examples([*[7.0] * 20, 13.0]), plan(), refusing(13.0))
    after = infer(before, fed, refusing(7.0))
    assert [message_id for message_id, failure in failures(after) if failure.model == "fed"] == [
        f"message-{n}" for n in range(20)
    ]


def test_what_says_nothing_about_rows_fails_the_bundle() -> None:
    def compute(x: np.ndarray) -> Values:
        raise MemoryError

    with pytest.raises(MemoryError):
        infer(examples([1.0, 2.0]), plan(), Double(compute))


def test_answers_that_are_not_finite_are_failures() -> None:
    model = Double(lambda x: {"output_0": np.array([1.0, np.nan, np.inf, -np.inf, 5.0])})
    after = infer(examples([1.0] * 5), plan(), model)
    assert predictions(after, plan()) == [1.0, None, None, None, 5.0]
    assert failures(after) == [(f"message-{n}", not_finite("times5")) for n in (1, 2, 3)]
    assert model.calls == [5]


def test_rows_that_raise_and_rows_that_are_not_finite_are_failures_in_row_order() -> None:
    def compute(x: np.ndarray) -> Values:
        if 2.0 in x:
            raise ValueError("no 2")
        return {"output_0": np.where(x == 1.0, np.nan, x)}

    after = infer(examples([0.0, 1.0, 2.0, 1.0]), plan(), Double(compute))
    assert predictions(after, plan()) == [0.0, None, None, None]
    assert failures(after) == [
        ("message-1", not_finite("times5")),
        ("message-2", Failure("infer:times5", "ValueError", "no 2", "times5")),
        ("message-3", not_finite("times5")),
    ]


def test_failures_of_earlier_steps_are_kept() -> None:
    earlier = Failure("decode", "Bad", "no good")
    before = examples([1.0, 2.0]).failing(pa.array([True, False]), [earlier])
    assert failures(infer(before, plan(), refusing(2.0))) == [
        ("message-0", earlier),
        ("message-1", Failure("infer:times5", "ValueError", "no [2.0]", "times5")),
    ]


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
    after = infer(examples([1.0, 2.0]), model, Double(lambda x: {"output_0": output, "unwanted": x}))
    assert after.column(model.column).type == answer_type(model.fields)
    assert predictions(after, model) == expected


def test_lists_with_nan_and_texts_that_are_not_utf_8_fail_by_row() -> None:
    scores = Output("scores", "scores", pa.list_(pa.float64()))
    label = Output("label", "prediction", pa.string())

    def compute(x: np.ndarray) -> Values:
        scores = np.stack([x, np.where(x == 2.0, np.nan, x)], axis=1)
        return {"scores": scores, "label": np.array([b"\xff" if each == 1.0 else b"ok" for each in x], object)}

    model = plan(outputs=[scores, label])
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
    after = infer(examples([1.0]), model, Double(lambda x: {"output_0": np.zeros(shape)}))
    message = f"output output_0 has shape {shown}"
    assert failures(after) == [("message-0", Failure("infer:times5", "ModelOutputError", message, "times5"))]


def test_a_model_that_leaves_rows_out_is_asked_until_the_others_are_answered() -> None:
    after = infer(examples([1.0, -1.0, 2.0, 3.0]), plan(), Double(lambda x: {"output_0": x[x > 0.0]}))
    assert predictions(after, plan()) == [1.0, None, 2.0, 3.0]
    message = "output output_0 has shape [0] for 1 examples of double"
    assert failures(after) == [("message-1", Failure("infer:times5", "ModelOutputError", message, "times5"))]


def test_a_models_own_features_that_overflow_are_its_failures() -> None:
    own = plan("own", features=[X])
    after = infer(readings([1.0, 1e300, 3.0]), own, times(2.0))
    assert predictions(after, own) == [2.0, None, 6.0]
    message = "feature x: 1e+300 does not fit a float32"
    assert failures(after) == [("message-1", Failure("infer:own", "FeatureOutOfRangeError", message, "own"))]


def test_a_long_message_is_cut() -> None:
    ((_, failure),) = failures(infer(examples([13.0]), plan(), raising(ValueError("no\n" + "x" * 2000))))
    assert failure == Failure("infer:times5", "ValueError", ("no " + "x" * 2000)[:1000], "times5")


def remote(**rest: Any) -> ModelPlan:
    return plan("remote", call=RemoteCall("http://models/v1/models/m"), **rest)


def raising(error: Exception, *values: float) -> Double:
    """Gives x back; raises where one of the values is among them, or always if there are none."""

    def compute(x: np.ndarray) -> Values:
        if not values or set(values) & set(x.tolist()):
            raise error
        return {"output_0": x}

    return Double(compute)


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


def test_a_model_that_is_unavailable_fails_the_bundle() -> None:
    with pytest.raises(ModelUnavailableError, match=r"^gone$"):
        infer(examples([1.0, 2.0]), plan(), raising(ModelUnavailableError("gone"), 2.0))


@pytest.mark.parametrize("error", [ModelTimeoutError("too slow"), ModelFaultError("500")])
def test_a_service_that_answers_no_call_of_a_batch_is_unavailable(error: Exception) -> None:
    for rows in (1, 100):
        with pytest.raises(ModelUnavailableError, match=f"^model remote: {error}$"):
            infer(examples([1.0] * rows), remote(), raising(error))


def test_a_service_that_answers_for_other_rows_has_guilty_ones() -> None:
    model = raising(ModelFaultError("500"), 3.0)
    after = infer(examples([1.0, 2.0, 3.0, 4.0]), remote(), model)
    assert predictions(after, remote()) == [1.0, 2.0, None, 4.0]
    assert failures(after) == [("message-2", Failure("infer:remote", "ModelFaultError", "500", "remote"))]


def test_a_service_that_is_broken_dead_letters_its_rows() -> None:
    after = infer(examples([1.0] * 100), remote(), raising(ModelOutputError("no JSON")))
    message = "model remote failed for every row tried, 8 of 100: no JSON"
    assert {failure for _, failure in failures(after)} == {
        Failure("infer:remote", "ModelFailedError", message, "remote")
    }
    assert after.failures.num_rows == 100


class Hanging:
    """A call that hangs where one of the values is among its x, until it is let go."""

    def __init__(self, *values: float) -> None:
        self.go = threading.Event()
        self._values = set(values)

    def __call__(self, x: np.ndarray) -> Values:
        if self._values & set(x.tolist()):
            self.go.wait(30)
        return {"output_0": x}


@pytest.fixture
def nothing_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    """No thread is left behind yet; and this process goes on whatever hangs."""
    monkeypatch.setattr(deadlines, "_hanging", deadlines._Hanging())
    monkeypatch.setattr(deadlines, "GRACE_SECONDS", 3600.0)


@pytest.mark.usefixtures("nothing_hangs")
def test_a_row_that_makes_a_call_hang_takes_its_quarter_of_the_batch_with_it() -> None:
    hanging = Hanging(7.0)
    model = plan(timeout=timedelta(milliseconds=50))
    after = infer(examples([float(n) for n in range(16)]), model, double := Double(hanging))
    hanging.go.set()
    assert predictions(after, model) == [0.0, 1.0, 2.0, 3.0, *[None] * 4, *map(float, range(8, 16))]
    failure = Failure("infer:times5", "ModelTimeoutError", "no answer within 0.05 s", "times5")
    assert failures(after) == [(f"message-{n}", failure) for n in range(4, 8)]
    assert (double.calls, deadlines.worn_out()) == ([16, 8, 8, 4, 4], True)


@pytest.mark.usefixtures("nothing_hangs")
def test_a_model_that_always_hangs_is_given_up_after_three_calls() -> None:
    hanging = Hanging(7.0)
    model = plan(timeout=timedelta(milliseconds=50))
    after = infer(examples([7.0] * 100), model, double := Double(hanging))
    hanging.go.set()
    assert len(double.calls) == MOST_HANGING
    message = "model times5 failed for every row tried, 50 of 100: no answer within 0.05 s"
    assert {failure for _, failure in failures(after)} == {
        Failure("infer:times5", "ModelFailedError", message, "times5")
    }


def test_a_call_in_time_is_as_any_other() -> None:
    model = plan(timeout=timedelta(seconds=30))
    assert predictions(infer(examples([1.0, 2.0]), model, times(5.0)), model) == [5.0, 10.0]


def test_a_model_takes_only_the_rows_of_its_condition() -> None:
    small = plan("small", takes=Selection(conditions=(Condition("field:value", below=3.0),)))
    rest = plan("rest", takes=Selection(unless=(small.takes,)))
    first, second = times(1.0), times(2.0)
    after = infer(infer(examples([1.0, 4.0, 2.0]), small, first), rest, second)
    assert (predictions(after, small), predictions(after, rest)) == ([1.0, None, 2.0], [None, 8.0, None])
    assert (first.calls, second.calls, after.failures.num_rows) == ([2], [1], 0)


def test_rows_of_which_no_input_can_be_made_are_failures_before_any_call() -> None:
    tensors = SavedModelCall("", tensors=(Tensor("x", "float32"),))
    model = plan("raw", features=[X], call=tensors)
    after = inference.infer(readings([1.0, None, 1e300, 4.0]), model, raw := Raw())
    assert (predictions(after, model), raw.calls) == ([1.0, None, None, 4.0], [[1.0, 4.0]])
    missing, large = "input x is null and has no default", "input x: 1e+300 does not fit float32"
    assert failures(after) == [
        ("message-1", Failure("infer:raw", "MissingInputError", missing, "raw")),
        ("message-2", Failure("infer:raw", "FeatureOutOfRangeError", large, "raw")),
    ]


class Raw:
    """A predictor that gives the tensor x back."""

    version = fingerprint = None

    def __init__(self) -> None:
        self.calls: list[list[float]] = []

    def predict(self, rows: pa.RecordBatch) -> Outputs:
        x = rows.column("field:value").to_numpy()
        self.calls.append(x.tolist())
        return Outputs({"output_0": x})


def test_a_refused_generation_becomes_an_event_among_the_failures() -> None:
    before = examples([1.0])
    assert told(before, plan(), []) == told(before, plan(), [News("2")]) == before
    after = told(before, plan(), [News("3", "misses its golden outputs"), News("4")])
    (event,) = after.failures.to_pylist()
    assert {name: value for name, value in event.items() if value is not None} == {
        "stage": "generation",
        "error_class": "GenerationRefusedError",
        "error_message": "generation 3: misses its golden outputs",
        "model": "times5",
    }
    assert after.rows == before.rows


RESULTS: list[bytes] = []


def _keep(after: Batch) -> None:
    RESULTS.append(to_bytes(after))


def test_real_models_in_beams_run_inference(saved_models: Path) -> None:
    """A cascade, a row that makes a model raise, a row that it answers with NaN, and outputs of every kind."""
    many = [
        Output("scores", "scores", pa.list_(pa.float64())),
        Output("label", "label", pa.string()),
        Output("count", "count", pa.int64()),
        Output("high", "high", pa.bool_()),
    ]
    models = [
        plan("times5", str(saved_models / "times5")),
        plan("times10", str(saved_models / "times10"), features=[CASCADED]),
        plan("picky", str(saved_models / "picky")),
        plan("root", str(saved_models / "root")),
        plan("many", str(saved_models / "many_outputs"), many),
        ModelPlan(
            "mix",
            EnsembleCall("mean", (Member("model:times5", "prediction"), Member("model:root", "prediction"))),
            (Output("mean", "prediction", pa.float64()),),
            takes=Selection(("model:times5", "model:root")),
        ),
    ]
    beam.coders.registry.register_coder(Batch, BatchCoder)
    RESULTS.clear()
    pipeline = beam.Pipeline(runner=FnApiRunner())
    created = pipeline | beam.Create([examples([4.0, 13.0, -16.0])], reshuffle=False).with_output_types(Batch)
    _ = created | "Infer" >> Infer(models, handler) | beam.Map(_keep)
    result = pipeline.run()
    result.wait_until_finish()
    (after,) = map(from_bytes, RESULTS)
    assert {model.name: predictions(after, model) for model in models if model.name != "many"} == {
        "times5": [20.0, 65.0, -80.0],
        "times10": [200.0, 650.0, -800.0],
        "picky": [4.0, None, -16.0],
        "root": [2.0, pytest.approx(13.0**0.5), None],
        "mix": [11.0, pytest.approx((65.0 + 13.0**0.5) / 2), None],
    }
    assert [
        {key: value for key, value in answer.items() if "(" not in key}
        for answer in answers(after, models[4])
        if answer
    ] == [
        {"scores": [4.0, 8.0, 12.0], "label": "4.0", "count": 4, "high": False},
        {"scores": [13.0, 26.0, 39.0], "label": "13.0", "count": 13, "high": True},
        {"scores": [-16.0, -32.0, -48.0], "label": "-16.0", "count": -16, "high": False},
    ]
    assert [message_id for message_id, _ in failures(after)] == ["message-1", "message-2"]
    picky, root = (failure for _, failure in failures(after))
    assert (picky.stage, picky.error_class, picky.model) == ("infer:picky", "InvalidArgumentError", "picky")
    assert picky.error_message.startswith("assertion failed: [no 13.0]")
    assert "{{" not in picky.error_message
    assert root == not_finite("root")
    counted = result.metrics().query(beam.metrics.MetricsFilter().with_namespace("pubsub_inference"))["counters"]
    assert {each.key.metric.name: each.committed for each in counted} == {
        "model_calls_times5": 1,
        "model_calls_times10": 1,
        "model_calls_picky": 5,
        "model_calls_root": 1,
        "model_calls_many": 1,
        "model_calls_mix": 1,
        "model_halvings_picky": 2,
        "blamed_rows_picky": 1,
    }
