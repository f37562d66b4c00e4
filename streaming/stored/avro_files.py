"""Avro object container files: each record's datum becomes a payload, as if it had come in a message.

The container is read here, for a file that was cut off must give its whole blocks first, and then say where it ends,
and what is wrong inside a block must not hide those after it.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import fastavro
import pyarrow as pa

from streaming.errors import one_line
from streaming.schema import MessageSchema
from streaming.stored.avro_codecs import CODECS, MOST_BLOCK_BYTES, decompress
from streaming.stored.avro_datums import DatumReader, UnreadableSchemaError, datum_reader
from streaming.stored.opening import open_file
from streaming.stored.records import PAYLOAD, Part, Records

CHUNK_BYTES = 4_000_000
"""Blocks, of 16 KB as a rule, go together until they hold so much."""

_HEADER = fastavro.parse_schema(
    {
        "type": "record",
        "name": "Header",
        "fields": [
            {"name": "magic", "type": {"type": "fixed", "name": "Magic", "size": 4}},
            {"name": "meta", "type": {"type": "map", "values": "bytes"}},
            {"name": "sync", "type": {"type": "fixed", "name": "Sync", "size": 16}},
        ],
    }
)
_UNREADABLE = (EOFError, IndexError, ValueError, OverflowError)  # what fastavro raises on bytes that are no datum


class _BrokenFileError(Exception):
    """Why neither the next record can be read, nor any that follows it."""


@dataclass(frozen=True)
class _Gap:
    """What stands in the place of records that cannot be read.

    Attributes:
        why: the first of them cannot be.
        records: how many there are.
        goes_on: whether others follow.
    """

    why: str | None = None
    records: int = 0
    goes_on: bool = False


_NO_GAP = _Gap()


def check(path: str, schema: MessageSchema | None) -> None:
    """See that the file's records can be read.

    Args:
        path: of the file.
        schema: the job's, as which they must be readable; None for any.

    Raises:
        UnreadableSchemaError: it is no such file, of an unknown codec, or its records cannot be read as the job's.
    """
    with open_file(path) as file:
        _open(file, schema)


def read(part: Part, schema: MessageSchema | None = None) -> Iterator[Records]:
    """The records of a file as far as they can be read, about `CHUNK_BYTES` at once.

    Args:
        part: the file.
        schema: the job's, of which the payloads are; without it they are of the file's.

    Raises:
        UnreadableSchemaError: as `check` does.
    """
    with open_file(part.origin) as file:
        first = 1
        for payloads, gap in _chunks(_open(file, schema).payloads()):
            rows = pa.RecordBatch.from_arrays([pa.array(payloads, pa.large_binary())], [PAYLOAD])
            yield Records(part.origin, first, part.published, rows, gap.why, gap.goes_on)
            first += len(payloads) + gap.records


def _chunks(payloads: Iterator[bytes | _Gap]) -> Iterator[tuple[list[bytes], _Gap]]:
    chunk, size = list[bytes](), 0
    for payload in payloads:
        if isinstance(payload, _Gap):
            yield chunk, payload
        else:
            chunk.append(payload)
            size += len(payload)
            if size < CHUNK_BYTES:
                continue
            yield chunk, _NO_GAP
        chunk, size = [], 0
    if chunk:
        yield chunk, _NO_GAP


def _open(file: BinaryIO, schema: MessageSchema | None) -> _Container:
    try:
        header = fastavro.schemaless_reader(file, _HEADER)
        text = header["meta"]["avro.schema"].decode()
    except (*_UNREADABLE, KeyError) as error:
        raise UnreadableSchemaError(["is no Avro object container file, or not a whole one"]) from error
    if header["magic"] != b"Obj\x01":
        raise UnreadableSchemaError(["is no Avro object container file"])
    codec = header["meta"].get("avro.codec", b"null").decode(errors="replace")
    if codec not in CODECS:
        raise UnreadableSchemaError([f"is compressed by {codec}; write it with {', '.join(CODECS)}"])
    return _Container(file, header["sync"], codec, datum_reader(_json(text), schema))


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError as error:
        raise UnreadableSchemaError([f"its schema is not JSON: {error}"]) from error


@dataclass(frozen=True)
class _Container:
    """A file behind its header."""

    file: BinaryIO
    sync: bytes
    codec: str
    datum: DatumReader

    def payloads(self) -> Iterator[bytes | _Gap]:
        """The datum of each record, and a gap where some cannot be read."""
        try:
            while (count := self._number("records")) is not None:
                yield from self._block(count)
        except _BrokenFileError as error:
            yield _Gap(str(error))

    def _block(self, count: int) -> Iterator[bytes | _Gap]:
        """The records of the next block. Where the one after it begins is known, whatever this one holds."""
        data = self._data()
        try:
            plain = decompress(self.codec, data)
        except ValueError as error:
            yield _lost(str(error), count)
            return
        stream = io.BytesIO(plain)
        for done in range(count):
            try:
                payload = self.datum(stream)
            except _UNREADABLE as error:
                yield _lost(f"it is no datum of the file's schema: {one_line(error)}", count - done)
                return
            yield payload
        if stream.tell() < len(plain):
            yield _lost(f"{len(plain) - stream.tell()} bytes follow the last record of the block", 1)

    def _data(self) -> bytes:
        size = self._number("bytes")
        if size is None:
            raise _BrokenFileError("the file ends within the header of its block")
        data, mark = self.file.read(size), self.file.read(len(self.sync))
        if len(mark) < len(self.sync):
            raise _BrokenFileError("the file ends within its block")
        if mark != self.sync:
            raise _BrokenFileError("its block does not end with the file's mark")
        return data

    def _number(self, unit: str) -> int | None:
        """The next number, which counts such things; None at the end of the file."""
        number = shift = 0
        while byte := self.file.read(1):
            number |= (byte[0] & 0x7F) << shift
            shift += 7
            if byte[0] < 0x80:
                return _sound((number >> 1) ^ -(number & 1), unit)
            if shift > 63:
                raise _BrokenFileError("its block has no sound header")
        if shift:
            raise _BrokenFileError("the file ends within the header of its block")
        return None


def _sound(number: int, unit: str) -> int:
    if not 0 <= number <= MOST_BLOCK_BYTES:  # no record is of less than a byte
        raise _BrokenFileError(f"its block claims {number} {unit}")
    return number


def _lost(why: str, records: int) -> _Gap:
    others = f"; the {records - 1} records behind it in the block are lost with it" if records > 1 else ""
    return _Gap(f"{why}{others}", max(records, 1), goes_on=True)
