"""The codecs of blocks of Avro files, of sound blocks and of others."""

import re
import zlib
from collections.abc import Callable

import pyarrow as pa
import pytest

from streaming.stored import avro_codecs
from streaming.stored.avro_codecs import decompress
from tests.stored_cases import snappied

PLAIN = b"a block of an Avro file " * 1000


def deflated(plain: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return stream.compress(plain) + stream.flush()


def zstandard(plain: bytes) -> bytes:
    return bytes(pa.Codec("zstd").compress(plain, asbytes=True))


COMPRESSED = [("deflate", deflated), ("snappy", snappied), ("zstandard", zstandard)]


@pytest.mark.parametrize("plain", [b"", PLAIN, bytes(3_000_000)])
@pytest.mark.parametrize(("codec", "compressed"), [("null", bytes), *COMPRESSED])
def test_what_was_compressed_comes_out(codec: str, compressed: Callable[[bytes], bytes], plain: bytes) -> None:
    assert decompress(codec, compressed(plain)) == plain


@pytest.mark.parametrize(("codec", "compressed"), COMPRESSED)
def test_no_block_holds_more_than_the_most(
    monkeypatch: pytest.MonkeyPatch, codec: str, compressed: Callable[[bytes], bytes]
) -> None:
    monkeypatch.setattr(avro_codecs, "MOST_BLOCK_BYTES", len(PLAIN))
    assert decompress(codec, compressed(PLAIN)) == PLAIN
    with pytest.raises(ValueError, match=r"^its block cannot be decompressed: it holds more than 24000 bytes$"):
        decompress(codec, compressed(PLAIN + b"."))


@pytest.mark.parametrize(
    ("codec", "data", "why"),
    [
        ("deflate", b"", "it ends too early"),
        ("deflate", deflated(PLAIN)[:-5], "it ends too early"),
        ("deflate", b"\xff" * 40, "Error -3 while decompressing data: invalid block type"),
        ("snappy", b"", "it does not begin with its size"),
        ("snappy", b"\x05abc", "it does not begin with its size"),
        ("snappy", b"\xff" * 40, "it does not begin with its size"),
        ("snappy", snappied(PLAIN)[:-1] + b"?", "its checksum is wrong"),
        ("snappy", b"\x05" + bytes(8), "Corrupt snappy compressed data."),
        ("zstandard", zstandard(PLAIN)[:-5], "Truncated compressed stream"),
        ("zstandard", b"\xff" * 40, "ZSTD decompress failed: Unknown frame descriptor"),
    ],
)
def test_a_block_that_cannot_be_decompressed(codec: str, data: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=rf"^its block cannot be decompressed: {re.escape(why)}$"):
        decompress(codec, data)
