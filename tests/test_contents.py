"""What messages say: signals as their fields hold them, and key, id and event time where the job looks for them."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from producers.synthesis.contents import Composer, Contents
from streaming.job import Message
from tests.stream_cases import MICROS, schema, target

ID = "00000000-0000-4000-8000-00000000000"
KIND = {"type": "enum", "name": "Kind", "symbols": ["A", "B"]}


def compose(fields: dict[str, Any], message: Message, signals: dict[str, Any], **more: Any) -> Contents:
    """Two messages of device-a, the second without a key, one millisecond after 1970."""
    composer = Composer(schema(fields, more.get("defaults")), message, more.get("poison", {}))
    return composer(
        np.array([7, 8]),
        pa.RecordBatch.from_pydict({name: pa.array(values) for name, values in signals.items()} or {"": pa.nulls(2)}),
        keys=pa.array(["device-a", None]),
        ids=pa.array([ID + "1", ID + "2"]),
        times=np.array([1000, 2999]),
        poisoned=pa.array([False, True]),
    )


def message(**parts: Any) -> Message:
    return target(schema({"value": "double"}), **parts).message


ATTRIBUTES = message(key={"attribute": "device"}, event_time="publish_time")


@pytest.mark.parametrize(
    ("kind", "signal", "expected"),
    [
        ("double", [0.1, -2.0], [0.1, -2.0]),
        (["null", "double"], [0.1, None], [0.1, None]),
        ("float", [0.1, 1.0], [0.10000000149011612, 1.0]),
        ("int", [1.6, -3e9], [2, -(2**31) + 1]),
        ("long", [2.5, 1e300], [2, 2**63 - 1024]),
        (["null", "long"], [None, 3.0], [None, 3]),
        ("boolean", [0.4, 0.5], [False, True]),
        ("string", ["x", "y"], ["x", "y"]),
        (KIND, ["A", "B"], ["A", "B"]),
    ],
)
def test_a_signal_becomes_what_its_field_holds(kind: Any, signal: list[Any], expected: list[Any]) -> None:
    fields = compose({"value": kind}, ATTRIBUTES, {"value": signal}).fields
    assert fields.to_pydict() == {"value": expected}
    assert fields.schema.field("value").type == schema({"value": kind}).fields[0].type


def test_a_time_or_a_date_is_a_number_in_its_own_unit() -> None:
    kinds = {"at": {"type": "long", "logicalType": "timestamp-millis"}, "day": {"type": "int", "logicalType": "date"}}
    fields = compose(kinds, ATTRIBUTES, {"at": [5.0, 6.4], "day": [1.0, 2.0]}).fields
    assert fields.column("at").cast(pa.int64()).to_pylist() == [5, 6]
    assert fields.column("day").cast(pa.int32()).to_pylist() == [1, 2]


def test_fields_that_nothing_fills_hold_a_constant() -> None:
    kinds = {"note": ["null", "string"], "unit": ["string", "null"], "count": "long"}
    fields = compose(kinds, ATTRIBUTES, {}, defaults={"unit": "bar"}).fields
    assert fields.to_pydict() == {"note": [None, None], "unit": ["bar", "bar"], "count": [0, 0]}


def test_key_id_and_event_time_stand_in_fields() -> None:
    kinds = {"device_id": "string", "uuid": "string", "event_time": MICROS}
    said = compose(kinds, message(id="uuid"), {})
    assert said.fields.column("device_id").to_pylist() == ["device-a", ""]
    assert said.fields.column("uuid").to_pylist() == [ID + "1", ID + "2"]
    assert said.fields.column("event_time").cast(pa.int64()).to_pylist() == [1000, 2999]
    assert said.attribute_maps().to_pylist() == [[("sequence", "7")], [("sequence", "8")]]


def test_key_id_and_event_time_stand_in_attributes() -> None:
    places = message(key={"attribute": "device"}, id={"attribute": "uuid"}, event_time={"attribute": "at"})
    assert compose({"value": "double"}, places, {}).attribute_maps().to_pylist() == [
        [("sequence", "7"), ("uuid", ID + "1"), ("device", "device-a"), ("at", "1970-01-01T00:00:00.001000Z")],
        [("sequence", "8"), ("uuid", ID + "2"), ("at", "1970-01-01T00:00:00.002999Z")],
    ]


def test_a_nullable_key_is_null_where_it_is_missing() -> None:
    said = compose({"device_id": ["null", "string"]}, message(event_time="publish_time"), {})
    assert said.fields.column("device_id").to_pylist() == ["device-a", None]


def test_a_number_as_id_is_the_messages_number() -> None:
    said = compose({"device_id": "string", "n": "int"}, message(id="n", event_time="publish_time"), {})
    assert said.fields.column("n").to_pylist() == [7, 8]


def test_poison_takes_the_place_of_what_a_message_would_say() -> None:
    kinds = {"value": "double", "count": ["null", "int"], "kind": KIND}
    signals = {"value": [1.0, 2.0], "count": [3.0, None], "kind": ["A", "A"]}
    said = compose(kinds, ATTRIBUTES, signals, poison={"value": 1e38, "count": -1, "kind": "B"})
    assert said.fields.to_pylist() == [
        {"value": 1.0, "count": 3, "kind": "A"},
        {"value": 1e38, "count": -1, "kind": "B"},
    ]
