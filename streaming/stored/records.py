"""The nouns of stored data: a part of a file or table that is read in one go, and some records of it.

A record is called `<origin>#<number>`, the first one of a file or table 1: that is its message id.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import pyarrow as pa

PAYLOAD = "payload"
"""The only column of `Records.rows` that come from Avro files and NDJSON: large_binary, as a message's payload."""

EXAMPLE = "example"
"""The only column of those from TFRecord files: large_binary, serialized `tf.Example`s."""

Form = Literal["payloads", "rows", "examples"]
"""What the records of an input are, which is how they become a batch."""


@dataclass(frozen=True)
class Part:
    """What one reader reads from its first record to its last.

    Attributes:
        origin: the file's path, or the table's id.
        format: avro, ndjson, parquet, tfrecord or table.
        first: the number of its first record; 0 where only reading tells.
        published: when the file or table was last changed, in microseconds since 1970: the publish time of records
            that say nothing else, so that reading them again gives the same.
        name: of a table, the stream that reads it; of a Parquet file, the number of its row group; else empty.
    """

    origin: str
    format: Literal["avro", "ndjson", "parquet", "tfrecord", "table"]
    first: int
    published: int
    name: str = ""


@dataclass(frozen=True)
class Records:
    """Some records of a part, in order: one element of the graph before it is a `Batch`.

    Attributes:
        origin: as the part's.
        first: the number of the first of them.
        published: as the part's.
        rows: a column `payload` or `example`, or a column for each field.
        broken: why the record after the last of them cannot be read.
        goes_on: whether those that follow that one can be; else it is the last of its part that is told of.
        damaged: the bytes of that one, where they are known.
    """

    origin: str
    first: int
    published: int
    rows: pa.RecordBatch
    broken: str | None = None
    goes_on: bool = False
    damaged: bytes = b""

    def __len__(self) -> int:
        return int(self.rows.num_rows)

    def slice(self, start: int, length: int) -> Records:
        """Some of the records; what is said of the one after the last goes with the last."""
        is_end = start + length >= len(self)
        return replace(
            self,
            first=self.first + start,
            rows=self.rows.slice(start, length),
            broken=self.broken if is_end else None,
        )
