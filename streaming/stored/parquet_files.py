"""Parquet files, a row group at a time, as Arrow from the file to the batch."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate

import pyarrow as pa
import pyarrow.parquet as pq

from streaming.errors import one_line
from streaming.stored.opening import StoredFile, open_file
from streaming.stored.records import Part, Records


def parts(file: StoredFile) -> tuple[tuple[Part, ...], pa.Schema]:
    """A part for each row group that has rows, and the file's columns.

    Raises:
        pa.ArrowInvalid: it is no Parquet file, or not whole.
        OSError: as before, or it cannot be read.
    """
    with open_file(file.path) as opened:
        found = pq.ParquetFile(opened)
        sizes = [found.metadata.row_group(index).num_rows for index in range(found.num_row_groups)]
        schema = found.schema_arrow.remove_metadata()
    firsts = accumulate(sizes, initial=1)
    groups = [
        Part(file.path, "parquet", first, file.changed, str(index))
        for index, (first, size) in enumerate(zip(firsts, sizes, strict=False))
        if size
    ]
    return tuple(groups), schema


def read(part: Part, columns: pa.Schema, rows: int) -> Iterator[Records]:
    """The rows of a row group, at most so many at once: these columns, in that order."""
    first = part.first
    with open_file(part.origin) as opened:
        # Many small requests cost a network more than memory costs us.
        file = pq.ParquetFile(opened, pre_buffer="://" in part.origin)
        batches = file.iter_batches(rows, row_groups=[int(part.name)], columns=columns.names)
        while True:
            try:
                batch = next(batches, None)
            except (pa.ArrowInvalid, OSError) as error:
                if not _is_corrupt(error):
                    raise
                none = pa.RecordBatch.from_pylist([], columns)
                yield Records(part.origin, first, part.published, none, one_line(error))
                return
            if batch is None:
                return
            yield Records(part.origin, first, part.published, batch.select(columns.names))
            first += batch.num_rows


def _is_corrupt(error: Exception) -> bool:
    """Whether Parquet's reader complains of what it reads: errors of a disk have a number, of a network a class."""
    return isinstance(error, pa.ArrowInvalid) or (type(error) is OSError and error.errno is None)
