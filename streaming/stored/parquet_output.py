"""Predictions as Parquet files with the columns of the predictions table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from apache_beam.transforms.display import HasDisplayData

from streaming.batches import Batch
from streaming.results import table_schema, to_predictions
from streaming.stored.output import PartWriter
from streaming.wiring import ModelPlan, output_columns

PREDICTIONS = "predictions"
GROUP_ROWS = 50_000
GROUP_BYTES = 64 << 20
"""A row group is full at either: so much is held in memory."""


@dataclass(frozen=True)
class ParquetFiles(HasDisplayData):
    """A directory of Parquet files: `<output_files>/predictions/part-….parquet`."""

    output_files: str
    models: tuple[ModelPlan, ...]
    job_hash: str
    starts: frozenset[str] = frozenset()

    def display_data(self) -> dict[str, str]:
        return {"output_files": self.output_files, "output_format": "parquet"}

    @property
    def directories(self) -> list[str]:
        """Those that its files lie in."""
        return [f"{self.output_files.rstrip('/')}/{PREDICTIONS}"]

    def writer(self) -> PartWriter[pa.RecordBatch]:
        schema = table_schema(output_columns(self.models))
        contents, begin = partial(self._rows, schema=schema), partial(RowGroups, schema=schema)
        return PartWriter(self.directories[0], "parquet", self.job_hash, contents, begin, self.starts)

    def _rows(self, batch: Batch, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        rows = to_predictions(batch, self.models, self.job_hash, schema).rows
        if rows.num_rows:
            yield rows


class RowGroups:
    """A Parquet file under way. A row group of each batch would be small, and slow to read: they are gathered."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._file = pq.ParquetWriter(path, schema, compression="zstd")
        self._waiting: list[pa.RecordBatch] = []
        self._rows = self._bytes = 0

    def write(self, rows: pa.RecordBatch) -> None:
        self._waiting.append(rows)
        self._rows += rows.num_rows
        self._bytes += rows.nbytes
        if self._rows >= GROUP_ROWS or self._bytes >= GROUP_BYTES:
            self._write_group()

    def close(self) -> None:
        if self._waiting:
            self._write_group()
        self._file.close()

    def _write_group(self) -> None:
        group = pa.Table.from_batches(self._waiting)
        self._file.write_table(group, row_group_size=group.num_rows)
        self._waiting.clear()
        self._rows = self._bytes = 0
