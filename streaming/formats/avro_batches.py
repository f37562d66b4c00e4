"""Avro binary to columns a batch at a time, by pyruhvro: fast, and sure only of what can be confirmed."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc
import pyruhvro

from streaming.formats.avro_types import holds_bytes
from streaming.formats.decoded import columns_schema
from streaming.schema import MessageSchema


class BatchReader:
    """Reads many payloads at once.

    pyruhvro ignores what follows a datum, cuts off what is too large for an int, and does not check that strings are
    UTF-8. So the batch is written back: a message was read as it is if the same bytes come out.

    Args:
        schema: the message schema.
        form: the JSON schema to read it with, from `streaming.formats.avro_types.pyruhvro_schema`.
    """

    def __init__(self, schema: MessageSchema, form: str) -> None:
        self._form = form
        self._columns = columns_schema(schema.fields)
        names = schema.record.fields
        self._usable = [(names.index(field.name), field.type) for field in schema.fields]
        self._unusable_texts = [
            names.index(name) for name in schema.unusable if not holds_bytes(schema.record.parts[names.index(name)])
        ]

    def read(self, payloads: list[bytes]) -> tuple[pa.RecordBatch, pa.BooleanArray]:
        """The field columns, a row for each payload, and which rows are confirmed; the others may be wrong.

        Raises:
            ValueError: a payload cannot be read, or holds a string that is not UTF-8; it is not known which.
        """
        batch = pyruhvro.deserialize_array(payloads, self._form)
        (written,) = pyruhvro.serialize_record_batch(batch, self._form, 1)
        for index in self._unusable_texts:
            batch.column(index).validate(full=True)
        arrays = [batch.column(index).cast(kind) for index, kind in self._usable]
        columns = pa.RecordBatch.from_arrays(arrays, schema=self._columns)
        columns.validate(full=True)
        return columns, pc.equal(written, pa.array(payloads, written.type))
