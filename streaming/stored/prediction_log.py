"""Predictions as TFRecords of `PredictionLog`s, as tfx-bsl's `RunInference` makes them, for the tools of TFX.

A log holds what a model was given and what it answered, and nothing else: neither a key nor an id.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import google_crc32c
import pyarrow as pa
from apache_beam.transforms.display import HasDisplayData

from streaming.batches import Batch
from streaming.stored.output import OutputPart
from streaming.stored.predict_logs import PredictionLogs
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

    def writer(self) -> PredictionLogWriter:
        return PredictionLogWriter(self)


class PredictionLogWriter:
    """Writes batches, part after part."""

    def __init__(self, files: PredictionLogFiles) -> None:
        directory = f"{files.output_files.rstrip('/')}/{PREDICTION_LOGS}"
        self._parts = {
            model.name: OutputPart(f"{directory}/{model.name}", "tfrecord", files.job_hash, RecordFile, files.starts)
            for model in files.models
        }
        self._logs = [PredictionLogs.of(model) for model in files.models]

    def write(self, batch: Batch) -> None:
        for logs in self._logs:
            part = self._parts[logs.model.name]
            part.follow(batch)
            for records in logs(batch):
                part.write(records)

    def close(self) -> None:
        for part in self._parts.values():
            part.close()

    def discard(self) -> None:
        for part in self._parts.values():
            part.discard()


class RecordFile:
    """A TFRecord file under way: each record between its length and a checksum, both checked themselves."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("xb")

    def write(self, records: pa.LargeBinaryArray) -> None:
        self._file.write(b"".join(_framed(records.to_pylist())))

    def close(self) -> None:
        self._file.close()


def _framed(records: Iterable[bytes]) -> Iterator[bytes]:
    for record in records:
        yield _length(len(record))
        yield record
        yield _masked_checksum(record)


@lru_cache(maxsize=4096)
def _length(size: int) -> bytes:
    length = struct.pack("<Q", size)
    return length + _masked_checksum(length)


def _masked_checksum(data: bytes) -> bytes:
    """Its CRC32C as TFRecords have it, so that records may hold records."""
    checksum = google_crc32c.value(data)
    return struct.pack("<I", ((checksum >> 15 | checksum << 17) + 0xA282EAD8) & 0xFFFFFFFF)
