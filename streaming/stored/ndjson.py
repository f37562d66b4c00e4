"""Files of JSON documents, one a line.

A record's number counts the lines that are not blank: it is the line's own where no blank one precedes. So the first
record is 1, as in every format, and the records of a batch follow one another, whatever is between them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa

from streaming.stored.opening import ReadOn, open_unzipped
from streaming.stored.records import PAYLOAD, Part, Records

CHUNK_BYTES = 4_000_000
"""About as much is read in one go."""

MOST_BYTES = 10_000_000
"""The longest line: as much as Pub/Sub takes in one message."""

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_TOO_LONG = f"the line is longer than {MOST_BYTES} bytes"


def read(part: Part) -> Iterator[Records]:
    """The lines of a file that are not blank, plain or gzipped, about `CHUNK_BYTES` at once, as far as it can be read.

    After a line that is too long, the next ones are read.
    """
    first = 1
    with open_unzipped(part.origin) as read_on:
        for lines, broken in _lines(read_on):
            start = 0
            for long in [index for index, line in enumerate(lines) if len(line) > MOST_BYTES]:
                rows = _rows(lines[start:long])
                yield Records(part.origin, first + start, part.published, rows, _TOO_LONG, goes_on=True)
                start = long + 1
            if start < len(lines) or broken:
                yield Records(part.origin, first + start, part.published, _rows(lines[start:]), broken)
            first += len(lines)


def _lines(read_on: ReadOn) -> Iterator[tuple[list[bytes], str | None]]:
    """The lines that are not blank, in pieces, and why the one after them cannot be read; of long ones a beginning."""
    rest, mark, is_end = b"", _BYTE_ORDER_MARK, False
    while not is_end:
        data, broken = read_on(CHUNK_BYTES)
        *lines, rest = (rest + data).removeprefix(mark).split(b"\n")
        mark = b""
        rest = rest[: MOST_BYTES + 1]
        is_end = not data or broken is not None
        if is_end and broken is None:
            lines.append(rest)
        yield [line for line in lines if len(line) > MOST_BYTES or line.strip()], broken


def _rows(lines: Sequence[bytes]) -> pa.RecordBatch:
    payloads = pa.array([line.removesuffix(b"\r") for line in lines], pa.large_binary())
    return pa.RecordBatch.from_arrays([payloads], [PAYLOAD])
