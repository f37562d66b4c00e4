"""Dead letters as files of JSON lines with the columns of the dead-letter table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import orjson
from apache_beam.transforms.display import HasDisplayData

from streaming import deadletters
from streaming.batches import Batch
from streaming.stored.output import PartWriter
from streaming.stored.whole_files import open_bytes

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

    @property
    def directories(self) -> list[str]:
        """Those that its files lie in."""
        return [f"{self.output_files.rstrip('/')}/{ERROR_RECORDS}"]

    def writer(self) -> PartWriter[bytes]:
        return PartWriter(self.directories[0], "ndjson", self.job_hash, self._lines, open_bytes, self.starts)

    def _lines(self, batch: Batch) -> Iterator[bytes]:
        if batch.failures.num_rows:
            rows, _ = deadletters.to_rows(batch.failures, self.job_name, datetime.now(UTC))
            yield b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows)
