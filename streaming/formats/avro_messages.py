"""Avro binary to values one message at a time, by fastavro, whose verdict is the one that counts."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import Any

import fastavro

from streaming.batches import Failure
from streaming.formats.avro_types import expansion, physical_schema, scalar_of
from streaming.formats.decoded import failure
from streaming.schema import MessageSchema

MOST_MEMORY = 2**30
"""What the Python objects of one message may take, in bytes, as `avro_types.expansion` estimates it."""

_INTS = range(-(2**31), 2**31)
_UNREADABLE = (EOFError, IndexError, ValueError)  # what fastavro raises on bytes that are no datum


class MessageReader:
    """Reads payloads that are a datum of the schema each, and nothing else."""

    def __init__(self, schema: MessageSchema) -> None:
        self._record = fastavro.parse_schema(json.loads(physical_schema(schema.record)))
        self._names = [field.name for field in schema.fields]
        self._ints = [field.name for field in schema.fields if scalar_of(field.avro).kind == "int"]
        self._most_bytes = MOST_MEMORY / max(1.0, expansion(schema.record))

    def read(self, payload: bytes) -> list[Any] | Failure:
        """The values of the usable fields, in the schema's order, or why there are none."""
        if not payload:
            return failure("EmptyPayload", "the payload is empty")
        if len(payload) > self._most_bytes:
            return failure("TooLarge", f"{len(payload)} bytes of this schema could take over {MOST_MEMORY} of memory")
        stream = io.BytesIO(payload)
        try:
            record = fastavro.schemaless_reader(stream, self._record)
        except _UNREADABLE as error:
            return self._unreadable(payload, error)
        if stream.tell() < len(payload):
            return failure("TrailingBytes", f"{len(payload) - stream.tell()} of {len(payload)} bytes follow the datum")
        return self._too_large(record) or [record[name] for name in self._names]

    def _unreadable(self, payload: bytes, error: Exception) -> Failure:
        place = f"field {self._first_unreadable(payload)}"
        if isinstance(error, UnicodeDecodeError):
            return failure("NotUtf8", f"{place}: a string is not UTF-8: {error.reason}")
        if isinstance(error, EOFError):
            return failure("AvroError", f"{place}: the payload of {len(payload)} bytes ends too early")
        return failure("AvroError", f"{place}: a union's or an enum's index is out of range, or the payload ends early")

    def _first_unreadable(self, payload: bytes) -> str:
        stream = io.BytesIO(payload)
        for field in self._record["fields"]:
            try:
                fastavro.schemaless_reader(stream, field["type"])
            except _UNREADABLE:
                break
        return str(field["name"])

    def _too_large(self, record: Mapping[str, Any]) -> Failure | None:
        """Ints, because fastavro reads them as longs."""
        for name in self._ints:
            values = record[name] if isinstance(record[name], list) else [record[name]]
            for value in values:
                if value is not None and value not in _INTS:
                    return failure("OutOfRange", f"field {name}: {value} does not fit an int")
        return None
