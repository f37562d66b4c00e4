"""Rows of stored data as the JSON that a message would have: what a dead letter of one shows."""

from __future__ import annotations

import base64
from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from streaming.results import to_json
from streaming.stored.casts import is_bytes, is_list, is_text

_NOTHING = '"":0,'
"""The member that is put first where the first column has a null, which `to_json` wants full; it is cut out again."""


def row_json(columns: Mapping[str, pa.Array], rows: int) -> pa.LargeBinaryArray:
    """Each row as a JSON object, a column at a time; what is null, or no JSON number, is left out.

    Bytes are base64, dates and times texts, and what is not UTF-8 has U+FFFD in its place.
    """
    if not columns or rows == 0:
        return pa.repeat(pa.scalar(b"{}", pa.large_binary()), rows)
    shown = {name: _shown(column) for name, column in columns.items()}
    if next(iter(shown.values())).null_count == 0:
        return pa.array(to_json(pa.RecordBatch.from_pydict(shown)), pa.large_binary())
    marked = {"": pa.repeat(pa.scalar(0), rows)} | shown
    lines = pa.array(to_json(pa.RecordBatch.from_pydict(marked)), pa.large_binary())
    cut = pc.binary_replace_slice(lines, 1, 1 + len(_NOTHING), b"")
    return pc.if_else(pc.equal(cut, b"{"), pa.scalar(b"{}", pa.large_binary()), cut)


def _shown(column: pa.Array) -> pa.Array:
    """The column as one of a type that `to_json` writes."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _shown(column.dictionary_decode())
    if is_list(kind):
        lists = column.cast(pa.list_(kind.value_type))
        offsets = pa.array(lists.offsets.to_numpy())
        return pa.ListArray.from_arrays(offsets, _shown(lists.values), mask=lists.is_null())
    if pa.types.is_floating(kind):
        return pc.if_else(pc.is_finite(column), column, pa.scalar(None, kind))
    if pa.types.is_date(kind):
        return column.cast(pa.date32()).cast(pa.string())
    if pa.types.is_timestamp(kind):
        return column if kind.tz is not None else pc.replace_substring(column.cast(pa.string()), " ", "T")
    if is_text(kind):
        return _texts(column)
    if is_bytes(kind):
        return pa.array([None if each is None else base64.b64encode(each).decode() for each in column.to_pylist()])
    return column.cast(pa.string()) if pa.types.is_null(kind) else column


def _texts(column: pa.Array) -> pa.StringArray:
    try:
        column.validate(full=True)
        return column.cast(pa.string())
    except pa.ArrowInvalid:
        raw = column.cast(pa.large_binary()).to_pylist()
        return pa.array([None if each is None else each.decode(errors="replace") for each in raw], pa.string())
