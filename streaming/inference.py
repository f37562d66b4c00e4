"""Infer: every model of the job in graph order, each by Beam's `RunInference`, blame by halves.

A model answers the rows whose feeders have answered. A row that makes the call raise becomes a failure of this model
and stays in the batch: another model's answer for it is still delivered.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from apache_beam.ml.inference.base import ModelHandler, RunInference

from streaming import features, metrics
from streaming.batches import Batch, Failure, answer_type, by_row
from streaming.blame import by_halves
from streaming.errors import one_line
from streaming.wiring import ModelPlan, Output

_LOG = logging.getLogger(__name__)


class Predictor(Protocol):
    """A loaded model, ready to be called."""

    @property
    def version(self) -> str:
        """What tells this model from an earlier or later one at the same path."""

    def predict(self, examples: Sequence[bytes]) -> Mapping[str, np.ndarray]:
        """The signature's outputs by name, each of shape [n] or [n, k], for n serialized `tf.Example`s."""


class Infer(beam.PTransform):
    """`Batch` to `Batch`: adds a column of answers for each model."""

    def __init__(self, models: Sequence[ModelPlan], handler: Callable[[ModelPlan], ModelHandler]) -> None:
        super().__init__()
        self._models = models
        self._handler = handler

    def expand(self, batches: beam.PCollection[Batch]) -> beam.PCollection[Batch]:
        for model in self._models:
            run = RunInference(self._handler(model), model_identifier=model.name)
            batches = batches | model.name >> run.with_output_types(Batch)
        return batches


class BatchModelHandler(ModelHandler[Batch, Batch, Predictor]):
    """Beam's seam: whole batches pass through `RunInference`, and come back with the model's answers.

    Subclasses say how the model is loaded.
    """

    def __init__(self, plan: ModelPlan) -> None:
        super().__init__()
        self.plan = plan

    def run_inference(
        self,
        batch: Batch,
        model: Predictor,
        inference_args: Mapping[str, Any] | None = None,  # noqa: ARG002 - Beam's signature
    ) -> Iterable[Batch]:
        return [infer(batch, self.plan, model)]

    def should_skip_batching(self) -> bool:
        return True  # the element is a batch already; Beam's own batching would take the stage apart

    def get_num_bytes(self, batch: Batch) -> int:
        return int(batch.rows.nbytes)  # the default pickles the batch

    def get_metrics_namespace(self) -> str:
        return f"{metrics.NAMESPACE}_{self.plan.name}"


class ModelOutputError(ValueError):
    """A signature output that does not have the shape or content that the contract says."""


def infer(batch: Batch, plan: ModelPlan, model: Predictor) -> Batch:
    """`batch` with the column `model:<name>`: a struct a row, null where the model has not answered.

    Rows that made the call raise, and rows answered with an infinity or NaN, are added to the batch's failures.
    """
    asked = _asked(batch, plan)
    rows = batch.rows if len(asked) == len(batch) else batch.rows.take(pa.array(asked))

    def call(start: int, length: int) -> pa.StructArray:
        examples = _examples(rows.slice(start, length), plan)
        return _answers(model.predict(examples), length, plan, model.version)

    verdict = by_halves(len(asked), call)
    metrics.count(metrics.MODEL_CALLS, verdict.calls, plan.name)
    answers = pa.concat_arrays([part for _, _, part in verdict.answers] or [pa.nulls(0, answer_type(plan.fields))])
    answered = np.concatenate([asked[start : start + n] for start, n, _ in verdict.answers] or [asked[:0]])
    failures = {int(asked[row]): _raised(plan, error) for row, error in verdict.guilty}
    if verdict.hopeless:
        failures = dict.fromkeys(asked.tolist(), _broken(plan, verdict.guilty, len(asked)))
    finite = _finite(answers, plan)
    failures |= {int(row): _not_finite(plan) for row in answered[~finite]}
    return _with_answers(batch, plan, answers.filter(pa.array(finite)), answered[finite], failures)


def _asked(batch: Batch, plan: ModelPlan) -> np.ndarray:
    """The numbers of the rows that every feeder of the model has answered."""
    known = np.ones(len(batch), bool)
    for feeder in plan.feeders:
        known &= batch.column(feeder).is_valid().to_numpy(zero_copy_only=False)
    return np.flatnonzero(known)


