"""A file of output messages: NDJSON, the data of one message a line, as a Cloud Storage subscription writes it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json

from streaming.batches import TIMESTAMP
from streaming.errors import Mistakes, one_line
from streaming.files import read_file

_BLOCK_BYTES = 16 << 20  # no line may be longer
_REQUIRED = ("prediction_id", "message_id", "model")  # by which it is known what a message is of


def read_messages(path: str, columns: pa.Schema, since: datetime) -> pa.Table:
    """The output messages in a file whose publish time is not before `since`; only `columns`, nulls where left out.

    A last line that is cut off is ignored.

    Raises:
        Mistakes: there is no such file, or a line is not the data of an output message.
    """
    content = read_file(path, "--messages")
    rows = _whole(content, columns, f"--messages {path}")
    _check_keys(rows, content, f"--messages {path}")
    return rows.filter(pc.greater_equal(rows["publish_time"], pa.scalar(since, TIMESTAMP)).fill_null(True))


def _whole(content: bytes, columns: pa.Schema, place: str) -> pa.Table:
    try:
        return _parsed(content, columns)
    except pa.ArrowException as error:
        lines = content.splitlines(keepends=True)
        number, why = _first_broken(lines, columns)
        if number == len(lines) and not lines[-1].endswith(b"\n"):
            return _parsed(b"".join(lines[:-1]), columns)  # the last line is being written
        wrong = f"line {number} is not an output message ({why}); each line holds the data of one, as JSON"
        raise Mistakes([f"{place}: {wrong}"]) from error


def _check_keys(rows: pa.Table, content: bytes, place: str) -> None:
    nulls = {name: np.flatnonzero(rows[name].is_null().to_numpy()) for name in _REQUIRED}
    firsts = [absent[0] for absent in nulls.values() if len(absent)]
    if firsts:
        row = min(firsts)
        missing = ", ".join(name for name, absent in nulls.items() if len(absent) and absent[0] == row)
        numbers = [number for number, line in enumerate(content.splitlines(), 1) if line.strip()]
        wrong = f"line {numbers[row]} is not an output message (it lacks {missing})"
        raise Mistakes([f"{place}: {wrong}; each line holds the data of one, as JSON"])


def _parsed(content: bytes, columns: pa.Schema) -> pa.Table:
    if not content:
        return columns.empty_table()  # Arrow refuses a file without content
    rows = pa.json.read_json(
        pa.BufferReader(content),
        read_options=pa.json.ReadOptions(block_size=_BLOCK_BYTES),
        parse_options=pa.json.ParseOptions(explicit_schema=columns, unexpected_field_behavior="ignore"),
    )
    rows.validate(full=True)  # texts in UTF-8
    return rows


def _first_broken(lines: Sequence[bytes], columns: pa.Schema) -> tuple[int, str]:
    """The number of the first line that cannot be read, and why; found by halves."""
    start, end = 0, len(lines)
    why = "it is not JSON"
    while end - start > 0:
        half = max(1, (end - start) // 2)
        try:
            _parsed(b"".join(lines[start : start + half]), columns)
            start += half
        except pa.ArrowException as error:
            why = one_line(error)
            if half == 1:
                break
            end = start + half
    return start + 1, why
