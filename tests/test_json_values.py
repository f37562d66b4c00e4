"""Each Avro type takes its values from JSON, and names what does not fit."""

from typing import Any

import pytest

from streaming.formats.avro_types import AvroType
from streaming.formats.json_values import Convert, UnfitValueError, avro_json, plain_json, show, tagged

STATE = AvroType("enum", name="plant.State", symbols=("ON", "OFF"))
DAY = AvroType("int", "date")
MILLIS = AvroType("long", "timestamp-millis")
MICROS = AvroType("long", "timestamp-micros")
LOCAL = AvroType("long", "local-timestamp-millis")
NOON = 1_769_860_800_000  # 2026-01-31T12:00:00Z


def of(kind: str) -> AvroType:
    return AvroType(kind)


def array(item: AvroType) -> AvroType:
    return AvroType("array", parts=(item,))


def plain(avro: AvroType) -> Convert:
    return plain_json(avro, nullable=False)


@pytest.mark.parametrize(
    ("avro", "value", "expected"),
    [
        (of("boolean"), True, True),
        (of("int"), -(2**31), -(2**31)),
        (of("long"), 2**63 - 1, 2**63 - 1),
        (of("float"), 3.4e38, 3.4e38),
        (of("float"), 1, 1.0),
        (of("double"), 1e308, 1e308),
        (of("double"), 2**64 - 1, 1.8446744073709552e19),
        (of("string"), "é", "é"),
        (STATE, "OFF", "OFF"),
        (array(of("int")), [1, 2], [1, 2]),
        (array(of("int")), [], []),
    ],
)
def test_what_is_the_same_in_both_encodings(avro: AvroType, value: Any, expected: Any) -> None:
    for converted in (avro_json(avro)(value), plain(avro)(value)):
        assert (converted, type(converted)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("avro", "value", "expected"),
    [
        (of("bytes"), "a\u00ff", b"a\xff"),
        (array(of("bytes")), ["\u0000"], [b"\0"]),
        (DAY, 20_484, 20_484),
        (MICROS, -1, -1),
    ],
)
def test_avro_json(avro: AvroType, value: Any, expected: Any) -> None:
    assert avro_json(avro)(value) == expected


