"""Files of stored records, as other programs write them, and what is read of them."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import fastavro
import pyarrow as pa
import pyarrow.parquet as pq
from apache_beam.io.tfrecordio import _TFRecordUtil

from streaming.stored.records import Part, Records
from tests.avro_cases import avro_binary

CHANGED = 1_767_225_600_000_000
FRAME_BYTES = 16  # around the data of a TFRecord

READING = {
    "type": "record",
    "name": "Reading",
    "fields": [
        {"name": "key", "type": "string"},
        {"name": "value", "type": "double"},
        {"name": "note", "type": ["null", "string"], "default": None},
    ],
}


def part(path: Path | str, kind: Any, first: int = 0, name: str = "") -> Part:
    return Part(str(path), kind, first, CHANGED, name)


def tfrecords(values: Iterable[bytes]) -> bytes:
    """By Beam's writer."""
    stream = io.BytesIO()
    for value in values:
        _TFRecordUtil.write_record(stream, value)
    return stream.getvalue()


def zipped(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


def readings(count: int) -> list[dict[str, Any]]:
    return [{"key": f"device-{n}", "value": n / 4, "note": None if n % 3 else f"n{n}"} for n in range(count)]


def avro_file(records: Iterable[Any], schema: Any = READING, codec: str = "null", block: int = 16_000) -> bytes:
    stream = io.BytesIO()
    fastavro.writer(stream, schema, records, codec=codec, sync_interval=block, sync_marker=b"0123456789abcdef")
    return stream.getvalue()


def datums(records: Iterable[Any], schema: Any = READING) -> list[bytes]:
    return [avro_binary(fastavro.parse_schema(schema), record) for record in records]


def snappied(plain: bytes) -> bytes:
    """A block as Avro's codec snappy has it; fastavro's is a package of its own."""
    return bytes(pa.Codec("snappy").compress(plain, asbytes=True)) + zlib.crc32(plain).to_bytes(4, "big")


def parquet_file(table: pa.Table, group: int = 1000) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, row_group_size=group)
    return sink.getvalue().to_pybytes()


def values(read: Iterable[Records]) -> dict[int, bytes]:
    """By number, the one value of each record."""
    return {
        records.first + index: value
        for records in read
        for index, value in enumerate(records.rows.column(0).to_pylist())
    }


def end(read: Sequence[Records]) -> tuple[int, str | None]:
    """The number of the record after the last, and why it cannot be read."""
    return read[-1].first + len(read[-1]), read[-1].broken
