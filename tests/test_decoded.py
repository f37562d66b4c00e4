"""Rows of field columns and failures are put together."""

import json

import numpy as np
import pyarrow as pa

from streaming.batches import Failure
from streaming.formats.decoded import Decoded, columns_schema, failure, from_records, interleave
from streaming.schema import parse_schema

FIELDS = parse_schema(
    json.dumps(
        {"type": "record", "name": "R", "fields": [{"name": "x", "type": "int"}, {"name": "s", "type": "string"}]}
    ),
    "r.avsc",
).fields
BAD = failure("AvroError", "no")


def test_a_failure_is_one_line_of_bounded_length() -> None:
    assert failure("JsonError", " not\n JSON ") == Failure("decode", "JsonError", "not JSON")
    assert failure("JsonError", "x" * 1001) == Failure("decode", "JsonError", "x" * 999 + "…")
    assert failure("JsonError", "x" * 1000) == Failure("decode", "JsonError", "x" * 1000)


def test_records_become_columns_and_failures_nulls() -> None:
    decoded = from_records(FIELDS, [[1, "a"], BAD, [2, "b"]])
    assert decoded.columns.schema == pa.schema([("field:x", pa.int32()), ("field:s", pa.string())])
    assert decoded.columns.to_pydict() == {"field:x": [1, None, 2], "field:s": ["a", None, "b"]}
    assert decoded.failures == {1: BAD}


def test_no_records_have_the_same_columns() -> None:
    decoded = from_records(FIELDS, [])
    assert (decoded.columns.schema, decoded.columns.num_rows) == (columns_schema(FIELDS), 0)


def test_pieces_are_interleaved_by_position() -> None:
    first, second = from_records(FIELDS, [[0, "a"], [3, "d"]]), from_records(FIELDS, [BAD, [1, "b"]])
    whole = interleave([(np.array([0, 3]), first), (np.array([2, 1]), second)])
    assert whole.columns.to_pydict() == {"field:x": [0, 1, None, 3], "field:s": ["a", "b", None, "d"]}
    assert whole.failures == {2: BAD}
    assert isinstance(whole, Decoded)
