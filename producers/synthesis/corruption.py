"""Payloads as they are sent: some cut, some of another schema than the job's; and what can still be read in them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import fastavro
import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from producers.devices.slots import Integers
from producers.messages import Fault
from producers.synthesis.contents import Contents
from producers.synthesis.faults import Drawn
from producers.synthesis.payloads import Encoding, datum, encoder
from producers.synthesis.reference_reader import reference_reader
from producers.synthesis.zeros import constant
from streaming.schema import MessageSchema, SchemaField

_HEARTBEAT: Any = {
    "type": "record",
    "name": "Heartbeat",
    "fields": [{"name": "battery_percent", "type": "int"}, {"name": "firmware", "type": "string"}],
}
_LOCATION: Any = {
    "type": "record",
    "name": "Location",
    "fields": [{"name": "site", "type": "string"}, {"name": "floor", "type": "long"}, {"name": "x", "type": "double"}],
}
_REREAD = (Fault.TRUNCATED, Fault.WRONG_SCHEMA, Fault.SCHEMA_CHANGE, Fault.POISON)
"""The faults of which only a reader can tell what comes."""


@dataclass(frozen=True)
class Sent:
    """The payloads of a block.

    Attributes:
        payloads: as they are sent.
        contents: what a reader of the job's schema reads.
        unreadable: the payloads that are no message of this schema.
    """

    payloads: pa.LargeBinaryArray
    contents: Contents
    unreadable: pa.BooleanArray


class PayloadWriter:
    """Encodes messages, and corrupts the payloads that are to be.

    Args:
        schema: the job's.
        encoding: of the payloads.
        newer: the schema of messages after a schema change; None where there is none.
    """

    def __init__(self, schema: MessageSchema, encoding: Encoding, newer: MessageSchema | None) -> None:
        self._encoding = encoding
        self._newer = newer
        self._encode = encoder(schema, encoding)
        self._encode_newer = None if newer is None else encoder(newer, encoding)
        self._read = reference_reader(schema, encoding)

    def __call__(self, contents: Contents, drawn: Drawn, random: np.random.Generator) -> Sent:
        """The payloads of messages that say this and have these faults."""
        payloads = self._corrupted(self._encode(contents.fields), contents.fields, drawn, random)
        fields, unreadable = self._read_again(payloads, contents.fields, drawn.rows(*_REREAD))
        return Sent(payloads, replace(contents, fields=fields), unreadable)

    def _read_again(
        self, payloads: pa.LargeBinaryArray, fields: pa.RecordBatch, rows: Integers
    ) -> tuple[pa.RecordBatch, pa.BooleanArray]:
        """The fields with what can be read in some rows' payloads in these rows, and where nothing can."""
        records = [self._read(payload) for payload in payloads.take(pa.array(rows)).to_pylist()]
        unreadable = np.zeros(len(payloads), bool)
        unreadable[rows] = [record is None for record in records]
        columns = [
            _replaced(column, rows, [record and record[name] for record in records])
            for name, column in zip(fields.schema.names, fields.columns, strict=True)
        ]
        return pa.RecordBatch.from_arrays(columns, schema=fields.schema), pa.array(unreadable)

    def _corrupted(
        self, payloads: pa.LargeBinaryArray, fields: pa.RecordBatch, drawn: Drawn, random: np.random.Generator
    ) -> pa.LargeBinaryArray:
        cut, wrong, changed = (
            drawn.rows(fault) for fault in (Fault.TRUNCATED, Fault.WRONG_SCHEMA, Fault.SCHEMA_CHANGE)
        )
        odd = [
            *(_cut(payload, random) for payload in payloads.take(pa.array(cut)).to_pylist()),
            *(self._foreign(random) for _ in wrong),
            *self._newer_payloads(fields.take(pa.array(changed))),
        ]
        return _replaced(payloads, np.concatenate([cut, wrong, changed]), odd)

    def _foreign(self, random: np.random.Generator) -> bytes:
        """A payload of quite another schema, in which the job's reader sees no message."""
        return next(payload for payload in _foreign_payloads(self._encoding, random) if self._read(payload) is None)

    def _newer_payloads(self, fields: pa.RecordBatch) -> list[bytes]:
        if self._newer is None or self._encode_newer is None or not fields.num_rows:
            return []
        columns = {field.name: _carried(field, fields) for field in self._newer.fields}
        payloads: list[bytes] = self._encode_newer(pa.RecordBatch.from_pydict(columns)).to_pylist()
        return payloads


def _cut(payload: bytes, random: np.random.Generator) -> bytes:
    """The payload without its end: at least one byte of it, if it has two."""
    return payload[: random.integers(1, len(payload))] if len(payload) > 1 else b""


def _foreign_payloads(encoding: Encoding, random: np.random.Generator) -> Iterator[bytes]:
    """Endlessly many, of three schemas in turn: one schema alone might read as the job's, by chance or by likeness."""
    write = datum if encoding == "avro" else _json
    heartbeats, locations, lists = _foreign_schemas()
    while True:
        number = int(random.integers(51, 101))
        heartbeat = {"battery_percent": number, "firmware": f"1.{number}.0"}
        yield write(heartbeats, heartbeat)
        yield write(locations, {"site": f"hall {number}", "floor": number % 7, "x": number / 4})
        yield write(lists, [heartbeat] * (number % 3 + 1))


@cache
def _foreign_schemas() -> tuple[Any, ...]:
    written = (_HEARTBEAT, _LOCATION, {"type": "array", "items": _HEARTBEAT})
    return tuple(fastavro.parse_schema(schema) for schema in written)


def _json(_: Any, value: Any) -> bytes:
    return orjson.dumps(value)


def _carried(field: SchemaField, fields: pa.RecordBatch) -> pa.Array:
    """What a message of a newer schema holds in a field: what it held before where that fits, else a constant."""
    nothing = pa.scalar(constant(field), field.type)
    if field.name not in fields.schema.names:
        return pa.repeat(nothing, fields.num_rows)
    try:
        values = fields.column(field.name).cast(field.type, safe=False)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return pa.repeat(nothing, fields.num_rows)
    return pc.if_else(_fits(field, values), values, nothing)


def _fits(field: SchemaField, values: pa.Array) -> pa.BooleanArray:
    there = pc.or_(values.is_valid(), field.nullable)
    if field.avro.kind != "enum":
        return there
    known = pc.is_in(values, pa.array(field.avro.symbols))
    return pc.and_(there, pc.or_(known, values.is_null()))


def _replaced(values: pa.Array, rows: Integers, others: list[Any]) -> pa.Array:
    """The values, with others in some rows."""
    if not others:
        return values
    sources = np.arange(len(values))
    sources[rows] = np.arange(len(values), len(values) + len(rows))
    return pa.concat_arrays([values, pa.array(others, values.type)]).take(pa.array(sources))
