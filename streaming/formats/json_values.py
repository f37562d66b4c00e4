"""JSON values to the values of Avro types, in Avro's own JSON encoding and in plain JSON.

The value of a date is its number of days, of a timestamp its number in the schema's unit: what the bytes of Avro
binary hold, too.
"""

from __future__ import annotations

import base64
import re
import struct
from collections.abc import Callable, Sequence
from datetime import date
from functools import partial
from typing import Any

from streaming.formats import rfc3339
from streaming.formats.avro_types import AvroType

Convert = Callable[[Any], Any]

_RANGES = {"int": range(-(2**31), 2**31), "long": range(-(2**63), 2**63)}
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_EXACT = 2**53  # up to here every whole float is one integer, and no other
_FLOAT32 = struct.Struct("<f")
_JSON_NAMES = {bool: "the boolean", int: "the number", float: "the number", str: "the string"}


class UnfitValueError(ValueError):
    """A value that its type does not allow.

    Attributes:
        error_class: what a failure of this is called.
    """

    def __init__(self, message: str, error_class: str = "WrongType") -> None:
        super().__init__(message)
        self.error_class = error_class


def avro_json(avro: AvroType) -> Convert:
    """The converter of a type that is no union, in Avro's JSON encoding: bytes are ISO 8859-1 text.

    As in `fastavro.json_reader`, but a value of the wrong type raises UnfitValueError.
    """
    if avro.kind in _RANGES:
        return partial(_integer, avro.kind)
    if avro.kind == "bytes":
        return _latin_1
    if avro.kind == "array":
        return partial(_array, avro_json(avro.parts[0]))
    return _common(avro)


def tagged(avro: AvroType, nullable: bool) -> Convert:
    """As `avro_json`, and for a nullable type: null, or the value in an object under the name of its type."""
    convert = avro_json(avro)
    return partial(_tagged, avro.tag, convert) if nullable else convert


def plain_json(avro: AvroType, nullable: bool) -> Convert:
    """The converter of a type in plain JSON.

    No tags; bytes are standard base64; a whole number may be written as 3.0; a date may be `2026-01-31`; a timestamp
    may be an RFC 3339 text (without a zone if it is a local one). A value of the wrong type raises UnfitValueError.
    """
    convert = _plain(avro)
    return partial(_nullable, convert) if nullable else convert


def _plain(avro: AvroType) -> Convert:
    if avro.logical == "date":
        return _date
    if avro.logical.removeprefix("local-") in ("timestamp-millis", "timestamp-micros"):
        return partial(_timestamp, avro.logical.startswith("local-"), 1000 if avro.logical.endswith("millis") else 1)
    if avro.kind in _RANGES:
        return partial(_whole, avro.kind)
    if avro.kind == "bytes":
        return _base64
    if avro.kind == "array":
        return partial(_array, _plain(avro.parts[0]))
    return _common(avro)


def _common(avro: AvroType) -> Convert:
    if avro.kind == "enum":
        return partial(_enum, frozenset(avro.symbols))
    return {"boolean": _boolean, "string": _string, "float": _float, "double": _double}[avro.kind]


def _wrong(expected: str, value: Any) -> UnfitValueError:
    return UnfitValueError(f"expected {expected}, got {show(value)}")


def show(value: Any) -> str:
    """A JSON value as an error message names it."""
    if value is None:
        return "null"
    if isinstance(value, list | dict):
        return "an array" if isinstance(value, list) else "an object"
    text = repr(value) if isinstance(value, str) else str(value).lower()
    return f"{_JSON_NAMES[type(value)]} {text if len(text) <= 80 else text[:80] + '…'}"


def _integer(kind: str, value: Any) -> int:
    if type(value) is not int:
        raise _wrong(f"{'an' if kind == 'int' else 'a'} {kind}", value)
    if value not in _RANGES[kind]:
        raise UnfitValueError(f"{value} does not fit {'an int' if kind == 'int' else 'a long'}", "OutOfRange")
    return value


def _whole(kind: str, value: Any) -> int:
    if type(value) is float and value.is_integer() and abs(value) <= _EXACT:
        return _integer(kind, int(value))
    return _integer(kind, value)


def _double(value: Any) -> float:
    if type(value) is float:
        return value
    if type(value) is int:
        return float(value)
    raise _wrong("a double", value)


def _float(value: Any) -> float:
    if type(value) is not float and type(value) is not int:
        raise _wrong("a float", value)
    try:
        _FLOAT32.pack(value)
    except OverflowError:
        raise UnfitValueError(f"{value} does not fit a float", "OutOfRange") from None
    return float(value)


def _boolean(value: Any) -> bool:
    if type(value) is not bool:
        raise _wrong("a boolean", value)
    return value


def _string(value: Any) -> str:
    if type(value) is not str:
        raise _wrong("a string", value)
    return value


def _enum(symbols: frozenset[str], value: Any) -> str:
    if type(value) is not str or value not in symbols:
        raise _wrong(f"one of {', '.join(sorted(symbols))}", value)
    return value


def _latin_1(value: Any) -> bytes:
    try:
        return _string(value).encode("iso-8859-1")
    except UnicodeEncodeError:
        raise _wrong("bytes as characters up to U+00FF", value) from None


def _base64(value: Any) -> bytes:
    try:
        return base64.b64decode(_string(value), validate=True)
    except ValueError:
        raise _wrong("bytes in base64", value) from None


def _date(value: Any) -> int:
    if type(value) is not str:
        return _whole("int", value)
    try:
        if _DAY.fullmatch(value):
            return date.fromisoformat(value).toordinal() - _EPOCH_DAY
    except ValueError:
        pass  # a 30th of February
    raise _wrong("a date such as 2026-01-31", value)


def _timestamp(local: bool, microseconds: int, value: Any) -> int:
    if type(value) is not str:
        return _whole("long", value)
    instant = rfc3339.parse_local(value) if local else rfc3339.parse(value)
    if instant is None:
        raise _wrong(f"a time such as 2026-01-31T12:00:00{'' if local else 'Z'}", value)
    return instant // microseconds


def _array(convert: Convert, value: Any) -> Sequence[Any]:
    if type(value) is not list:
        raise _wrong("an array", value)
    return [_item(convert, index, item) for index, item in enumerate(value)]


def _item(convert: Convert, index: int, item: Any) -> Any:
    try:
        return convert(item)
    except UnfitValueError as error:
        raise UnfitValueError(f"item {index}: {error}", error.error_class) from None


def _nullable(convert: Convert, value: Any) -> Any:
    return None if value is None else convert(value)


def _tagged(tag: str, convert: Convert, value: Any) -> Any:
    if value is None:
        return None
    if type(value) is not dict or value.keys() != {tag}:
        raise _wrong(f'null or {{"{tag}": ...}}', value)
    return convert(value[tag])
