"""The codecs of blocks of Avro files: none of them gives more than `MOST_BLOCK_BYTES`, whatever a few bytes claim."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable

import pyarrow as pa

from streaming.errors import one_line

MOST_BLOCK_BYTES = 2**28

_PIECE_BYTES = 1_000_000


def decompress(codec: str, data: bytes) -> bytes:
    """What a block holds, by one of `CODECS`.

    Raises:
        ValueError: it cannot be decompressed, or holds too much.
    """
    try:
        return CODECS[codec](data)
    except (ValueError, OSError, zlib.error) as error:  # Arrow's are among the first two
        raise ValueError(f"its block cannot be decompressed: {one_line(error)}") from error


def _deflate(data: bytes) -> bytes:
    stream = zlib.decompressobj(wbits=-zlib.MAX_WBITS)
    plain = stream.decompress(data, MOST_BLOCK_BYTES + 1)
    _see_size(len(plain))
    if not stream.eof:
        raise ValueError("it ends too early")
    return plain


def _snappy(data: bytes) -> bytes:
    """Snappy's raw format, which begins with the size, and a checksum of what it holds."""
    compressed, checksum = data[:-4], data[-4:]
    size = _snappy_size(compressed)
    _see_size(size)
    plain = pa.Codec("snappy").decompress(compressed, size, asbytes=True)
    if struct.pack(">I", zlib.crc32(plain)) != checksum:
        raise ValueError("its checksum is wrong")
    return bytes(plain)


def _snappy_size(compressed: bytes) -> int:
    size = 0
    for place, byte in enumerate(compressed[:5]):
        size |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            return size
    raise ValueError("it does not begin with its size")


def _zstandard(data: bytes) -> bytes:
    pieces, size = [], 0
    with pa.input_stream(pa.py_buffer(data), compression="zstd") as stream:
        while piece := stream.read(_PIECE_BYTES):
            pieces.append(piece)
            size += len(piece)
            _see_size(size)
    return b"".join(pieces)


def _see_size(size: int) -> None:
    if size > MOST_BLOCK_BYTES:
        raise ValueError(f"it holds more than {MOST_BLOCK_BYTES} bytes")


CODECS: dict[str, Callable[[bytes], bytes]] = {
    "null": bytes,
    "deflate": _deflate,
    "snappy": _snappy,
    "zstandard": _zstandard,
}
