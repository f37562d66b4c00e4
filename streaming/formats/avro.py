"""Avro binary to columns: whole batches by pyruhvro, and every message of which there is a doubt by fastavro.

fastavro's verdict is the one that counts; pyruhvro is many times faster, and used as far as it can be checked.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from streaming.formats.avro_batches import BatchReader
from streaming.formats.avro_messages import MessageReader
from streaming.formats.avro_types import pyruhvro_schema
from streaming.formats.decoded import Decoded, Piece, from_records, interleave
from streaming.schema import MessageSchema

FEW = 64
"""So many messages are cheaper read one by one than divided once more (measured, at 20 fields)."""


class AvroReader:
    """Reads payloads that are a datum of the schema each, and nothing else.

    Args:
        schema: the message schema.
        few: of so many payloads among which pyruhvro refuses one, fastavro reads each.
    """

    def __init__(self, schema: MessageSchema, few: int = FEW) -> None:
        form = pyruhvro_schema(schema.record)
        self._schema = schema
        self._few = few
        self._messages = MessageReader(schema)
        self._batches = None if form is None else BatchReader(schema, form)

    def read(self, payloads: list[bytes]) -> Decoded:
        """The field columns of the payloads, whichever way is the fastest."""
        if self._batches is None:
            return self.read_each(payloads)
        pieces = list(self._pieces(self._batches, payloads, 0))
        return pieces[0][1] if len(pieces) == 1 else interleave(pieces)

    def read_each(self, payloads: list[bytes]) -> Decoded:
        """As `read`, every message by fastavro."""
        return from_records(self._schema.fields, [self._messages.read(payload) for payload in payloads])

    def _pieces(self, reader: BatchReader, payloads: list[bytes], start: int) -> Iterator[Piece]:
        """The payloads in halves, until none holds one that pyruhvro refuses, or few are left."""
        rows = np.arange(start, start + len(payloads))
        try:
            columns, sure = reader.read(payloads)
        except ValueError:
            if len(payloads) <= self._few:
                yield rows, self.read_each(payloads)
                return
            half = len(payloads) // 2
            yield from self._pieces(reader, payloads[:half], start)
            yield from self._pieces(reader, payloads[half:], start + half)
            return
        doubtful = np.flatnonzero(~sure.to_numpy(zero_copy_only=False))
        if len(doubtful) == 0:
            yield rows, Decoded(columns, {})
            return
        yield rows[doubtful], self.read_each([payloads[row] for row in doubtful])
        yield np.delete(rows, doubtful), Decoded(columns.filter(sure), {})
