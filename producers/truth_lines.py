"""Arrow columns as lines of JSON, and the way back; by column, as a row at a time in Python costs ten times as much.

| Arrow | JSON |
|---|---|
| integer, boolean, text | as they are |
| float | the shortest number that is read as the same; `"NaN"`, `"Infinity"` and `"-Infinity"` as texts |
| timestamp, date | RFC 3339, as in `"2026-01-31T12:00:00.000000Z"`; without a zone where the type has none |
| binary | base64 |
| list, struct | array, object |

A null has no key.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj

_ESCAPED = r'["\\\x00-\x1f]'  # what does not stand for itself in a JSON text
_NOT_FINITE = re.compile(rb'"(?:NaN|-?Infinity)"')


def write_lines(columns: Mapping[str, pa.Array]) -> bytes:
    """A line of JSON for each row, each ended by a newline."""
    lines = _objects(list(columns), list(columns.values()))
    return "".join([f"{line}\n" for line in lines.to_pylist()]).encode()


def read_lines(lines: bytes, types: Mapping[str, pa.DataType]) -> pa.Table:
    """The columns `types` of whole lines, null where a line has no such key; rows in any order.

    Raises:
        pa.ArrowInvalid: a line is not JSON, or a value does not fit its type.
    """
    stored = pa.schema([(name, _stored(each)) for name, each in types.items()])
    odd: list[bytes] = []
    if _NOT_FINITE.search(lines):
        every = lines.splitlines(keepends=True)
        odd = [line for line in every if _NOT_FINITE.search(line)]
        lines = b"".join([line for line in every if not _NOT_FINITE.search(line)])
    tables = [_parsed(lines, stored)] if lines else []
    tables += [_parsed_singly(odd, stored)] if odd else []
    table = pa.concat_tables([stored.empty_table(), *tables])
    columns = [_restored(pa.concat_arrays(table.column(name).chunks), each) for name, each in types.items()]
    return pa.table(columns, schema=pa.schema(list(types.items())))


def _objects(names: Sequence[str], columns: Sequence[pa.Array]) -> pa.StringArray:
    pairs = [
        pc.binary_join_element_wise(f",{orjson.dumps(name).decode()}:", _texts(column), "")
        for name, column in zip(names, columns, strict=True)
    ]
    # Not null_handling="skip", which drops a row in which everything is null.
    inside = pc.binary_join_element_wise(*pairs, "", null_handling="replace", null_replacement="")
    inside = pc.utf8_slice_codeunits(inside, 1)
    return pc.binary_join_element_wise("{", inside, "}", "")


def _texts(values: pa.Array) -> pa.StringArray:
    """Each value as JSON; null for null."""
    kind = values.type
    if pa.types.is_struct(kind):
        children = [pc.struct_field(values, [index]) for index in range(kind.num_fields)]
        return pc.if_else(values.is_valid(), _objects([field.name for field in kind], children), None)
    if pa.types.is_list(kind):
        items = pa.ListArray.from_arrays(values.offsets, _texts(values.values))
        arrays = pc.binary_join_element_wise("[", pc.binary_join(items, ","), "]", "")
        return pc.if_else(values.is_valid(), arrays, None)
    if pa.types.is_floating(kind):
        return _numbers(values)
    if pa.types.is_boolean(kind) or pa.types.is_integer(kind):
        return values.cast(pa.string())
    return _quoted(_plain(values))


def _numbers(values: pa.Array) -> pa.StringArray:
    texts = values.cast(pa.string())
    texts = pc.if_else(pc.equal(texts, "-0"), "-0.0", texts)  # which a reader might take for the integer 0
    if pc.all(pc.is_finite(values)).as_py() is not False:
        return texts
    infinite = pc.if_else(pc.greater(values, 0), '"Infinity"', '"-Infinity"')
    return pc.case_when(pc.make_struct(pc.is_finite(values), pc.is_nan(values)), texts, '"NaN"', infinite)


def _plain(values: pa.Array) -> pa.StringArray:
    """The text, without quotes and escapes."""
    if pa.types.is_timestamp(values.type):
        clock = values.view(pa.timestamp(values.type.unit)).cast(pa.string())  # with a zone it takes ten times as long
        return pc.binary_join_element_wise(
            pc.replace_substring(clock, " ", "T", max_replacements=1), "Z" if values.type.tz else "", ""
        )
    if pa.types.is_binary(values.type):
        encoded = [None if each is None else base64.b64encode(each) for each in values.to_pylist()]
        return pa.array(encoded, pa.string())
    return values.cast(pa.string())


def _quoted(texts: pa.StringArray) -> pa.StringArray:
    if pc.any(pc.match_substring_regex(texts, _ESCAPED)).as_py():
        return pa.array([None if text is None else orjson.dumps(text).decode() for text in texts.to_pylist()])
    return pc.binary_join_element_wise('"', texts, '"', "")


def _stored(kind: pa.DataType) -> pa.DataType:
    """The type as which pyarrow reads what `_texts` writes of values of this type."""
    if pa.types.is_struct(kind):
        return pa.struct([(field.name, _stored(field.type)) for field in kind])
    if pa.types.is_list(kind):
        return pa.list_(_stored(kind.value_type))
    if pa.types.is_floating(kind) or pa.types.is_boolean(kind) or pa.types.is_integer(kind):
        return kind
    return pa.string()


def _parsed(lines: bytes, stored: pa.Schema) -> pa.Table:
    return pj.read_json(
        pa.BufferReader(lines),
        read_options=pj.ReadOptions(block_size=len(lines), use_threads=False),
        parse_options=pj.ParseOptions(explicit_schema=stored, unexpected_field_behavior="ignore"),
    ).select(stored.names)


def _parsed_singly(lines: Iterable[bytes], stored: pa.Schema) -> pa.Table:
    """As `_parsed`, of lines in which texts stand for numbers that are not finite."""
    try:
        rows = [orjson.loads(line) for line in lines]
        return pa.Table.from_pylist(
            [{each.name: _python(row.get(each.name), each.type) for each in stored} for row in rows], stored
        )
    except (ValueError, TypeError, AttributeError) as error:
        raise pa.ArrowInvalid(str(error)) from error


def _python(value: Any, kind: pa.DataType) -> Any:
    if value is None:
        return None
    if pa.types.is_struct(kind):
        return {field.name: _python(value.get(field.name), field.type) for field in kind}
    if pa.types.is_list(kind):
        return [_python(item, kind.value_type) for item in value]
    return float(value) if pa.types.is_floating(kind) else value


def _restored(values: pa.Array, kind: pa.DataType) -> pa.Array:
    """What `_stored` values were before they were written."""
    if pa.types.is_struct(kind):
        children = [_restored(pc.struct_field(values, [field.name]), field.type) for field in kind]
        return pa.StructArray.from_arrays(children, fields=list(kind), mask=values.is_null())
    if pa.types.is_list(kind):
        items = _restored(values.values, kind.value_type)
        return pa.ListArray.from_arrays(values.offsets, items, type=kind, mask=values.is_null())
    if pa.types.is_binary(kind):
        return pa.array([None if each is None else base64.b64decode(each) for each in values.to_pylist()], kind)
    return values.cast(kind)
