"""Read: the records of stored data, in pieces of a batch's size."""

from __future__ import annotations

import math
import pickle
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import apache_beam as beam
import pyarrow as pa

from streaming import metrics
from streaming.files import is_missing
from streaming.schema import MessageSchema
from streaming.stopping import stop_asked
from streaming.stored import avro_files, ndjson, parquet_files, progress, tables, tfrecords
from streaming.stored.inputs import Found
from streaming.stored.records import EXAMPLE, PAYLOAD, Part, Records

BATCH_BYTES = 8_000_000
"""A batch is no larger, as far as its records allow: as much as the stream's."""


_COLUMNS = {
    "avro": pa.schema([(PAYLOAD, pa.large_binary())]),
    "ndjson": pa.schema([(PAYLOAD, pa.large_binary())]),
    "tfrecord": pa.schema([(EXAMPLE, pa.large_binary())]),
}
"""Those of records that are no rows, by the format."""


class RecordsCoder(beam.coders.Coder):
    """`Records` as Arrow's stream format in a pickle. Beam samples elements even where a stage is fused."""

    def encode(self, value: Records) -> bytes:
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, value.rows.schema) as writer:
            writer.write_batch(value.rows)  # of a slice nothing but the slice, which a pickle of it would be whole
        rows = sink.getvalue().to_pybytes()
        return pickle.dumps((replace(value, rows=None), rows))

    def decode(self, encoded: bytes) -> Records:
        value, rows = pickle.loads(encoded)  # noqa: S301 - `encode` made it
        with pa.ipc.open_stream(rows) as reader:
            return replace(value, rows=reader.read_next_batch())

    def estimate_size(self, value: Records) -> int:
        return int(value.rows.nbytes)

    def is_deterministic(self) -> bool:
        return False

    def to_type_hint(self) -> type[Records]:
        return Records


class ReadStored(beam.PTransform):
    """The records of an input.

    The parts are spread over the workers; each part is read by one, from its first record to its last.

    Args:
        found: the input.
        rows: most records of one element.
        size: most bytes of one element, unless a single record has more.
        schema: the job's, of which the payloads from Avro files are; without it they are of the files'.
    """

    def __init__(self, found: Found, rows: int, size: int = BATCH_BYTES, schema: MessageSchema | None = None) -> None:
        super().__init__()
        self._found = found
        self._read = ReadParts(found.columns, rows, size, schema)

    def display_data(self) -> dict[str, Any]:
        return {self._found.parameter: self._found.value}

    def expand(self, pipeline: beam.Pipeline) -> beam.PCollection[Records]:
        beam.coders.registry.register_coder(Records, RecordsCoder)
        return (
            pipeline
            | "Parts" >> beam.Create(self._found.parts, reshuffle=False).with_output_types(Part)
            | "Spread" >> beam.Reshuffle()
            | "Records" >> beam.ParDo(self._read).with_output_types(Records)
        )


class ReadParts(beam.DoFn):
    """A part to its records; the arguments as of `ReadStored`, and the columns of Parquet files and tables."""

    def __init__(self, columns: pa.Schema | None, rows: int, size: int, schema: MessageSchema | None) -> None:
        self._columns = columns
        self._rows = rows
        self._size = size
        self._schema = schema

    def process(self, element: Part) -> Iterator[Records]:
        metrics.mark_ready()
        for records in self._as_long_as_it_is_there(element):
            if stop_asked.is_set():
                return
            yield from pieces(records, self._rows, self._size)
        progress.part_read()

    def _as_long_as_it_is_there(self, part: Part) -> Iterator[Records]:
        """The records; of a file that was there when the job was launched, and is no more, why there are none."""
        try:
            yield from self._records(part)
        except Exception as error:  # every file system has its own
            if not is_missing(error):
                raise
            none = pa.RecordBatch.from_pylist([], self._columns or _COLUMNS[part.format])
            yield Records(part.origin, max(1, part.first), part.published, none, "the file is no longer there")

    def _records(self, part: Part) -> Iterator[Records]:
        match part.format:
            case "avro":
                return avro_files.read(part, self._schema)
            case "ndjson":
                return ndjson.read(part)
            case "tfrecord":
                return tfrecords.read(part)
            case "parquet":
                return parquet_files.read(part, self._columns, self._rows, self._size)
            case "table":
                return tables.read(part, self._columns)


def pieces(records: Records, rows: int, size: int) -> Iterator[Records]:
    """The records in pieces as equal as can be, of at most so many rows and bytes; a larger one goes alone."""
    most = min(rows, max(1, size * len(records) // max(1, records.rows.nbytes)))
    if len(records) <= most:
        yield records
        return
    step = math.ceil(len(records) / math.ceil(len(records) / most))
    for start in range(0, len(records), step):
        yield from pieces(records.slice(start, min(step, len(records) - start)), rows, size)
