"""Infer: every model of the job in graph order, each by Beam's `RunInference`, blame by halves.

A model answers the rows that it takes. A row that makes the call raise becomes a failure of this model and stays in the
batch: another model's answer for it is still delivered.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from apache_beam.ml.inference.base import ModelHandler, RunInference

from streaming import deadlines, inputs, metrics
from streaming.batches import Batch, Failure, answer_type, by_row
from streaming.blame import Blame, Verdict, by_halves
from streaming.errors import one_line
from streaming.predictors import (
    LoadedModel,
    ModelFaultError,
    ModelOutputError,
    ModelTimeoutError,
    ModelUnavailableError,
    News,
    Outputs,
    Predictor,
)
from streaming.routing import taken
from streaming.wiring import ModelPlan, Output, RemoteCall, SavedModelCall

_LOG = logging.getLogger(__name__)


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


class BatchModelHandler(ModelHandler[Batch, Batch, LoadedModel]):
    """Beam's seam: whole batches pass through `RunInference`, and come back with the model's answers.

    Args:
        plan: the model and its wiring.
        load: makes what this process holds of it; called once for each DoFn instance.
    """

    def __init__(self, plan: ModelPlan, load: Callable[[ModelPlan], LoadedModel]) -> None:
        super().__init__()
        self.plan = plan
        self._load = load

    def load_model(self) -> LoadedModel:
        return self._load(self.plan)

    def run_inference(
        self,
        batch: Batch,
        model: LoadedModel,
        inference_args: Mapping[str, Any] | None = None,  # noqa: ARG002 - Beam's signature
    ) -> Iterable[Batch]:
        answered = infer(batch, self.plan, model.current())
        return [told(answered, self.plan, model.news())]

    def should_skip_batching(self) -> bool:
        return True  # the element is a batch already; Beam's own batching would take the stage apart

    def get_num_bytes(self, batch: Batch) -> int:
        return int(batch.rows.nbytes)  # the default pickles the batch

    def get_metrics_namespace(self) -> str:
        return f"{metrics.NAMESPACE}_{self.plan.name}"


def told(batch: Batch, plan: ModelPlan, news: Sequence[News]) -> Batch:
    """The batch with an event among its failures for each generation that was refused; all news are counted."""
    refused = [each for each in news if each.refusal is not None]
    metrics.count(metrics.GENERATIONS_REFUSED, len(refused), plan.name)
    metrics.count(metrics.GENERATION_SWAPS, len(news) - len(refused), plan.name)
    if not refused:
        return batch
    return batch.with_events(
        [
            Failure("generation", "GenerationRefusedError", f"generation {each.version}: {each.refusal}", plan.name)
            for each in refused
        ]
    )


def infer(batch: Batch, plan: ModelPlan, model: Predictor) -> Batch:
    """`batch` with the column `model:<name>`: a struct a row, null where the model has not answered.

    Rows that made the call raise, rows of which no input can be made, and rows answered with an infinity or NaN are
    added to the batch's failures.

    Raises:
        ModelUnavailableError: the model cannot be asked now.
    """
    asked = np.flatnonzero(taken(batch, plan.takes))
    wrong = inputs.unfit(_rows(batch, asked), plan)
    failures = {int(asked[row]): _raised(plan, error) for row, error in wrong.items()}
    asked = np.delete(asked, list(wrong))
    answers, answered, refused = _ask(_rows(batch, asked), plan, model)
    failures |= {int(asked[row]): failure for row, failure in refused.items()}
    return _with_answers(batch, plan, answers, asked[answered], failures)


def _rows(batch: Batch, numbers: np.ndarray) -> pa.RecordBatch:
    return batch.rows if len(numbers) == len(batch) else batch.rows.take(pa.array(numbers))


def _ask(
    rows: pa.RecordBatch, plan: ModelPlan, model: Predictor
) -> tuple[pa.StructArray, np.ndarray, dict[int, Failure]]:
    """The model's answers, the numbers of the rows they are for, and why the other rows have none."""
    failures: dict[int, Failure] = {}

    def call(start: int, length: int) -> pa.StructArray:
        outputs = _within(plan, partial(model.predict, rows.slice(start, length)))
        answers = _answers(outputs, length, plan, model)
        failures.update({start + row: _raised(plan, error) for row, error in outputs.unanswered.items()})
        return answers

    verdict = by_halves(rows.num_rows, call, Blame(_PASSING, _COSTLY, plan.batch_size))
    _count(verdict, plan)
    _see_whether_available(verdict, plan)
    failures |= {row: _raised(plan, error) for row, error in verdict.guilty}
    if verdict.hopeless:
        failures = dict.fromkeys(range(rows.num_rows), _broken(plan, verdict, rows.num_rows))
    answers = pa.concat_arrays([part for _, _, part in verdict.answers] or [pa.nulls(0, answer_type(plan.fields))])
    answered = np.concatenate([np.arange(start, start + n) for start, n, _ in verdict.answers] or [np.arange(0)])
    finite = _finite(answers, plan)
    for row in answered[~finite].tolist():
        failures.setdefault(row, _not_finite(plan))
    good = ~np.isin(answered, list(failures))
    return answers.filter(pa.array(good)), answered[good], failures


