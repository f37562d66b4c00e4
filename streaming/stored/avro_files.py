"""Avro object container files: each record's datum becomes a payload, as if it had come in a message.

The container is read here, for a file that was cut off must give its whole blocks first, and then say where it ends.
"""

from __future__ import annotations

import io
import json
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

import fastavro
import pyarrow as pa

from streaming.errors import one_line
from streaming.schema import MessageSchema
from streaming.stored.avro_datums import DatumReader, UnreadableSchemaError, datum_reader
from streaming.stored.opening import open_file
from streaming.stored.records import PAYLOAD, Part, Records

CHUNK_BYTES = 4_000_000
"""Blocks, of 16 KB as a rule, go together until they hold so much."""

MOST_BLOCK_BYTES = 2**30

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


class BrokenBlockError(Exception):
    """Why a block cannot be read, nor any that follows it."""


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
        container = _open(file, schema)
        first, payloads, size = 1, list[bytes](), 0
        broken: str | None = None
        try:
            for payload in container.payloads():
                payloads.append(payload)
                size += len(payload)
                if size >= CHUNK_BYTES:
                    yield _records(part, first, payloads)
                    first, payloads, size = first + len(payloads), [], 0
        except BrokenBlockError as error:
            broken = str(error)
        if payloads or broken:
            yield _records(part, first, payloads, broken)


def _records(part: Part, first: int, payloads: list[bytes], broken: str | None = None) -> Records:
    rows = pa.RecordBatch.from_arrays([pa.array(payloads, pa.large_binary())], [PAYLOAD])
    return Records(part.origin, first, part.published, rows, broken)


def _open(file: BinaryIO, schema: MessageSchema | None) -> _Container:
    try:
        header = fastavro.schemaless_reader(file, _HEADER)
        text = header["meta"]["avro.schema"].decode()
    except (*_UNREADABLE, KeyError) as error:
        raise UnreadableSchemaError(["is no Avro object container file, or not a whole one"]) from error
    if header["magic"] != b"Obj\x01":
        raise UnreadableSchemaError(["is no Avro object container file"])
    codec = header["meta"].get("avro.codec", b"null").decode(errors="replace")
    if codec not in _CODECS:
        raise UnreadableSchemaError([f"is compressed by {codec}; write it with {', '.join(_CODECS)}"])
    return _Container(file, header["sync"], _CODECS[codec], datum_reader(_json(text), schema))


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
    decompress: Callable[[bytes], bytes]
    datum: DatumReader

    def payloads(self) -> Iterator[bytes]:
        """The datum of each record.

        Raises:
            BrokenBlockError: the next cannot be read.
        """
        while (count := self._number()) is not None:
            block = self._block()
            stream = io.BytesIO(block)
            for _ in range(count):
                try:
                    payload = self.datum(stream)
                except _UNREADABLE as error:
                    raise BrokenBlockError(f"it is no datum of the file's schema: {one_line(error)}") from error
                yield payload
            if stream.tell() < len(block):
                raise BrokenBlockError(f"{len(block) - stream.tell()} bytes follow the last record of the block")

    def _block(self) -> bytes:
        size = self._number()
        if size is None:
            raise BrokenBlockError("the file ends within the header of its block")
        if not 0 <= size <= MOST_BLOCK_BYTES:
            raise BrokenBlockError(f"its block claims {size} bytes")
        data, mark = self.file.read(size), self.file.read(len(self.sync))
        if len(mark) < len(self.sync):
            raise BrokenBlockError("the file ends within its block")
        if mark != self.sync:
            raise BrokenBlockError("its block does not end with the file's mark")
        try:
            return self.decompress(data)
        except (ValueError, OSError, IndexError, struct.error, zlib.error) as error:  # Arrow's are among the first two
            raise BrokenBlockError(f"its block cannot be decompressed: {one_line(error)}") from error

    def _number(self) -> int | None:
        """The next number; None at the end of the file."""
        number = shift = 0
        while byte := self.file.read(1):
            number |= (byte[0] & 0x7F) << shift
            shift += 7
            if byte[0] < 0x80:
                return (number >> 1) ^ -(number & 1)
            if shift > 63:
                raise BrokenBlockError("its block has no sound header")
        if shift:
            raise BrokenBlockError("the file ends within the header of its block")
        return None


def _deflate(data: bytes) -> bytes:
    return zlib.decompress(data, wbits=-zlib.MAX_WBITS)


def _snappy(data: bytes) -> bytes:
    """Snappy's raw format, which begins with the size, and a checksum of what it holds."""
    compressed = data[:-4]
    size = sum((byte & 0x7F) << (7 * place) for place, byte in enumerate(_varint(compressed)))
    if size > MOST_BLOCK_BYTES:
        raise ValueError(f"it claims {size} bytes")
    plain = pa.Codec("snappy").decompress(compressed, size, asbytes=True)
    if struct.pack(">I", zlib.crc32(plain)) != data[-4:]:
        raise ValueError("its checksum is wrong")
    return bytes(plain)


def _varint(data: bytes) -> bytes:
    end = next(index for index, byte in enumerate(data[:10]) if byte < 0x80)
    return data[: end + 1]


def _zstandard(data: bytes) -> bytes:
    return bytes(pa.input_stream(pa.py_buffer(data), compression="zstd").read())


_CODECS: dict[str, Callable[[bytes], bytes]] = {
    "null": bytes,
    "deflate": _deflate,
    "snappy": _snappy,
    "zstandard": _zstandard,
}
