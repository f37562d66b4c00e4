"""Records of stored data to a batch: what Decode is to messages, with equal results for equal contents."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from streaming.batches import ENVELOPE, NO_FAILURES, TIMESTAMP, Batch, Failure, failure_rows
from streaming.decode import Assembler
from streaming.features import EXAMPLE as EXAMPLES
from streaming.formats.avro import AvroReader
from streaming.formats.decoded import Decoded, failure
from streaming.formats.json_records import JsonReader
from streaming.stored import needs
from streaming.stored.example_reader import ExampleReader
from streaming.stored.file_formats import format_of
from streaming.stored.records import EXAMPLE, PAYLOAD, Form, Records
from streaming.stored.row_json import row_json
from streaming.stored.rows import publish_times, read_rows, to_attributes
from streaming.wiring import Contract


class Shaper:
    """A picklable function of `Records` to a `Batch`; of what follows the last record it says nothing, see `broken`.

    A record is rejected, in the stage decode, as a message with the same contents would be. Payloads are decoded by
    the file's own format, which its ending tells: an Avro datum, or else plain JSON; the schema is the type contract
    of both. Rows that come with `tf.Example`s have the column `example`, too.

    Args:
        contract: of the job.
        form: what the records are.
        clock: nanoseconds since 1970; picklable.
    """

    def __init__(self, contract: Contract, form: Form, clock: Callable[[], int] = time.time_ns) -> None:
        self._arguments = (contract, form, clock)
        schema, message = contract.schema, contract.message
        self._form = form
        self._fields = schema.fields
        self._assemble = Assembler(schema, message.key, message.id, clock)
        self._attributes = tuple(needs.attributes(contract))
        self._publish_time = None if schema.field(needs.PUBLISH_TIME) else needs.PUBLISH_TIME
        self._avro, self._json = AvroReader(schema), JsonReader(schema, plain=True)
        self._examples = ExampleReader(contract)

    def __reduce__(self) -> tuple[type[Shaper], tuple[Any, ...]]:
        return (Shaper, self._arguments)

    def __call__(self, records: Records) -> Batch:
        started = self._assemble.now()
        decoded = self._decode(records)
        batch = self._assemble(self.envelopes(records), decoded, started)
        return batch.with_column(EXAMPLES, batch.column("payload")) if self._form == "examples" else batch

    def envelopes(self, records: Records) -> pa.RecordBatch:
        """The envelopes of the records, without the key, and an id of the job file's own."""
        rows, count = records.rows, len(records)
        message_ids = _message_ids(records.origin, records.first, count)
        known = {name: rows.column(name) for name in self._attributes if name in rows.schema.names}
        columns = {
            "id": message_ids,
            "message_id": message_ids,
            "publish_time": publish_times(self._published(rows), count, records.published),
            "key": pa.nulls(count, pa.string()),
            "event_time": pa.nulls(count, TIMESTAMP),
            "attributes": to_attributes(known if self._form == "rows" else {}, count),
            "payload": self._payloads(rows),
        }
        return pa.RecordBatch.from_pydict(columns, schema=ENVELOPE)

    def _decode(self, records: Records) -> Decoded:
        if self._form == "rows":
            return read_rows(records.rows, self._fields)
        payloads = self._payloads(records.rows).to_pylist()
        if self._form == "examples":
            return self._examples(payloads)
        reader = self._avro if format_of(records.origin) == "avro" else self._json
        return reader.read(payloads)

    def _published(self, rows: pa.RecordBatch) -> pa.Array | None:
        if self._form != "rows" or self._publish_time not in rows.schema.names:
            return None
        return rows.column(self._publish_time)

    def _payloads(self, rows: pa.RecordBatch) -> pa.LargeBinaryArray:
        """The original bytes; of rows, their JSON."""
        if self._form == "rows":
            names = [field.name for field in self._fields if field.name in rows.schema.names]
            return row_json({name: rows.column(name) for name in names}, rows.num_rows)
        return rows.column(EXAMPLE if self._form == "examples" else PAYLOAD).cast(pa.large_binary())


def broken(records: Records) -> pa.RecordBatch:
    """The dead letter of what cannot be read after the last of the records: a row of `FAILURE`, or none."""
    if records.broken is None:
        return NO_FAILURES
    message_id = _message_ids(records.origin, records.first + len(records), 1)
    known = {
        "id": message_id,
        "message_id": message_id,
        "publish_time": pa.array([records.published], TIMESTAMP),
        "payload": pa.array([records.damaged], pa.large_binary()),
    }
    columns = [known.get(column.name, pa.nulls(1, column.type)) for column in ENVELOPE]
    return failure_rows(pa.RecordBatch.from_arrays(columns, schema=ENVELOPE), [_unreadable(records)])


def _unreadable(records: Records) -> Failure:
    if records.goes_on:
        return failure("UnreadableRecord", f"{records.broken}; the rest of {records.origin} is read")
    return failure("UnreadableFile", f"{records.broken}; the rest of {records.origin} cannot be read")


def _message_ids(origin: str, first: int, count: int) -> pa.StringArray:
    numbers = pa.array(np.arange(first, first + count)).cast(pa.string())
    return pc.binary_join_element_wise(origin, numbers, "#")
