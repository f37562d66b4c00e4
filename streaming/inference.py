"""Infer: every model of the job in graph order, each by Beam's `RunInference`, blame by halves.

A model answers the rows that it takes. A row that makes the call raise becomes a failure of this model and stays in the
batch: another model's answer for it is still delivered.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

import apache_beam as beam
import numpy as np
import pyarrow as pa
from apache_beam.ml.inference.base import ModelHandler, RunInference

from streaming import deadlines, inputs, metrics
from streaming.answers import answer_column, unusable
from streaming.batches import Batch, Failure, answer_type, by_row
from streaming.blame import Blame, Verdict, by_halves
from streaming.errors import one_line
from streaming.predictors import (
    LoadedModel,
    ModelFaultError,
    ModelTimeoutError,
    ModelUnavailableError,
    News,
    Outputs,
    Predictor,
)
from streaming.routing import taken
from streaming.wiring import ModelPlan, RemoteCall, SavedModelCall

_LOG = logging.getLogger(__name__)

T = TypeVar("T")


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
        # The default pickles the batch. What its columns share with others is counted whole, which costs less to tell.
        return int(batch.rows.get_total_buffer_size())

    def get_metrics_namespace(self) -> str:
        return f"{metrics.NAMESPACE}_{self.plan.name}"


def told(batch: Batch, plan: ModelPlan, news: Sequence[News]) -> Batch:
    """The batch with an event among its failures for each generation that was refused; all news are counted."""
    refused = [each for each in news if each.refusal is not None]
    metrics.count(metrics.GENERATIONS_REFUSED, len(refused), plan.name)
    metrics.count(metrics.GENERATION_SWAPS, len(news) - len(refused))
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
    failures = {}
    if wrong := inputs.unfit(_rows(batch, asked), plan):
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
    took: list[float] = []

    def call(start: int, length: int) -> pa.StructArray:
        outputs = _timed(took, partial(_within, plan, partial(model.predict, rows.slice(start, length))))
        answers = answer_column(outputs, length, plan, model)
        failures.update({start + row: _raised(plan, error) for row, error in unusable(outputs, plan).items()})
        return answers

    verdict = by_halves(rows.num_rows, call, Blame(_PASSING, _COSTLY, plan.batch_size))
    _count(verdict, plan, took)
    _see_whether_available(verdict, plan)
    failures |= {row: _raised(plan, error) for row, error in verdict.guilty}
    if verdict.hopeless:
        failures = dict.fromkeys(range(rows.num_rows), _broken(plan, verdict, rows.num_rows))
    answers = pa.concat_arrays([part for _, _, part in verdict.answers] or [pa.nulls(0, answer_type(plan.fields))])
    answered = np.concatenate([np.arange(start, start + n) for start, n, _ in verdict.answers] or [np.arange(0)])
    if failures:
        good = ~np.isin(answered, list(failures))
        answers, answered = answers.filter(pa.array(good)), answered[good]
    return answers, answered, failures


_PASSING = (MemoryError, ModelUnavailableError)
_COSTLY = (ModelTimeoutError, ModelFaultError)


def _timed(took: list[float], call: Callable[[], T]) -> T:
    """What the call gives or raises; its milliseconds are added to `took`."""
    start = time.perf_counter()
    try:
        return call()
    finally:
        took.append((time.perf_counter() - start) * 1000)


def _within(plan: ModelPlan, predict: Callable[[], Outputs]) -> Outputs:
    """The call's outputs, in time. A remote call is cut off by its own client."""
    if plan.timeout is None or not isinstance(plan.call, SavedModelCall):
        return predict()
    try:
        return deadlines.within(plan.timeout, predict)
    except deadlines.CallTimeoutError as error:
        metrics.count(metrics.ABANDONED_CALLS, 1)
        _LOG.warning("model %s: %s; the thread of the call is left behind", plan.name, error)
        raise ModelTimeoutError(str(error)) from error


def _count(verdict: Verdict[pa.StructArray], plan: ModelPlan, took: Sequence[float]) -> None:
    metrics.observe(metrics.MODEL_MS, took, plan.name)
    metrics.count(metrics.MODEL_CALLS, verdict.calls)
    metrics.count(metrics.MODEL_HALVINGS, verdict.halvings)
    metrics.count(metrics.MODEL_FAILURES, int(verdict.hopeless))
    metrics.count(metrics.BLAMED_ROWS, 0 if verdict.hopeless else len(verdict.guilty))


def _see_whether_available(verdict: Verdict[pa.StructArray], plan: ModelPlan) -> None:
    """A service that answers no call of a batch is down, whatever the rows are."""
    costly = isinstance(verdict.error, _COSTLY)
    if costly and not verdict.answers and isinstance(plan.call, RemoteCall):
        raise ModelUnavailableError(f"model {plan.name}: {_words(verdict.error)}") from verdict.error


def _with_answers(
    batch: Batch, plan: ModelPlan, answers: pa.StructArray, answered: np.ndarray, failures: Mapping[int, Failure]
) -> Batch:
    """The answers at their rows, nulls elsewhere."""
    if len(answered) < len(batch) or failures:
        places = np.full(len(batch), -1)
        places[answered] = np.arange(len(answered))
        answers = answers.take(pa.array(places, mask=places < 0))
    batch = batch.with_column(plan.column, answers)
    return batch.failing(*by_row(len(batch), failures)) if failures else batch


def _raised(plan: ModelPlan, error: Exception) -> Failure:
    return Failure(plan.stage, type(error).__name__, _words(error), plan.name)


def _broken(plan: ModelPlan, verdict: Verdict[pa.StructArray], rows: int) -> Failure:
    """The failure of every row, where it is the model's."""
    words = _words(verdict.error)
    message = f"model {plan.name} failed for every row tried, {len(verdict.guilty)} of {rows}: {words}"
    _LOG.error("%s", message)
    return Failure(plan.stage, "ModelFailedError", message, plan.name)


def _words(error: Exception | None) -> str:
    return one_line(error or Exception())[:_MOST_WORDS]


_MOST_WORDS = 1000
