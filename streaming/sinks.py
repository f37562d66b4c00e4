"""The sinks on Beam: table, output topic, files, dead letters. Services have answered for a batch that is handed on.

Several batches may be under way at once; by `finish_bundle` every one has its answer. What a service refuses joins the
batch's failures; any other failure of a service fails the bundle, whose messages are then not acknowledged. Files are
there when their part of the input is through, and at the latest when the bundle ends.
"""

from __future__ import annotations

from abc import abstractmethod
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Protocol

import apache_beam as beam
import pyarrow as pa
from apache_beam.transforms.display import HasDisplayData
from apache_beam.transforms.window import GlobalWindows
from apache_beam.utils.windowed_value import WindowedValue

from streaming import counting, metrics
from streaming.batches import Batch, Failure, by_row
from streaming.refusals import Refusal
from streaming.results import Predictions, table_schema, to_attributes, to_json, to_predictions
from streaming.routing import untaken
from streaming.stopping import stop_asked
from streaming.wiring import ModelPlan, output_columns


class PredictionTable(Protocol):
    """Where rows of predictions go. As any end, it may have Beam's display data: its parameter and its name."""

    def append(self, rows: pa.RecordBatch) -> Future[list[Refusal]]:
        """Write rows; the future has those that were refused."""


class PredictionTopic(Protocol):
    """Where messages of predictions go."""

    def publish(
        self, data: Sequence[bytes], attributes: Sequence[dict[str, str]], keys: Sequence[str]
    ) -> Future[list[Refusal]]:
        """Publish messages; the future has those that were refused."""


class DeadLetterSink(Protocol):
    """Where failures go. There is nowhere else for them: one that cannot be written fails the bundle."""

    def write(self, failures: pa.RecordBatch) -> None:
        """Write rows of `batches.FAILURE`."""


class BatchWriter(Protocol):
    """Writes files of batches, bundle after bundle."""

    def write(self, batch: Batch) -> None:
        """Write a batch, for now where nobody reads it; one with nothing to write tells where the input is."""

    def close(self) -> None:
        """End the bundle: what it has written is there, and whole."""

    def discard(self) -> None:
        """Drop what is not there yet of a bundle that did not end."""


class BatchFiles(Protocol):
    """Where files of predictions, or of dead letters, go."""

    def writer(self) -> BatchWriter:
        """One for each instance of a step."""


@dataclass(frozen=True)
class _UnderWay:
    batch: Batch
    predictions: Predictions
    answer: Future[list[Refusal]]


class _PredictionSink(beam.DoFn):
    """Batches under way to a service, in order."""

    stage: str
    sink: str

    def __init__(self, models: Sequence[ModelPlan], job_hash: str, end: object | None) -> None:
        self._models = tuple(models)
        self._job_hash = job_hash
        self._end = end
        self._schema = table_schema(output_columns(models))
        self._under_way: deque[_UnderWay] = deque()

    def display_data(self) -> dict[str, Any]:
        return _shown(self._end)

    @abstractmethod
    def send(self, predictions: Predictions) -> Future[list[Refusal]]:
        """Hand predictions to the service."""

    def start_bundle(self) -> None:
        self._under_way.clear()  # of a bundle that failed

    def process(self, batch: Batch) -> Iterator[Batch]:
        if self._end is None:
            yield batch
            return
        predictions = to_predictions(batch, self._models, self._job_hash, self._schema)
        self._under_way.append(_UnderWay(batch, predictions, self.send(predictions)))
        while self._under_way and self._under_way[0].answer.done():
            yield self._answered(self._under_way.popleft())

    def finish_bundle(self) -> Iterator[WindowedValue]:
        while self._under_way:
            yield GlobalWindows.windowed_value(self._answered(self._under_way.popleft()))

    def _answered(self, under_way: _UnderWay) -> Batch:
        refusals = under_way.answer.result()
        metrics.count(metrics.SINK_REFUSALS, len(refusals), self.sink)
        return without_refused(under_way.batch, under_way.predictions, refusals, self.stage)


