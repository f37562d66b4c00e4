"""JSON payloads to columns: Avro's own JSON encoding, and plain JSON.

Names that the schema does not have, and those of unusable fields, are ignored. Of a name that stands twice in an
object the last value counts, as in Python's `json`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from streaming.batches import Failure
from streaming.formats.decoded import Decoded, failure, from_records
from streaming.formats.json_values import UnfitValueError, plain_json, show, tagged
from streaming.schema import MessageSchema, SchemaField

_ABSENT = object()


class JsonReader:
    """Reads payloads that are a JSON object each.

    Args:
        schema: the message schema.
        plain: plain JSON, in which a nullable field may be left out; else Avro's JSON encoding. In both, a field that
            has a default may be.
    """

    def __init__(self, schema: MessageSchema, plain: bool) -> None:
        convert = plain_json if plain else tagged
        self._fields = schema.fields
        self._converters = [
            (each.name, convert(each.avro, each.nullable), _if_absent(each, plain)) for each in schema.fields
        ]

    def read(self, payloads: list[bytes]) -> Decoded:
        """The field columns of the payloads."""
        return from_records(self._fields, [self._record(payload) for payload in payloads])

    def _record(self, payload: bytes) -> list[Any] | Failure:
        if not payload:
            return failure("EmptyPayload", "the payload is empty")
        try:
            record = orjson.loads(payload)
        except orjson.JSONDecodeError as error:
            return failure("JsonError", f"not JSON: {error}")
        if type(record) is not dict:
            return failure("WrongType", f"expected an object, got {show(record)}")
        return self._values(record)

    def _values(self, record: Mapping[str, Any]) -> list[Any] | Failure:
        values = []
        for name, convert, absent in self._converters:
            value = record.get(name, _ABSENT)
            if value is not _ABSENT:
                try:
                    values.append(convert(value))
                except UnfitValueError as error:
                    return failure(error.error_class, f"field {name}: {error}")
            elif absent is not _ABSENT:
                values.append(absent)
            else:
                return failure("MissingField", f"field {name}: missing, and it has no default")
        return values


def _if_absent(field: SchemaField, plain: bool) -> Any:
    """The value of a field that a message leaves out, or `_ABSENT` if it must not."""
    return field.default if field.has_default or (plain and field.nullable) else _ABSENT
