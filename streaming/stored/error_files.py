"""Dead letters as files of JSON lines with the columns of the dead-letter table."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pyarrow as pa
from apache_beam.transforms.display import HasDisplayData

from streaming import deadletters
from streaming.batches import Batch
from streaming.stored.output import OutputPart

ERROR_RECORDS = "error_records"


@dataclass(frozen=True)
class ErrorFiles(HasDisplayData):
    """A directory of dead letters: `<output_files>/error_records/part-….ndjson`."""

    output_files: str
    job_name: str
    job_hash: str
    starts: frozenset[str] = frozenset()

    def display_data(self) -> dict[str, str]:
        return {"output_files": self.output_files}

    def writer(self) -> ErrorWriter:
        return ErrorWriter(self.output_files, self.job_name, self.job_hash, self.starts)


class ErrorWriter:
    """Writes batches' failures, part after part."""

    def __init__(self, output_files: str, job_name: str, job_hash: str, starts: Collection[str]) -> None:
        self._job_name = job_name
        self._part = OutputPart(f"{output_files.rstrip('/')}/{ERROR_RECORDS}", "ndjson", job_hash, _Lines, starts)

    def write(self, batch: Batch) -> None:
        self._part.follow(batch)
        if batch.failures.num_rows:
            self._part.write(self._lines(batch.failures))

    def close(self) -> None:
        self._part.close()

    def discard(self) -> None:
        self._part.discard()

    def _lines(self, failures: pa.RecordBatch) -> bytes:
        rows, _ = deadletters.to_rows(failures, self._job_name, datetime.now(UTC))
        return b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows)


class _Lines:
    """A file of lines under way."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("xb")

    def write(self, content: bytes) -> None:
        self._file.write(content)

    def close(self) -> None:
        self._file.close()
