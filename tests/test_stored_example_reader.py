"""Serialized tf.Examples to the fields that the job reads itself."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
import tensorflow as tf

from streaming.batches import field_column
from streaming.formats.decoded import Decoded, failure
from streaming.stored.example_reader import ExampleReader
from streaming.wiring import FeatureColumn
from tests.builders import plan
from tests.shaping_cases import contract
from tests.stream_cases import MICROS, schema

_LISTS = {
    float: ("float_list", tf.train.FloatList),
    int: ("int64_list", tf.train.Int64List),
    bytes: ("bytes_list", tf.train.BytesList),
}


def example(**features: list[Any]) -> bytes:
    made = {}
    for name, values in features.items():
        key, kind = _LISTS[type(values[0])] if values else ("", None)
        made[name] = tf.train.Feature(**{key: kind(value=values)}) if kind else tf.train.Feature()
    serialized: bytes = tf.train.Example(features=tf.train.Features(feature=made)).SerializeToString()
    return serialized


def reader(kind: Any, default: dict[str, Any] | None = None) -> ExampleReader:
    """Of a job whose model takes the field f as a tensor."""
    of = schema({"device_id": ["null", "string"], "f": kind, "unread": "double"}, default)
    field = of.field("f")
    assert field is not None
    tensors = plan("tensors", features=[FeatureColumn("f", field_column("f"), field.type)])
    return ExampleReader(contract(of, [FeatureColumn("x", field_column("f"), field.type)], [tensors]))


def read(
    kind: Any, *values: list[Any] | None, default: dict[str, Any] | None = None
) -> tuple[list[Any], dict[int, str]]:
    """The field f of an example each, or of one without it; and the messages of failures."""
    found = reader(kind, default)([example() if each is None else example(f=each) for each in values])
    return _of_f(found)


def _of_f(found: Decoded) -> tuple[list[Any], dict[int, str]]:
    column = found.columns.column("field:f")
    return column.to_pylist(), {row: f"{why.error_class}: {why.error_message}" for row, why in found.failures.items()}


@pytest.mark.parametrize(
    ("kind", "values", "expected"),
    [
        (["null", "double"], [[1.5], [], None], [1.5, None, None]),
        (["null", "float"], [[1.5], None], [1.5, None]),
        (["null", "int"], [[7], None], [7, None]),
        (["null", "boolean"], [[1], [0], None], [True, False, None]),
        (["null", "string"], [["é".encode()], None], ["é", None]),
        (["null", "bytes"], [[b"\xff"], None], [b"\xff", None]),
        ({"type": "array", "items": "double"}, [[1.0, 2.0], [3.0]], [[1.0, 2.0], [3.0]]),
        (["null", {"type": "array", "items": "string"}], [[b"a", b""], None], [["a", ""], None]),
    ],
)
def test_features_have_the_fields_type(kind: Any, values: list[Any], expected: list[Any]) -> None:
    assert read(kind, *values) == (expected, {})


def test_a_time_is_in_the_schemas_unit() -> None:
    found = reader(MICROS)([example(f=[1_772_366_400_250_000])]).columns.column("field:f")
    assert found.equals(pa.array([1_772_366_400_250_000], pa.timestamp("us", "UTC")))


def test_what_no_field_holds() -> None:
    no_feature = "MissingField: field f: no feature f or x, and it has no default"
    assert read("int", [1], [2**31], [1, 2], [], None) == (
        [1, None, None, None, None],
        {
            1: "OutOfRange: field f: 2147483648 does not fit an int",
            2: "WrongType: field f: expected one value, got 2",
            3: no_feature,
            4: no_feature,
        },
    )
    assert read("boolean", [2])[1] == {0: "WrongType: field f: expected a boolean, got the number 2"}
    assert read("string", [b"\xff"])[1] == {0: "NotUtf8: field f: a string is not UTF-8: invalid start byte"}
    enum = {"type": "enum", "name": "E", "symbols": ["A", "B"]}
    assert read(enum, [b"A"], [b"C"]) == (
        ["A", None],
        {1: "WrongType: field f: expected one of A, B, got the string 'C'"},
    )
    assert read({"type": "array", "items": "int"}, [1], None)[1] == {1: no_feature}


def test_a_missing_feature_is_the_fields_default() -> None:
    assert read("int", [1], None, [], default={"f": 5}) == ([1, 5, 5], {})
    empty = tf.train.Example(features=tf.train.Features(feature={"f": tf.train.Feature(int64_list={})}))
    assert _of_f(reader("int", {"f": 5})([empty.SerializeToString()])) == ([5], {})
    assert read({"type": "array", "items": "int"}, [1], None, default={"f": [5]}) == ([[1], [5]], {})


def test_the_feature_of_the_fields_name_comes_before_the_one_that_the_job_makes_of_it() -> None:
    found = reader("double")([example(f=[1.0], x=[2.0]), example(x=[2.0])])
    assert _of_f(found) == ([1.0, 2.0], {})


def test_fields_that_the_job_does_not_read_are_null() -> None:
    columns = reader("double")([example(device_id=[b"a"], f=[1.0], unread=[2.0])]).columns
    assert columns.to_pylist() == [{"field:device_id": "a", "field:f": 1.0, "field:unread": None}]


@pytest.mark.parametrize(
    ("malformed", "reason"),
    [
        (b"\xff\xff", "Unable to parse example."),
        (example(f=[1]), 'Feature had wrong type, expected float_list, found int64_list for feature "f"'),
    ],
)
def test_a_malformed_example_fails_and_others_are_read_as_ever(malformed: bytes, reason: str) -> None:
    read_by = reader("double")
    first, second = example(device_id=[b"a"], f=[1.0]), example(device_id=[b"b"], f=[2.0])
    found = read_by([first, malformed, second])
    assert _of_f(found) == ([1.0, None, 2.0], {1: f"InvalidExample: {reason}"})
    assert _of_f(read_by([malformed] * 2))[1] == dict.fromkeys((0, 1), f"InvalidExample: {reason}")
    assert _of_f(read_by([first, second])) == ([1.0, 2.0], {})


def test_a_list_of_integers_too_large_for_ints() -> None:
    found = reader({"type": "array", "items": "int"})([example(f=[1, 2**31])])
    assert found.failures == {0: failure("OutOfRange", "field f: item 1: 2147483648 does not fit an int")}


def test_a_field_whose_feature_is_another_fields_has_none() -> None:
    of = schema({"device_id": ["null", "string"], "f": "double", "g": "double"})
    tensors = plan("tensors", features=[FeatureColumn("f", field_column("f"), pa.float64())])
    found = ExampleReader(contract(of, [FeatureColumn("f", field_column("g"), pa.float64())], [tensors]))(
        [example(f=[1.0])]
    )
    assert _of_f(found) == ([None], {0: "MissingField: field f: missing, and it has no default"})