def _examples(rows: pa.RecordBatch, plan: ModelPlan) -> list[bytes]:
    if plan.features is None:
        return rows.column(features.EXAMPLE).to_pylist()
    wrong = features.overflows(rows, plan.features)
    if wrong:
        raise features.FeatureOutOfRangeError(next(iter(wrong.values())))
    return features.encode(rows, plan.features).to_pylist()


def _answers(outputs: Mapping[str, np.ndarray], rows: int, plan: ModelPlan, version: str) -> pa.StructArray:
    """The outputs of one call as a column of answers."""
    columns = [_column(outputs[output.name], output, rows) for output in plan.outputs]
    constants = (version, datetime.now(UTC), rows)
    kind = answer_type(plan.fields)
    types = [field.type for field in list(kind)[len(columns) :]]
    repeated = [pa.repeat(pa.scalar(value, type_), rows) for value, type_ in zip(constants, types, strict=True)]
    return pa.StructArray.from_arrays([*columns, *repeated], fields=list(kind))


def _column(values: np.ndarray, output: Output, rows: int) -> pa.Array:
    """One output as an Arrow column: [n] and [n, 1] as scalars, [n, k] as lists."""
    shape = values.shape
    listed = pa.types.is_list(output.type)
    if shape[:1] != (rows,) or (len(shape) != 2 if listed else shape[1:] not in ((), (1,))):
        raise ModelOutputError(f"output {output.name} has shape {list(shape)} for {rows} examples of {output.type}")
    scalar = output.type.value_type if listed else output.type
    flat = _scalars(values.reshape(-1), scalar)
    return pa.ListArray.from_arrays(pa.array(np.arange(rows + 1, dtype=np.int32) * shape[1]), flat) if listed else flat


def _scalars(values: np.ndarray, kind: pa.DataType) -> pa.Array:
    if pa.types.is_string(kind):
        return pa.array(values.tolist(), pa.binary()).cast(kind)  # raises where a text is not UTF-8
    return pa.array(values.astype(kind.to_pandas_dtype(), copy=False), kind)


def _finite(answers: pa.StructArray, plan: ModelPlan) -> np.ndarray:
    """Whether each answer is free of infinities and NaN: BigQuery would take them, and nobody would notice."""
    finite = np.ones(len(answers), bool)
    for index, output in enumerate(plan.outputs):
        values = answers.field(index)
        if pa.types.is_list(output.type) and pa.types.is_floating(output.type.value_type):
            finite[values.value_parent_indices().filter(pc.invert(pc.is_finite(values.flatten())))] = False
        elif pa.types.is_floating(output.type):
            finite &= pc.is_finite(values).to_numpy(zero_copy_only=False)
    return finite


def _with_answers(
    batch: Batch, plan: ModelPlan, answers: pa.StructArray, answered: np.ndarray, failures: Mapping[int, Failure]
) -> Batch:
    """The answers at their rows, nulls elsewhere."""
    if len(answered) < len(batch) or failures:
        places = np.full(len(batch), -1)
        places[answered] = np.arange(len(answered))
        answers = answers.take(pa.array(places, mask=places < 0))
    return batch.with_column(plan.column, answers).failing(*by_row(len(batch), failures))


def _raised(plan: ModelPlan, error: Exception) -> Failure:
    return Failure(plan.stage, type(error).__name__, _words(error), plan.name)


def _broken(plan: ModelPlan, guilty: Sequence[tuple[int, Exception]], rows: int) -> Failure:
    error = guilty[0][1]
    message = f"model {plan.name} failed for every row tried, {len(guilty)} of {rows}: {_words(error)}"
    _LOG.error("%s", message)
    return Failure(plan.stage, type(error).__name__, message, plan.name)


def _not_finite(plan: ModelPlan) -> Failure:
    message = f"model {plan.name} answered with an infinity or NaN"
    return Failure(plan.stage, "NonFinitePredictionError", message, plan.name)


def _words(error: Exception) -> str:
    """TensorFlow's message without the names of its graph's nodes."""
    without = re.sub(r"\[\[\{\{.*?\}\}\]\]|\{\{.*?\}\}|\[Op:[^]]*\]", " ", one_line(error))
    return " ".join(without.split())[:1000]
