"""TFRecord files of serialized `tf.Example`s, plain or gzipped.

Both checksums of a record are checked, its data's for many records at once: TensorFlow's own readers do not tell which
record is corrupt, and Beam's takes two and a half times as long. After a record whose data alone is corrupt, the next
one is found by its length.
"""

from __future__ import annotations

from collections.abc import Iterator

import google_crc32c
import numpy as np
import pyarrow as pa

from streaming.stored.opening import ReadOn, open_unzipped
from streaming.stored.records import EXAMPLE, Part, Records
from streaming.stored.tfrecord_frame import FOOTER, HEADER, length_of, masked

CHUNK_BYTES = 4_000_000
"""About as much is read in one go."""

MOST_BYTES = 2**28
"""The longest record: else one that claims more would have the rest of its file in memory, several times over."""

_FRAME_BYTES = HEADER.size + FOOTER.size


def read(part: Part) -> Iterator[Records]:
    """The records of a file, about `CHUNK_BYTES` at once, as far as they can be read."""
    with open_unzipped(part.origin) as read_on:
        yield from _records(part, read_on)


def _records(part: Part, read_on: ReadOn) -> Iterator[Records]:
    rest, first, is_end = b"", 1, False
    while not is_end:
        more, unreadable = read_on(max(CHUNK_BYTES, len(rest)))  # as much again: a long record is not copied often
        is_end = not more or unreadable is not None
        frames = _split(rest + more)
        rest = frames.rest()
        broken = frames.broken or unreadable or ("the file ends within the record" if is_end and rest else None)
        start = 0
        for corrupt in frames.corrupt():
            sound, why = frames.rows(start, corrupt), "the checksum of its data is wrong"
            (damaged,) = frames.rows(corrupt, corrupt + 1).column(EXAMPLE).to_pylist()
            yield Records(part.origin, first + start, part.published, sound, why, goes_on=True, damaged=damaged)
            start = corrupt + 1
        if start < len(frames) or broken:
            yield Records(part.origin, first + start, part.published, frames.rows(start, len(frames)), broken)
        if broken:
            return
        first += len(frames)


class _Frames:
    """The whole records at the beginning of some bytes.

    Args:
        data: the bytes.
        lengths: of each record's data.
        checksums: of each record's data, as it is.
        broken: what is wrong with the next one's frame.
    """

    def __init__(self, data: bytes, lengths: list[int], checksums: list[int], broken: str | None) -> None:
        self.broken = broken
        self._data = data
        self._lengths = np.array(lengths, np.int64)
        self._checksums = np.array(checksums, np.uint32)
        self._stops = np.cumsum(self._lengths + _FRAME_BYTES) - FOOTER.size

    def __len__(self) -> int:
        return len(self._lengths)

    def rest(self) -> bytes:
        """What follows them."""
        return self._data[int(self._stops[-1]) + FOOTER.size :] if len(self) else self._data

    def corrupt(self) -> list[int]:
        """The indices of those whose data has another checksum than its frame."""
        wrong = masked(self._checksums) != _stored(self._data, self._stops)
        return np.flatnonzero(wrong).tolist()

    def rows(self, start: int, stop: int) -> pa.RecordBatch:
        """Those from one index to another."""
        stops = self._stops[start:stop]
        return pa.RecordBatch.from_arrays([_values(self._data, stops - self._lengths[start:stop], stops)], [EXAMPLE])


def _split(data: bytes) -> _Frames:
    """The whole records at the beginning of `data`."""
    lengths: list[int] = []
    checksums: list[int] = []
    broken, start = None, HEADER.size
    while start <= len(data):
        length = length_of(data[start - HEADER.size : start])
        if length is None:
            broken = "the checksum of its length is wrong"
            break
        stop = start + length
        if stop + FOOTER.size > len(data):
            if length > MOST_BYTES:
                broken = f"it claims {length} bytes, and the longest record has {MOST_BYTES}"
            break
        lengths.append(length)
        checksums.append(google_crc32c.value(data[start:stop]))
        start = stop + _FRAME_BYTES
    return _Frames(data, lengths, checksums, broken)


def _stored(data: bytes, stops: np.ndarray) -> np.ndarray:
    """The numbers of four bytes that stand at `stops`."""
    each = np.frombuffer(data, np.uint8)[stops[:, None] + np.arange(FOOTER.size)]
    return np.ascontiguousarray(each).view("<u4").ravel()


def _values(data: bytes, starts: np.ndarray, stops: np.ndarray) -> pa.LargeBinaryArray:
    """What stands between `starts` and `stops`: every other value of an array of these and of what is between them."""
    offsets = np.zeros(2 * len(starts) + 1, np.int64)
    offsets[:-1:2], offsets[1::2] = starts, stops
    offsets[-1] = offsets[-2] if len(starts) else 0
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(data)]
    both = pa.LargeBinaryArray.from_buffers(pa.large_binary(), 2 * len(starts), buffers)
    return both.take(pa.array(np.arange(0, 2 * len(starts), 2)))