def without_refused(batch: Batch, predictions: Predictions, refusals: Sequence[Refusal], stage: str) -> Batch:
    """The batch without the answers that a service has refused; each of them becomes a failure of its message."""
    models = predictions.rows.column("model")
    refused: dict[str, dict[int, Failure]] = {}
    for each in refusals:
        model = models[each.row].as_py()
        failure = Failure(stage, each.error_class, each.message, model)
        refused.setdefault(model, {})[predictions.sources[each.row].as_py()] = failure
    for model, failures in refused.items():
        mask, in_order = by_row(len(batch), failures)
        batch = batch.without_answers(model, mask).failing(mask, in_order)
    return batch


class WriteTable(_PredictionSink):
    """Rows to the predictions table; nothing where the job has none."""

    stage = "write_table"
    sink = "table"

    def __init__(self, models: Sequence[ModelPlan], job_hash: str, table: PredictionTable | None) -> None:
        super().__init__(models, job_hash, table)
        self._table = table

    def process(self, batch: Batch) -> Iterator[Batch]:
        metrics.count(metrics.UNTAKEN, untaken(batch, self._models))  # before a sink takes answers back
        return super().process(batch)

    def send(self, predictions: Predictions) -> Future[list[Refusal]]:
        assert self._table
        return self._table.append(predictions.rows)


class Publish(_PredictionSink):
    """Messages to the output topic; nothing where the job has none."""

    stage = "publish"
    sink = "topic"

    def __init__(self, models: Sequence[ModelPlan], job_hash: str, topic: PredictionTopic | None) -> None:
        super().__init__(models, job_hash, topic)
        self._topic = topic

    def send(self, predictions: Predictions) -> Future[list[Refusal]]:
        assert self._topic
        by_model = [predictions.of(model) for model in predictions.models()]
        data = [line for rows in by_model for line in to_json(rows)]
        attributes = [each for rows in by_model for each in to_attributes(rows)]
        return self._topic.publish(data, attributes, predictions.rows.column("key").to_pylist())


class _FileSink(beam.DoFn):
    """Files, if there are to be any. Those of a bundle that failed are dropped when the next one starts.

    So are those of one that was cut short, as this process is asked to stop: the next run writes them whole.
    """

    def __init__(self, files: BatchFiles | None) -> None:
        self._files = files
        self._writer: BatchWriter | None = None

    def display_data(self) -> dict[str, Any]:
        return _shown(self._files)

    def start_bundle(self) -> None:
        self._discard()
        if self._files and not self._writer:
            self._writer = self._files.writer()

    def finish_bundle(self) -> None:
        if self._writer and not stop_asked.is_set():
            self._writer.close()

    def teardown(self) -> None:
        self._discard()

    def _discard(self) -> None:
        if self._writer:
            self._writer.discard()

    def write(self, batch: Batch) -> None:
        if self._writer:
            self._writer.write(batch)


class WriteFiles(_FileSink):
    """Predictions to files."""

    def process(self, batch: Batch) -> Iterator[Batch]:
        self.write(batch)
        yield batch


class WriteDeadLetters(_FileSink):
    """The batch's failures to the dead letters; then, as the last step, the count of what was delivered.

    Args:
        models: the job's.
        sink: a service; None for none.
        files: files; None for none.
        stored: whether the batches are of stored records, for the count.
    """

    def __init__(
        self,
        models: Sequence[ModelPlan],
        sink: DeadLetterSink | None,
        files: BatchFiles | None = None,
        *,
        stored: bool = False,
    ) -> None:
        super().__init__(files)
        self._stored = stored
        self._models = tuple(models)
        self._sink = sink

    def display_data(self) -> dict[str, Any]:
        models = ", ".join(model.name for model in self._models)
        return {"models": models} | super().display_data() | _shown(self._sink)

    def process(self, batch: Batch) -> Iterator[Batch]:
        if self._sink and batch.failures.num_rows:
            self._sink.write(batch.failures)
        self.write(batch)
        counting.taken(batch, self._models, stored=self._stored)
        yield batch


def _shown(end: object) -> dict[str, Any]:
    """What a running job shows of an end of the line, if that says anything."""
    return dict(end.display_data()) if isinstance(end, HasDisplayData) else {}
