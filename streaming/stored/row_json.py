"""Rows of stored data as the JSON that a message would have: what a dead letter of one shows."""

from __future__ import annotations

import base64
from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from streaming.results import as_text, over_items, to_json
from streaming.stored.casts import is_bytes, is_list, is_text, plain


def row_json(columns: Mapping[str, pa.Array], rows: int) -> pa.LargeBinaryArray:
    """Each row as a JSON object, a column at a time; what is null, or no JSON number, is left out.

    Among a list's items it is null. Bytes are base64, dates and times texts, and what is not UTF-8 has U+FFFD in its
    place. A time is null that RFC 3339 cannot write.
    """
    if not columns:
        return pa.repeat(pa.scalar(b"{}", pa.large_binary()), rows)
    shown = {name: _shown(column) for name, column in columns.items()}
    return pa.array(to_json(pa.RecordBatch.from_pydict(shown)), pa.large_binary())


def _shown(column: pa.Array) -> pa.Array:
    """The column as one of a type that `to_json` writes."""
    column = plain(column)
    kind = column.type
    if is_list(kind):
        return over_items(column, _shown)
    if pa.types.is_floating(kind):
        return pc.if_else(pc.is_finite(column), column, pa.scalar(None, kind))
    if pa.types.is_date(kind):
        return column.cast(pa.string())
    if pa.types.is_timestamp(kind):
        return column if kind.tz is not None else pc.utf8_rtrim(as_text(column), "Z")
    if is_text(kind):
        return _texts(column)
    if is_bytes(kind):
        return pa.array([None if each is None else base64.b64encode(each).decode() for each in column.to_pylist()])
    return column


def _texts(column: pa.Array) -> pa.StringArray:
    try:
        column.validate(full=True)
        return column.cast(pa.string())
    except pa.ArrowInvalid:
        raw = column.cast(pa.large_binary()).to_pylist()
        return pa.array([None if each is None else each.decode(errors="replace") for each in raw], pa.string())
