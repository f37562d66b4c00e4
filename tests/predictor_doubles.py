"""Predictors that compute in Python, the batches they are asked about, and what has become of these."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import tensorflow as tf

from streaming import inference, inputs
from streaming.batches import FAILURE, Batch, Failure
from streaming.features import ToExamples
from streaming.predictors import Outputs
from streaming.wiring import FeatureColumn, ModelPlan
from tests.builders import X, readings

CASCADED = FeatureColumn("x", "model:times5", pa.float64(), "prediction")
Values = Mapping[str, np.ndarray]


class Double:
    """A predictor that computes its outputs of x, and notes how many rows each call has."""

    plan: ModelPlan

    def __init__(
        self,
        compute: Callable[[np.ndarray], Values | Outputs],
        version: str | None = "v1",
        fingerprint: str | None = "f1",
    ) -> None:
        self._compute = compute
        self.version = version
        self.fingerprint = fingerprint
        self.calls: list[int] = []

    def predict(self, rows: pa.RecordBatch) -> Outputs:
        self.calls.append(rows.num_rows)
        examples = map(tf.train.Example.FromString, inputs.serialized_examples(rows, self.plan))
        x = np.array([each.features.feature["x"].float_list.value[0] for each in examples], np.float32)
        computed = self._compute(x)
        return computed if isinstance(computed, Outputs) else Outputs(computed)


def times(factor: float) -> Double:
    return Double(lambda x: {"output_0": x[:, None] * factor})


def refusing(*values: float) -> Double:
    """Gives x back; raises where one of the values is among them, and names it."""

    def compute(x: np.ndarray) -> Values:
        wrong = [value for value in values if value in x]
        if wrong:
            raise ValueError(f"no {wrong}")
        return {"output_0": x}

    return Double(compute)


def raising(error: Exception, *values: float) -> Double:
    """Gives x back; raises where one of the values is among them, or always if there are none."""

    def compute(x: np.ndarray) -> Values:
        if not values or set(values) & set(x.tolist()):
            raise error
        return {"output_0": x}

    return Double(compute)


def examples(values: Sequence[float]) -> Batch:
    return ToExamples([X])(readings(values))


def infer(batch: Batch, model: ModelPlan, predictor: Double) -> Batch:
    predictor.plan = model
    return inference.infer(batch, model, predictor)


def answers(after: Batch, model: ModelPlan) -> list[dict[str, Any] | None]:
    """What the model answered, without the time of the call."""
    return [
        None if answer is None else {name: value for name, value in answer.items() if name != "(processed_at)"}
        for answer in after.column(model.column).to_pylist()
    ]


def predictions(after: Batch, model: ModelPlan) -> list[Any]:
    return [None if answer is None else answer["prediction"] for answer in answers(after, model)]


def failures(after: Batch) -> list[tuple[str | None, Failure]]:
    """The message ids of the failures, None for events, and what failed."""
    names = [field.name for field in list(FAILURE)[-5:]]
    return [(row["message_id"], Failure(*(row[name] for name in names))) for row in after.failures.to_pylist()]


def not_finite(model: str) -> Failure:
    message = f"model {model} answered with an infinity or NaN"
    return Failure(f"infer:{model}", "NonFinitePredictionError", message, model)
