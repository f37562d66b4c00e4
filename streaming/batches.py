"""The nouns: the envelope of a message, a batch of messages, and a failure.

One Beam element is one `Batch`: an Arrow record batch of messages, from the reader to the sinks. Each step
adds columns to it, or moves rows out of it into the batch's own failures.

Columns of `Batch.rows`, in the order in which the steps add them:

| column | type | added by |
|---|---|---|
| the envelope, `ENVELOPE` | see below | Decode (`event_time` is null until Window sets it) |
| `read_at` | timestamp | Decode: when it took the message up |
| `field:<name>` | the schema's type | Decode: one column per usable field of the message schema |
| `window_start`, `window_end` | timestamp | Window |
| `example` | large_binary | ToExamples: serialized `tf.Example`s |
| `model:<name>` | struct, null where the model did not answer | Infer: see `answer_type` |

This module knows neither Beam nor any Google client.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

TIMESTAMP = pa.timestamp("us", tz="UTC")

ENVELOPE = pa.schema(
    [
        pa.field("id", pa.string()),  # identifies the message: `prediction_id` is `<id>/<model>`
        pa.field("message_id", pa.string()),
        pa.field("publish_time", TIMESTAMP),
        pa.field("key", pa.string()),
        pa.field("event_time", TIMESTAMP),
        pa.field("attributes", pa.map_(pa.string(), pa.string())),
        pa.field("payload", pa.large_binary()),
    ]
)
"""What joins a prediction, its row, its output message and its failure. Made once by Decode, never rebuilt."""

ORIGINAL_ID = "original_message_id"
"""The attribute by which a replayed message, or a dead letter of it, says what Pub/Sub's id of it was at first."""

FAILURE = pa.schema(
    [
        *ENVELOPE,
        pa.field("stage", pa.string()),
        pa.field("error_class", pa.string()),
        pa.field("error_message", pa.string()),
        pa.field("model", pa.string()),
        pa.field("stacktrace", pa.string()),
    ]
)
"""A failure is a row: the envelope as far as it is known, and what went wrong where. An event's envelope is empty."""


def field_column(name: str) -> str:
    """The column of `Batch.rows` that holds the message schema's field `name`."""
    return f"field:{name}"


def model_column(name: str) -> str:
    """The column of `Batch.rows` that holds the answers of the model `name`."""
    return f"model:{name}"


def model_output(rows: pa.RecordBatch, column: str, output: str) -> pa.Array:
    """An output in a column of answers; null where the model has not answered."""
    # Not StructArray.field, which knows nothing of the struct's own nulls.
    return pc.struct_field(rows.column(column), [output])


ANSWER_CONSTANTS = (
    pa.field("model_version", pa.string()),  # its generation, or else its fingerprint
    pa.field("model_fingerprint", pa.string()),
    pa.field("processed_at", TIMESTAMP),
    pa.field("batch_size", pa.int64()),
)
"""What every answer says of itself beside its outputs; null where nobody knows.

Parenthesised in `answer_type` so that no output collides.
"""


def answer_type(outputs: Sequence[pa.Field]) -> pa.StructType:
    """The type of a `model:<name>` column: the model's outputs, then `(model_version)` and the like."""
    constants = [pa.field(f"({constant.name})", constant.type) for constant in ANSWER_CONSTANTS]
    return pa.struct([*outputs, *constants])


@dataclass(frozen=True)
class Failure:
    """Why rows were rejected, or what else went wrong.

    `stage` is one of decode, event_time, to_example, infer:<model>, write_table, publish; and generation, of an event.
    """

    stage: str
    error_class: str
    error_message: str
    model: str | None = None
    stacktrace: str | None = None


def failure_rows(envelopes: pa.RecordBatch, failures: Sequence[Failure]) -> pa.RecordBatch:
    """Rows of `FAILURE`: the i-th envelope failed by the i-th failure.

    Args:
        envelopes: rows with (at least) the columns of `ENVELOPE`.
        failures: as many as there are rows.
    """
    if envelopes.num_rows != len(failures):
        raise ValueError(f"{envelopes.num_rows} envelopes for {len(failures)} failures")
    known = [envelopes.column(name) for name in ENVELOPE.names]
    added = list(FAILURE)[len(ENVELOPE) :]
    wrong = [pa.array([getattr(failure, column.name) for failure in failures], column.type) for column in added]
    return pa.RecordBatch.from_arrays([*known, *wrong], schema=FAILURE)


NO_FAILURES = pa.RecordBatch.from_arrays([pa.array([], column.type) for column in FAILURE], schema=FAILURE)


