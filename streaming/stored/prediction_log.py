"""Predictions as TFRecords of `PredictionLog`s, as tfx-bsl's `RunInference` makes them, for the tools of TFX.

A log holds what a model was given and what it answered, and nothing else: neither a key nor an id.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from apache_beam.transforms.display import HasDisplayData

from streaming.batches import Batch
from streaming.stored.output import PartWriter
from streaming.stored.predict_logs import PredictionLogs
from streaming.stored.tfrecord_frame import framed
from streaming.stored.whole_files import open_bytes
from streaming.wiring import ModelPlan

PREDICTION_LOGS = "prediction_logs"


@dataclass(frozen=True)
class PredictionLogFiles(HasDisplayData):
    """A directory of logs for each model: `<output_files>/prediction_logs/<model>/part-….tfrecord`.

    Tools such as TensorFlow Model Analysis take all files of a pattern for one model's.
    """

    output_files: str
    models: tuple[ModelPlan, ...]
    job_hash: str
    starts: frozenset[str] = frozenset()

    def display_data(self) -> dict[str, str]:
        return {"output_files": self.output_files, "output_format": "prediction_log"}

    @property
    def directories(self) -> list[str]:
        """Those that its files lie in."""
        return [self._directory(model) for model in self.models]

    def writer(self) -> PredictionLogWriter:
        return PredictionLogWriter([self._of(model) for model in self.models])

    def _of(self, model: ModelPlan) -> PartWriter[bytes]:
        logs = PredictionLogs.of(model)

        def records(batch: Batch) -> Iterator[bytes]:
            return (b"".join(framed(each.to_pylist())) for each in logs(batch))

        return PartWriter(self._directory(model), "tfrecord", self.job_hash, records, open_bytes, self.starts)

    def _directory(self, model: ModelPlan) -> str:
        return f"{self.output_files.rstrip('/')}/{PREDICTION_LOGS}/{model.name}"


class PredictionLogWriter:
    """Writes batches to the directories of all models."""

    def __init__(self, models: Sequence[PartWriter[bytes]]) -> None:
        self._models = models

    def write(self, batch: Batch) -> None:
        for model in self._models:
            model.write(batch)

    def close(self) -> None:
        for model in self._models:
            model.close()

    def discard(self) -> None:
        for model in self._models:
            model.discard()