@pytest.mark.parametrize(
    ("avro", "value", "expected"),
    [
        (of("int"), 3.0, 3),
        (of("long"), -(2.0**53), -(2**53)),
        (of("bytes"), "Yf8=", b"a\xff"),
        (of("bytes"), "", b""),
        (array(of("bytes")), ["AA=="], [b"\0"]),
        (DAY, 20_484, 20_484),
        (DAY, "2026-01-31", 20_484),
        (DAY, "1969-12-31", -1),
        (MILLIS, NOON, NOON),
        (MILLIS, float(NOON), NOON),
        (MILLIS, "2026-01-31T13:00:00.0019+01:00", NOON + 1),
        (MILLIS, "1969-12-31T23:59:59.9999Z", -1),
        (MICROS, "2026-01-31T12:00:00.000001Z", NOON * 1000 + 1),
        (LOCAL, "2026-01-31T12:00:00", NOON),
        (array(MICROS), [1, "1970-01-01T00:00:00.000002Z"], [1, 2]),
    ],
)
def test_plain_json(avro: AvroType, value: Any, expected: Any) -> None:
    converted = plain(avro)(value)
    assert (converted, type(converted)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("convert", "value", "message"),
    [
        (plain(of("double")), "hot", "expected a double, got the string 'hot'"),
        (plain(of("double")), True, "expected a double, got the boolean true"),
        (plain(of("double")), None, "expected a double, got null"),
        (plain(of("float")), [], "expected a float, got an array"),
        (plain(of("int")), True, "expected an int, got the boolean true"),
        (plain(of("int")), 3.5, "expected an int, got the number 3.5"),
        (plain(of("long")), "3", "expected a long, got the string '3'"),
        (plain(of("long")), 1e18, "expected a long, got the number 1e+18"),
        (plain(of("boolean")), 1, "expected a boolean, got the number 1"),
        (plain(of("string")), {}, "expected a string, got an object"),
        (plain(of("bytes")), "a\u00ff", "expected bytes in base64, got the string 'aÿ'"),
        (plain(of("bytes")), "YWI", "expected bytes in base64, got the string 'YWI'"),
        (plain(of("bytes")), "Y W I=", "expected bytes in base64, got the string 'Y W I='"),
        (plain(of("bytes")), 7, "expected bytes in base64, got the number 7"),
        (plain(STATE), "MAYBE", "expected one of OFF, ON, got the string 'MAYBE'"),
        (plain(STATE), ["ON"], "expected one of OFF, ON, got an array"),
        (plain(DAY), "2026-02-30", "expected a date such as 2026-01-31, got the string '2026-02-30'"),
        (plain(DAY), "20260131", "expected a date such as 2026-01-31, got the string '20260131'"),
        (plain(MILLIS), "2026-01-31", "expected a time such as 2026-01-31T12:00:00Z, got the string '2026-01-31'"),
        (
            plain(LOCAL),
            "2026-01-31T12:00:00Z",
            "expected a time such as 2026-01-31T12:00:00, got the string '2026-01-31T12:00:00Z'",
        ),
        (plain(array(of("int"))), 1, "expected an array, got the number 1"),
        (plain(array(of("int"))), [1, "x"], "item 1: expected an int, got the string 'x'"),
        (avro_json(of("int")), 3.0, "expected an int, got the number 3.0"),
        (avro_json(of("bytes")), "\u0100", "expected bytes as characters up to U+00FF, got the string 'Ā'"),
        (avro_json(MICROS), "1970-01-01T00:00:00Z", "expected a long, got the string '1970-01-01T00:00:00Z'"),
    ],
)
def test_a_value_of_the_wrong_type_is_named(convert: Convert, value: Any, message: str) -> None:
    with pytest.raises(UnfitValueError) as caught:
        convert(value)
    assert (str(caught.value), caught.value.error_class) == (message, "WrongType")


@pytest.mark.parametrize(
    ("avro", "value", "message"),
    [
        (of("int"), 2**31, "2147483648 does not fit an int"),
        (of("long"), 2**63, "9223372036854775808 does not fit a long"),
        (of("float"), 3.5e38, "3.5e+38 does not fit a float"),
        (MILLIS, -(2**63) - 1, "-9223372036854775809 does not fit a long"),
    ],
)
def test_a_number_out_of_range_is_named(avro: AvroType, value: Any, message: str) -> None:
    for convert in (plain(avro), avro_json(avro)):
        with pytest.raises(UnfitValueError) as caught:
            convert(value)
        assert (str(caught.value), caught.value.error_class) == (message, "OutOfRange")


def test_plain_json_has_null_without_a_tag() -> None:
    convert = plain_json(of("double"), nullable=True)
    assert [convert(None), convert(1.5)] == [None, 1.5]


@pytest.mark.parametrize(
    ("avro", "tag"), [(of("double"), "double"), (MICROS, "long"), (array(of("int")), "array"), (STATE, "plant.State")]
)
def test_avro_json_tags_the_values_of_unions(avro: AvroType, tag: str) -> None:
    value: Any = {"double": 1.5, "long": 5, "array": [1], "plant.State": "ON"}[tag]
    convert = tagged(avro, nullable=True)
    assert [convert(None), convert({tag: value})] == [None, value]


@pytest.mark.parametrize("value", [1.5, {}, {"float": 1.5}, {"double": 1.5, "null": None}, [1.5]])
def test_avro_json_wants_one_tag(value: Any) -> None:
    with pytest.raises(UnfitValueError, match=r'^expected null or {"double": ...}, got '):
        tagged(of("double"), nullable=True)(value)


def test_long_values_are_shown_in_part() -> None:
    assert show("x" * 100) == "the string '" + "x" * 79 + "…"