@dataclass(frozen=True)
class Batch:
    """Messages on their way through the job, and those that fell out of it.

    Immutable; holds only Arrow data, so that its coder is Arrow's own format.
    """

    rows: pa.RecordBatch
    failures: pa.RecordBatch = field(default_factory=lambda: NO_FAILURES)

    def __len__(self) -> int:
        return int(self.rows.num_rows)

    def column(self, name: str) -> pa.Array:
        return self.rows.column(name)

    def with_column(self, name: str, values: pa.Array) -> Batch:
        """This batch with the column `name` set to `values` (one a row)."""
        index = self.rows.schema.get_field_index(name)
        if index < 0:
            return replace(self, rows=self.rows.append_column(name, values))
        return replace(self, rows=self.rows.set_column(index, name, values))

    def without_answers(self, model: str, mask: pa.BooleanArray) -> Batch:
        """This batch without the model's answers for the masked rows."""
        answers = self.column(model_column(model))
        return self.with_column(model_column(model), pc.if_else(mask, pa.scalar(None, answers.type), answers))

    def slice(self, start: int, length: int) -> Batch:
        """Rows `start` to `start + length`, without the failures."""
        return Batch(self.rows.slice(start, length))

    def failing(self, mask: pa.BooleanArray, failures: Sequence[Failure]) -> Batch:
        """This batch with the masked rows' failures added; the rows stay.

        Args:
            mask: one boolean a row, true where the row failed; null counts as false.
            failures: one for each true value, in row order.
        """
        if not failures:
            return self
        return self._with_failures(failure_rows(self.rows.filter(mask), failures))

    def rejecting(self, mask: pa.BooleanArray, failures: Sequence[Failure]) -> Batch:
        """As `failing`, and the masked rows leave the batch."""
        if not failures:
            return self
        failed = self.failing(mask, failures)
        return replace(failed, rows=failed.rows.filter(pc.invert(mask.fill_null(False))))

    def with_events(self, failures: Sequence[Failure]) -> Batch:
        """This batch with failures of no message added, as of a model's refused generation: their envelope is empty."""
        nothing = [pa.nulls(len(failures), column.type) for column in ENVELOPE]
        return self._with_failures(failure_rows(pa.RecordBatch.from_arrays(nothing, schema=ENVELOPE), failures))

    def _with_failures(self, added: pa.RecordBatch) -> Batch:
        return replace(self, failures=pa.concat_batches([self.failures, added]))


def by_row(rows: int, failures: Mapping[int, Failure]) -> tuple[pa.BooleanArray, list[Failure]]:
    """Failures by the number of their row, as `Batch.failing` and `Batch.rejecting` take them.

    Args:
        rows: how many rows the batch has.
        failures: row number -> why it failed.
    """
    mask = np.zeros(rows, bool)
    mask[list(failures)] = True
    return pa.array(mask), [failures[row] for row in sorted(failures)]


def concat(batches: Sequence[Batch]) -> Batch:
    """One batch of the rows and the failures of several with equal columns, in order."""
    return Batch(
        pa.concat_batches([batch.rows for batch in batches]),
        pa.concat_batches([batch.failures for batch in batches]),
    )


_MAGIC = b"batch\x01"
_SIZE = struct.Struct("<Q")


def to_bytes(batch: Batch) -> bytes:
    """The batch as bytes: a versioned mark, the size of the first Arrow IPC stream, then rows and failures."""
    rows, failures = _ipc(batch.rows), _ipc(batch.failures)
    return b"".join([_MAGIC, _SIZE.pack(len(rows)), rows, failures])


def from_bytes(data: bytes) -> Batch:
    """The inverse of `to_bytes`.

    Raises:
        ValueError: the bytes are not a batch of this version.
    """
    if not data.startswith(_MAGIC):
        raise ValueError(f"not a batch of version {_MAGIC[-1]}: starts with {data[:6]!r}")
    start = len(_MAGIC) + _SIZE.size
    (size,) = _SIZE.unpack_from(data, len(_MAGIC))
    view = memoryview(data)
    return Batch(_read_ipc(view[start : start + size]), _read_ipc(view[start + size :]))


def _ipc(rows: pa.RecordBatch) -> bytes:
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, rows.schema) as writer:
        writer.write_batch(rows)
    return sink.getvalue()


def _read_ipc(data: memoryview) -> pa.RecordBatch:
    with pa.ipc.open_stream(pa.py_buffer(data)) as reader:
        return reader.read_next_batch()
