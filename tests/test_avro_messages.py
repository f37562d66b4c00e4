"""One message at a time: what it holds, and what it may cost."""

import json
from typing import Any

from streaming.batches import Failure
from streaming.formats.avro_messages import MessageReader
from streaming.schema import MessageSchema, parse_schema


def schema_of(**fields: Any) -> MessageSchema:
    named = [{"name": name, "type": kind} for name, kind in fields.items()]
    return parse_schema(json.dumps({"type": "record", "name": "R", "fields": named}), "r.avsc")


def test_the_values_of_usable_fields_are_read_in_the_schemas_order() -> None:
    schema = schema_of(b="string", m={"type": "map", "values": "int"}, a=["null", "double"])
    payload = b"\x02x\x02\x02k\x02\x00\x02\x00\x00\x00\x00\x00\x00\xf8\x3f"
    assert MessageReader(schema).read(payload) == ["x", 1.5]


def test_a_field_without_a_column_is_validated_too() -> None:
    schema = schema_of(x="int", m={"type": "map", "values": "string"})
    assert MessageReader(schema).read(b"\x02\x02\x02k\x02\xff\x00") == Failure(
        "decode", "NotUtf8", "field m: a string is not UTF-8: invalid start byte"
    )


def test_a_message_that_could_take_gigabytes_is_not_read() -> None:
    flag = {"type": "record", "name": "Flag", "fields": [{"name": "on", "type": "boolean"}]}
    schema = schema_of(x="int", flags={"type": "array", "items": flag})
    count = b"\x80\x80\xe2\x09"  # ten million
    payload = b"\x02" + count + bytes(10_000_001)
    assert MessageReader(schema).read(payload) == Failure(
        "decode", "TooLarge", "10000006 bytes of this schema could take over 1073741824 of memory"
    )


def test_a_long_text_is_read() -> None:
    text = "x" * 10_000_000
    payload = b"\x80\xda\xc4\x09" + text.encode()
    assert MessageReader(schema_of(x="string")).read(payload) == [text]
