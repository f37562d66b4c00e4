"""The frame of a TFRecord: its length and the checksum of that before its data, the checksum of its data behind it.

Checksums are masked CRC32Cs, so that records may hold records.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import TypeVar

import google_crc32c
import numpy as np

HEADER = struct.Struct("<QI")
FOOTER = struct.Struct("<I")

Checksum = TypeVar("Checksum", int, np.ndarray)


def framed(records: Iterable[bytes]) -> Iterator[bytes]:
    """What a file of records holds, in pieces."""
    for record in records:
        yield _header(len(record))
        yield record
        yield FOOTER.pack(masked(google_crc32c.value(record)))


@lru_cache(maxsize=4096)  # most records have the length of an earlier one
def length_of(header: bytes) -> int | None:
    """The length of the record behind a header; None if the header's checksum is wrong."""
    length, _ = HEADER.unpack(header)
    return length if header == _header(length) else None


def masked(checksum: Checksum) -> Checksum:
    """A CRC32C, or a uint32 array of them, as frames have it."""
    return ((checksum >> 15 | checksum << 17) + 0xA282EAD8) & 0xFFFFFFFF


@lru_cache(maxsize=4096)
def _header(length: int) -> bytes:
    return HEADER.pack(length, masked(google_crc32c.value(struct.pack("<Q", length))))
