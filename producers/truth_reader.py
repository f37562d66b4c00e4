"""Reads the messages of a truth file and what came of each, in blocks of columns."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import BinaryIO, NamedTuple

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from producers.truth_lines import read_lines
from streaming.batches import TIMESTAMP
from streaming.errors import Mistakes, one_line

BLOCK_BYTES = 8_000_000

STATE = pa.struct([("wear", pa.float64()), ("hours_to_failure", pa.float64()), ("mode", pa.string())])
"""How a device really was."""

CUT_OFF = "cut off"
_SENT, _REFUSED = "sent", "refused"

_MESSAGE = {
    "number": pa.int64(),
    "id": pa.string(),
    "key": pa.string(),
    "event_time": TIMESTAMP,
    "payload_sha256": pa.string(),
    "payload_bytes": pa.int64(),
    "fault": pa.string(),
    "duplicate_of": pa.int64(),
    "stage": pa.string(),
    "rejected_by": pa.list_(pa.string()),
}
_ANSWER = {
    "kind": pa.string(),
    "at": TIMESTAMP,
    "numbers": pa.list_(pa.int64()),
    "message_ids": pa.list_(pa.string()),
    "attempts": pa.int64(),
    "reason": pa.string(),
}


class _Known(NamedTuple):
    """What a whole file says."""

    messages: pa.Table
    answers: pa.Table
    ends: pa.Table


def read_messages(file: BinaryIO, inputs: pa.StructType, path: str) -> tuple[pa.Table, str, datetime | None]:
    """The messages as `producers.truth.Truth` has them, how publishing ended, and when.

    Args:
        file: the truth file, behind its first line.
        inputs: the type of the column `inputs`.
        path: the file's, for error messages.

    Raises:
        Mistakes: a line cannot be read, or lines are there twice or missing.
    """
    known = _read(file, inputs, path)
    messages = _in_order(known.messages, path)
    came = _what_came(messages, known.answers, path)
    described = {name: messages.column(name) for name in messages.column_names if name != "number"}
    if described["state"].null_count == len(messages):
        del described["state"]
    ending, ended_at = _ending(known)
    return pa.table({"number": messages.column("number"), **came, **described}), ending, ended_at


def _read(file: BinaryIO, inputs: pa.StructType, path: str) -> _Known:
    message_types = {**_MESSAGE, "inputs": inputs, "state": STATE}
    types = {**_ANSWER, **message_types}
    parts: list[_Known] = [_sorted_out(pa.schema(list(types.items())).empty_table(), list(message_types))]
    line = 2
    for block in _blocks(file):
        parts.append(_sorted_out(_table(block, types, path, line), list(message_types)))
        line += block.count(b"\n")
    return _Known(*(pa.concat_tables(tables) for tables in zip(*parts, strict=True)))


def _blocks(file: BinaryIO) -> Iterator[bytes]:
    """Whole lines; without the last one if it is cut off."""
    rest = b""
    while read := file.read(BLOCK_BYTES):
        whole, newline, tail = read.rpartition(b"\n")
        if newline:
            yield rest + whole + newline
            rest = tail
        else:
            rest += tail


def _table(block: bytes, types: dict[str, pa.DataType], path: str, first: int) -> pa.Table:
    try:
        return read_lines(block, types)
    except pa.ArrowInvalid as error:
        raise Mistakes([f"{path}: {_place(block, types, first)}: no truth file ({one_line(error)})"]) from error


def _place(block: bytes, types: dict[str, pa.DataType], first: int) -> str:
    """The number of the line that cannot be read."""
    for number, line in enumerate(block.splitlines(), first):
        try:
            orjson.loads(line)
            read_lines(line, types)
        except (ValueError, pa.ArrowInvalid):
            return f"line {number}"
    return f"line {first} and following"


def _sorted_out(table: pa.Table, message_columns: list[str]) -> _Known:
    kinds = table.column("kind")
    answers = table.filter(pc.is_in(kinds, pa.array([_SENT, _REFUSED])))
    return _Known(
        table.filter(pc.equal(kinds, "message")).select(message_columns),
        answers.select(["kind", "at", "numbers", "message_ids", "attempts"]),
        table.filter(pc.equal(kinds, "end")).select(["at", "reason"]),
    )


def _in_order(messages: pa.Table, path: str) -> pa.Table:
    numbers = messages.column("number").to_numpy()
    if np.all(numbers[1:] > numbers[:-1]):
        return messages
    _check_once(numbers, "is there", path)
    return messages.sort_by("number")


def _check_once(numbers: np.ndarray, what: str, path: str) -> None:
    ordered = np.sort(numbers)
    repeated = ordered[1:][ordered[1:] == ordered[:-1]]
    if len(repeated):
        raise Mistakes([f"{path}: no truth file (message {repeated[0]} {what} more than once)"])


def _what_came(messages: pa.Table, answers: pa.Table, path: str) -> dict[str, pa.ChunkedArray]:
    """The columns that tell what came of the messages, which are in the order of their numbers."""
    each = pa.concat_tables([_each(answers, _SENT, "confirmed"), _each(answers, _REFUSED, "refused")])
    numbers, answered = messages.column("number").to_numpy(), each.column("number").to_numpy()
    places = np.searchsorted(numbers, answered)
    if len(unknown := np.setdiff1d(answered, numbers)):
        raise Mistakes([f"{path}: no truth file (message {unknown[0]} is answered and was not sent)"])
    _check_once(answered, "is answered", path)
    source = np.full(len(numbers), -1)
    source[places] = np.arange(len(answered))
    found = each.take(pa.array(source, mask=source < 0))
    return {
        "status": pc.fill_null(found.column("status"), "unknown"),
        **{name: found.column(name) for name in ("message_id", "sent_at", "attempts")},
    }


def _each(answers: pa.Table, kind: str, status: str) -> pa.Table:
    """A row for each message that an answer of this kind names."""
    answers = answers.filter(pc.equal(answers.column("kind"), kind)).combine_chunks()
    lists = _whole(answers.column("numbers"))
    rows = pc.list_parent_indices(lists)
    ids = _whole(answers.column("message_ids")).flatten() if kind == _SENT else pa.nulls(len(rows), pa.string())
    return pa.table(
        {
            "number": lists.flatten(),
            "status": pa.repeat(status, len(rows)),
            "message_id": ids,
            "sent_at": answers.column("at").take(rows),
            "attempts": pc.fill_null(answers.column("attempts"), 1).take(rows),
        }
    )


def _ending(known: _Known) -> tuple[str, datetime | None]:
    if len(known.ends):
        return known.ends.column("reason")[-1].as_py(), known.ends.column("at")[-1].as_py()
    return CUT_OFF, pc.max(known.answers.column("at")).as_py()


def _whole(column: pa.ChunkedArray) -> pa.Array:
    return pa.concat_arrays([pa.array([], column.type), *column.chunks])
