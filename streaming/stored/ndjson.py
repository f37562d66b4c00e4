"""Files of JSON documents, one a line.

A record's number is its line's, blank lines counted, so that an editor finds it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa

from streaming.stored.opening import open_file
from streaming.stored.records import PAYLOAD, Part, Records

CHUNK_BYTES = 4_000_000
"""About as much is read in one go."""

MOST_BYTES = 10_000_000
"""The longest line: as much as Pub/Sub takes in one message."""

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_TOO_LONG = f"the line is longer than {MOST_BYTES} bytes"


def read(part: Part) -> Iterator[Records]:
    """The lines of a file that are not blank, about `CHUNK_BYTES` at once, up to one that is too long."""
    number, rest = 1, b""
    with open_file(part.origin) as file:
        while data := file.read(CHUNK_BYTES):
            if number == 1 and not rest:
                data = data.removeprefix(_BYTE_ORDER_MARK)
            *lines, rest = (rest + data).split(b"\n")
            fit = _fit(lines)
            yield from _runs(part, number, lines[:fit])
            number += fit
            if fit < len(lines) or len(rest) > MOST_BYTES:
                yield Records(part.origin, number, part.published, _rows([]), _TOO_LONG)
                return
    yield from _runs(part, number, [rest])


def _fit(lines: Sequence[bytes]) -> int:
    """How many come before the first that is too long."""
    return next((index for index, line in enumerate(lines) if len(line) > MOST_BYTES), len(lines))


def _runs(part: Part, number: int, lines: Sequence[bytes]) -> Iterator[Records]:
    """The lines from blank one to blank one: records follow one another without a gap."""
    start = 0
    blank = [index for index, line in enumerate(lines) if not line or line.isspace()]
    for stop in [*blank, len(lines)]:
        if start < stop:
            yield Records(part.origin, number + start, part.published, _rows(lines[start:stop]))
        start = stop + 1


def _rows(lines: Sequence[bytes]) -> pa.RecordBatch:
    payloads = pa.array([line.removesuffix(b"\r") for line in lines], pa.large_binary())
    return pa.RecordBatch.from_arrays([payloads], [PAYLOAD])
