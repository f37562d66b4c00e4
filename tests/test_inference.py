"""Infer: answers where they belong, blame for the rows that a model cannot take, and for no others."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from streaming import inference
from streaming.batches import TIMESTAMP, Batch, Failure, answer_type, from_bytes, to_bytes
from streaming.inference import Infer
from streaming.models.handlers import handler
from streaming.predictors import Outputs
from streaming.steps import BatchCoder
from streaming.wiring import (
    Condition,
    EnsembleCall,
    FeatureColumn,
    Member,
    ModelPlan,
    Output,
    SavedModelCall,
    Selection,
    Tensor,
)
from tests.builders import X, envelope, plan, readings
from tests.memory import counters
from tests.predictor_doubles import (
    CASCADED,
    Double,
    Values,
    answers,
    examples,
    failures,
    infer,
    not_finite,
    predictions,
    refusing,
    times,
)


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


def test_a_model_takes_only_the_rows_of_its_condition() -> None:
    small = plan("small", takes=Selection(conditions=(Condition("field:value", below=3.0),)))
    rest = plan("rest", takes=Selection(unless=(small.takes,)))
    first, second = times(1.0), times(2.0)
    after = infer(infer(examples([1.0, 4.0, 2.0]), small, first), rest, second)
    assert (predictions(after, small), predictions(after, rest)) == ([1.0, None, 2.0], [None, 8.0, None])
    assert (first.calls, second.calls, after.failures.num_rows) == ([2], [1], 0)


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


class Raw:
    """A predictor that gives the tensor x back."""

    version = fingerprint = None

    def __init__(self) -> None:
        self.calls: list[list[float]] = []

    def predict(self, rows: pa.RecordBatch) -> Outputs:
        x = rows.column("field:value").to_numpy()
        self.calls.append(x.tolist())
        return Outputs({"output_0": x})


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
    found = counters(result)
    buckets = Counter[str]()
    for name, amount in found.items():
        if matched := re.fullmatch(r"model_ms_(\w+)_bucket_(?:10|100|above)", name):
            buckets[matched[1]] += amount
    assert buckets == {"times5": 1, "times10": 1, "picky": 5, "root": 1, "many": 1, "mix": 1}
    assert {name: amount for name, amount in found.items() if not name.startswith("model_ms_")} == {
        "model_calls": 10,
        "model_halvings": 2,
        "model_failures": 0,
        "blamed_rows": 1,
        "generation_swaps": 0,
        **{f"generations_refused_{model}": 0 for model in buckets},
    }
