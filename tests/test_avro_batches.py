"""pyruhvro's columns, and which of its rows are as sure as fastavro's."""

import json
from typing import Any

import pyarrow as pa
import pytest

from streaming.formats.avro_batches import BatchReader
from streaming.formats.avro_types import pyruhvro_schema
from streaming.schema import parse_schema


def reader_of(*kinds: Any) -> BatchReader:
    fields = [{"name": f"f{position}", "type": kind} for position, kind in enumerate(kinds)]
    schema = parse_schema(json.dumps({"type": "record", "name": "R", "fields": fields}), "r.avsc")
    form = pyruhvro_schema(schema.record)
    assert form is not None
    return BatchReader(schema, form)


def test_only_what_was_read_to_the_last_byte_is_confirmed() -> None:
    reader = reader_of("int", ["null", {"type": "long", "logicalType": "timestamp-millis"}])
    columns, sure = reader.read(
        [b"\x02\x02\x04", b"\x02\x00", b"\x02\x00\x00", b"\x82\x00\x00", b"\x80\x80\x80\x80\x10\x00"]
    )
    assert sure.to_pylist() == [True, True, False, False, False]
    assert columns.schema == pa.schema([("field:f0", pa.int32()), ("field:f1", pa.timestamp("ms", "UTC"))])
    assert columns.column("field:f0").to_pylist()[:2] == [1, 1]
    assert columns.column("field:f1").cast(pa.int64()).to_pylist()[:2] == [2, None]


def test_bytes_need_not_be_utf_8() -> None:
    columns, sure = reader_of("bytes", {"type": "array", "items": "bytes"}).read([b"\x02\xff\x02\x02\xfe\x00"])
    assert sure.to_pylist() == [True]
    assert columns.to_pylist() == [{"field:f0": b"\xff", "field:f1": [b"\xfe"]}]


@pytest.mark.parametrize(
    "unusable", [{"type": "map", "values": "string"}, {"type": "array", "items": ["null", "string"]}]
)
def test_strings_without_a_column_must_be_utf_8_as_well(unusable: Any) -> None:
    payload = b"\x02" + {"map": b"\x02\x02k\x02\xff\x00", "array": b"\x02\x02\x02\xff\x00"}[unusable["type"]]
    with pytest.raises(ValueError, match="UTF"):
        reader_of("int", unusable).read([payload])


def test_a_decimal_has_no_column_and_need_not_be_utf_8() -> None:
    decimal = {"type": "bytes", "logicalType": "decimal", "precision": 4}
    columns, sure = reader_of("int", decimal).read([b"\x02\x02\xff"])
    assert (columns.to_pylist(), sure.to_pylist()) == ([{"field:f0": 1}], [True])


def test_a_payload_that_ends_early_fails_its_batch() -> None:
    with pytest.raises(ValueError, match="end of buffer"):
        reader_of("double").read([bytes(8), bytes(7)])