_PASSING = (MemoryError, ModelUnavailableError)
_COSTLY = (ModelTimeoutError, ModelFaultError)


def _within(plan: ModelPlan, predict: Callable[[], Outputs]) -> Outputs:
    """The call's outputs, in time. A remote call is cut off by its own client."""
    if plan.timeout is None or not isinstance(plan.call, SavedModelCall):
        return predict()
    try:
        return deadlines.within(plan.timeout, predict)
    except deadlines.CallTimeoutError as error:
        metrics.count(metrics.ABANDONED_CALLS, 1, plan.name)
        raise ModelTimeoutError(str(error)) from error


def _count(verdict: Verdict[pa.StructArray], plan: ModelPlan) -> None:
    metrics.count(metrics.MODEL_CALLS, verdict.calls, plan.name)
    metrics.count(metrics.MODEL_HALVINGS, verdict.halvings, plan.name)
    metrics.count(metrics.MODEL_FAILURES, int(verdict.hopeless), plan.name)
    metrics.count(metrics.BLAMED_ROWS, 0 if verdict.hopeless else len(verdict.guilty), plan.name)


def _see_whether_available(verdict: Verdict[pa.StructArray], plan: ModelPlan) -> None:
    """A service that answers no call of a batch is down, whatever the rows are."""
    costly = isinstance(verdict.error, _COSTLY)
    if costly and not verdict.answers and isinstance(plan.call, RemoteCall):
        raise ModelUnavailableError(f"model {plan.name}: {_words(verdict.error)}") from verdict.error


def _answers(outputs: Outputs, rows: int, plan: ModelPlan, model: Predictor) -> pa.StructArray:
    """The outputs of one call as a column of answers."""
    columns = [_column(outputs.values[output.name], output, rows) for output in plan.outputs]
    constants = (outputs.version or model.version, model.fingerprint, datetime.now(UTC), rows)
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


def _broken(plan: ModelPlan, verdict: Verdict[pa.StructArray], rows: int) -> Failure:
    """The failure of every row, where it is the model's."""
    words = _words(verdict.error)
    message = f"model {plan.name} failed for every row tried, {len(verdict.guilty)} of {rows}: {words}"
    _LOG.error("%s", message)
    return Failure(plan.stage, "ModelFailedError", message, plan.name)


def _not_finite(plan: ModelPlan) -> Failure:
    message = f"model {plan.name} answered with an infinity or NaN"
    return Failure(plan.stage, "NonFinitePredictionError", message, plan.name)


def _words(error: Exception | None) -> str:
    """TensorFlow's message without the names of its graph's nodes."""
    without = re.sub(r"\[\[\{\{.*?\}\}\]\]|\{\{.*?\}\}|\[Op:[^]]*\]", " ", one_line(error or Exception()))
    return " ".join(without.split())[:1000]
