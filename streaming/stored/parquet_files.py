"""Parquet files, a row group at a time, as Arrow from the file to the batch."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import accumulate

import pyarrow as pa
import pyarrow.parquet as pq

from streaming.errors import one_line
from streaming.stored.opening import StoredFile, open_file
from streaming.stored.records import Part, Records


def parts(file: StoredFile) -> tuple[tuple[Part, ...], pa.Schema]:
    """A part for each row group that has rows, and the file's columns, without dictionaries.

    Raises:
        pa.ArrowInvalid: it is no Parquet file, or not whole.
        OSError: as before, or it cannot be read.
    """
    with open_file(file.path) as opened:
        found = pq.ParquetFile(opened)
        sizes = [found.metadata.row_group(index).num_rows for index in range(found.num_row_groups)]
        schema = pa.schema([_plain(field) for field in found.schema_arrow])
    firsts = accumulate(sizes, initial=1)
    groups = [
        Part(file.path, "parquet", first, file.changed, str(index))
        for index, (first, size) in enumerate(zip(firsts, sizes, strict=False))
        if size
    ]
    return tuple(groups), schema


def read(part: Part, columns: pa.Schema, rows: int, size: int) -> Iterator[Records]:
    """The rows of a row group, at most so many, or about so many bytes, at once: these columns, in that order."""
    first = part.first
    with open_file(part.origin) as opened:
        # Many small requests cost a network more than memory costs us.
        file = pq.ParquetFile(opened, pre_buffer="://" in part.origin, page_checksum_verification=True)
        group = file.metadata.row_group(int(part.name))
        most = min(rows, _fitting(group, columns.names, size))
        batches = file.iter_batches(most, row_groups=[int(part.name)], columns=columns.names)
        while True:
            try:
                batch = next(batches, None)
            except (pa.ArrowInvalid, OSError) as error:
                if not _is_corrupt(error):
                    raise
                last = part.first + group.num_rows - 1
                why = f"the row group cannot be read from here to #{last}: {one_line(error)}"
                none = pa.RecordBatch.from_pylist([], columns)
                yield Records(part.origin, first, part.published, none, why, goes_on=True)
                return
            if batch is None:
                return
            yield Records(part.origin, first, part.published, _decoded(batch.select(columns.names)))
            first += batch.num_rows


def _fitting(group: pq.RowGroupMetaData, names: Collection[str], size: int) -> int:
    """How many rows have about so many bytes, at least one: a batch is in memory whole before it can be cut."""
    columns = [group.column(index) for index in range(group.num_columns)]
    read = [each for each in columns if each.path_in_schema.partition(".")[0] in names]
    return max(1, size * group.num_rows // max(1, sum(each.total_uncompressed_size for each in read)))


def _plain(field: pa.Field) -> pa.Field:
    return pa.field(field.name, field.type.value_type if pa.types.is_dictionary(field.type) else field.type)


def _decoded(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Without dictionaries, of which a slice has, and is counted with, the whole."""
    columns = [each.dictionary_decode() if pa.types.is_dictionary(each.type) else each for each in batch.columns]
    return pa.RecordBatch.from_arrays(columns, batch.schema.names)


def _is_corrupt(error: Exception) -> bool:
    """Whether Parquet's reader complains of what it reads: errors of a disk have a number, of a network a class."""
    return isinstance(error, pa.ArrowInvalid) or (type(error) is OSError and error.errno is None)
