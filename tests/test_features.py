"""Columns to tf.Examples: each kind of column is read back from what was made of it."""

from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
import pytest
import tensorflow as tf

from streaming.batches import Batch, Failure, failure_rows
from streaming.features import ToExamples, blank_example, encode, feature_type, overflows, source
from streaming.wiring import FeatureColumn, Output
from tests.builders import PREDICTION, X, answered, batch, plan, readings

NOON = datetime(2026, 3, 1, 12, 0, 0, 1000, tzinfo=UTC)
FLOAT32_MAX = 3.4028234663852886e38


def read(example: bytes) -> dict[str, Any]:
    """The features of an example by name: (kind, values), or None for a feature without a kind, which is missing."""
    parsed = tf.train.Example.FromString(example).features.feature
    return {name: _values(feature) for name, feature in parsed.items()}


def _values(feature: Any) -> tuple[str, list[Any]] | None:
    kind = feature.WhichOneof("kind")
    return None if kind is None else (kind, list(getattr(feature, kind).value))


def made(values: pa.Array, default: bool | float | str | None = None) -> list[tuple[str, list[Any]] | None]:
    """The feature x of each row, made of a column of these values."""
    feature = FeatureColumn("x", "field:value", values.type, None, default)
    return [read(example)["x"] for example in encode(batch(len(values), value=values).rows, [feature]).to_pylist()]


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        (pa.array([1.5, None, -0.0], pa.float64()), "float_list", [1.5, None, 0.0]),
        (pa.array([1.5, None], pa.float32()), "float_list", [1.5, None]),
        (pa.array([float("inf"), float("-inf")]), "float_list", [float("inf"), float("-inf")]),
        (pa.array([1, None, -(2**31)], pa.int32()), "int64_list", [1, None, -(2**31)]),
        (pa.array([2**63 - 1, None], pa.int64()), "int64_list", [2**63 - 1, None]),
        (pa.array([True, None, False]), "int64_list", [1, None, 0]),
        (pa.array(["é", None, ""]), "bytes_list", ["é".encode(), None, b""]),
        (pa.array([b"\xff\x00", None], pa.binary()), "bytes_list", [b"\xff\x00", None]),
        (pa.array([date(1970, 1, 2), None, date(1969, 12, 31)]), "int64_list", [1, None, -1]),
        (pa.array([NOON, None], pa.timestamp("ms", "UTC")), "int64_list", [1772366400001, None]),
        (pa.array([NOON, None], pa.timestamp("us", "UTC")), "int64_list", [1772366400001000, None]),
        (pa.array([-1, None], pa.timestamp("us")), "int64_list", [-1, None]),
        (pa.array([None, None], pa.float64()), "float_list", [None, None]),
        (pa.array([None], pa.string()), "bytes_list", [None]),
    ],
    ids=lambda case: str(case.type) if isinstance(case, pa.Array) else "",
)
def test_a_scalar_is_one_value_and_a_null_a_missing_feature(values: pa.Array, kind: str, expected: list[Any]) -> None:
    assert made(values) == [None if value is None else (kind, [value]) for value in expected]


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        (pa.array([[1.5, 2.5], None, []], pa.list_(pa.float64())), "float_list", [[1.5, 2.5], None, []]),
        (pa.array([[], [1.5]], pa.list_(pa.float32())), "float_list", [[], [1.5]]),
        (pa.array([[1], None, [2, 3]], pa.list_(pa.int32())), "int64_list", [[1], None, [2, 3]]),
        (pa.array([[2**63 - 1]], pa.list_(pa.int64())), "int64_list", [[2**63 - 1]]),
        (pa.array([[True, False], None], pa.list_(pa.bool_())), "int64_list", [[1, 0], None]),
        (pa.array([["é", ""], None, []], pa.list_(pa.string())), "bytes_list", [["é".encode(), b""], None, []]),
        (pa.array([[b"\xff"], None], pa.list_(pa.binary())), "bytes_list", [[b"\xff"], None]),
        (pa.array([[date(1970, 1, 2)], None], pa.list_(pa.date32())), "int64_list", [[1], None]),
        (pa.array([[NOON], []], pa.list_(pa.timestamp("ms", "UTC"))), "int64_list", [[1772366400001], []]),
    ],
    ids=lambda case: str(case.type) if isinstance(case, pa.Array) else "",
)
def test_a_list_is_its_values_and_a_null_a_missing_feature(values: pa.Array, kind: str, expected: list[Any]) -> None:
    assert made(values) == [None if value is None else (kind, value) for value in expected]


@pytest.mark.parametrize(
    "values",
    [
        pa.array([9.0, 1.0, None, 3.0, 9.0]),
        pa.array(["9", "1", None, "3", "9"]),
        pa.array([True, True, None, False, True]),
        pa.array([date(1970, 1, 9), date(1970, 1, 2), None, date(1970, 1, 4), None]),
        pa.array([9, 1, None, 3, 9], pa.timestamp("ms", "UTC")),
        pa.array([[9.0], [1.0, 2.0], None, [], [9.0]], pa.list_(pa.float64())),
    ],
    ids=lambda values: str(values.type),
)
def test_a_slice_is_encoded_as_the_whole_is(values: pa.Array) -> None:
    assert made(values.slice(1, 3)) == made(values)[1:4]
    assert made(values.slice(2, 0)) == []


@pytest.mark.parametrize(
    ("values", "default", "expected"),
    [
        (pa.array([1.5, None]), 0.25, ("float_list", [0.25])),
        (pa.array([1.5, None]), 3, ("float_list", [3.0])),
        (pa.array([1.5, None]), 100_000_000, ("float_list", [1e8])),
        (pa.array([1.5, None]), 0, ("float_list", [0.0])),
        (pa.array([7, None], pa.int32()), -1, ("int64_list", [-1])),
        (pa.array([7, None], pa.int32()), 2**40, ("int64_list", [2**40])),
        (pa.array([False, None]), True, ("int64_list", [1])),
        (pa.array([True, None]), False, ("int64_list", [0])),
        (pa.array(["a", None]), "é", ("bytes_list", ["é".encode()])),
        (pa.array(["a", None]), "", ("bytes_list", [b""])),
        (pa.array([b"a", None], pa.binary()), "b", ("bytes_list", [b"b"])),
        (pa.array([date(2026, 3, 1), None]), 0, ("int64_list", [0])),
        (pa.array([NOON, None], pa.timestamp("ms", "UTC")), 5, ("int64_list", [5])),
    ],
)
def test_a_null_becomes_the_default(values: pa.Array, default: bool | float | str, expected: tuple[str, Any]) -> None:
    assert made(values, default) == [made(values)[0], expected]


def test_several_features_in_their_own_order_whatever_the_columns() -> None:
    rows = batch(2, a=pa.array([1.0, None]), b=pa.array(["u", "v"]), c=pa.array([[1], []], pa.list_(pa.int64()))).rows
    features = [
        FeatureColumn("numbers", "field:c", pa.list_(pa.int64())),
        FeatureColumn("text", "field:b", pa.string()),
        FeatureColumn("number", "field:a", pa.float64()),
        FeatureColumn("again", "field:a", pa.float64(), None, 0.5),
    ]
    assert [read(example) for example in encode(rows, features).to_pylist()] == [
        {
            "numbers": ("int64_list", [1]),
            "text": ("bytes_list", [b"u"]),
            "number": ("float_list", [1.0]),
            "again": ("float_list", [1.0]),
        },
        {"numbers": ("int64_list", []), "text": ("bytes_list", [b"v"]), "number": None, "again": ("float_list", [0.5])},
    ]


def test_without_features_or_rows_an_example_is_empty_or_there_is_none() -> None:
    assert encode(readings([1.0, 2.0]).rows, []) == pa.array([b"", b""], pa.large_binary())
    assert encode(readings([]).rows, [X]) == pa.array([], pa.large_binary())


def test_a_model_reads_missing_features_as_its_own_default_and_empty_lists_as_empty() -> None:
    """What the encoder writes for a null is what TensorFlow takes for a missing feature."""
    rows = batch(3, a=pa.array([1.0, None, None]), b=pa.array([[1, 2], [], None], pa.list_(pa.int64()))).rows
    features = [FeatureColumn("a", "field:a", pa.float64()), FeatureColumn("b", "field:b", pa.list_(pa.int64()))]
    parsed = tf.io.parse_example(
        encode(rows, features).to_pylist(),
        {"a": tf.io.FixedLenFeature([1], tf.float32, [-1.0]), "b": tf.io.RaggedFeature(tf.int64)},
    )
    assert parsed["a"].numpy().tolist() == [[1.0], [-1.0], [-1.0]]
    assert parsed["b"].to_list() == [[1, 2], [], []]


def test_an_earlier_models_answers_fill_a_feature() -> None:
    label = Output("label", "label", pa.string())
    scores = Output("scores", "scores", pa.list_(pa.float64()))
    feeder = plan("first", outputs=[PREDICTION, label, scores])
    answers = [
        {"prediction": 2.5, "label": "a", "scores": [0.5, 0.25]},
        None,
        {"prediction": -1.0, "label": "b", "scores": []},
    ]
    rows = answered(batch(3), feeder, answers).rows
    features = [FeatureColumn(each.column, "model:first", each.type, each.column) for each in feeder.outputs]
    assert [read(example) for example in encode(rows, features).to_pylist()] == [
        {"prediction": ("float_list", [2.5]), "label": ("bytes_list", [b"a"]), "scores": ("float_list", [0.5, 0.25])},
        {"prediction": None, "label": None, "scores": None},
        {"prediction": ("float_list", [-1.0]), "label": ("bytes_list", [b"b"]), "scores": ("float_list", [])},
    ]
    part = rows.slice(1, 2)
    assert source(part, features[0]) == pa.array([None, -1.0])
    assert [read(each) for each in encode(part, features).to_pylist()] == [
        read(each) for each in encode(rows, features).to_pylist()[1:]
    ]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (pa.float64(), pa.float32()),
        (pa.float32(), pa.float32()),
        (pa.int32(), pa.int64()),
        (pa.bool_(), pa.int64()),
        (pa.date32(), pa.int64()),
        (pa.timestamp("us", "UTC"), pa.int64()),
        (pa.string(), pa.large_binary()),
        (pa.binary(), pa.large_binary()),
    ],
    ids=str,
)
def test_the_type_of_a_feature(values: pa.DataType, kind: pa.DataType) -> None:
    assert feature_type(values) == kind


def test_values_that_no_float32_holds_are_found_with_their_rows() -> None:
    lists = pa.array([[1.0], None, [0.0, -1e39, 1e40], [], [1e39]], pa.list_(pa.float64()))
    rows = batch(5, a=pa.array([1e300, FLOAT32_MAX, float("inf"), float("nan"), None]), b=lists).rows
    features = [FeatureColumn("a", "field:a", pa.float64()), FeatureColumn("b", "field:b", pa.list_(pa.float64()))]
    assert overflows(rows, features) == {
        0: "feature a: 1e+300 does not fit a float32",
        2: "feature b: -1e+39 does not fit a float32",
        4: "feature b: 1e+39 does not fit a float32",
    }
    assert overflows(rows.slice(2, 3), features) == {
        0: "feature b: -1e+39 does not fit a float32",
        2: "feature b: 1e+39 does not fit a float32",
    }
    assert overflows(batch(2, a=pa.array([2**62, 1]), b=pa.array([[1], []])).rows, features) == {}


def test_what_lies_hidden_under_a_null_is_no_value() -> None:
    """As in the lists of a model that has not answered."""
    offsets, flat = pa.array([0, 2, 4, 5], pa.int32()), pa.array([1.0, 2.0, 1e300, 4.0, 1e300])
    lists = pa.ListArray.from_arrays(offsets, flat, mask=pa.array([False, True, False]))
    feature = FeatureColumn("x", "field:x", lists.type)
    assert overflows(batch(3, x=lists).rows, [feature]) == {2: "feature x: 1e+300 does not fit a float32"}
    assert made(lists.slice(0, 2)) == [("float_list", [1.0, 2.0]), None]


def test_the_first_feature_that_overflows_is_named() -> None:
    rows = readings([1e300]).rows
    features = [FeatureColumn(name, "field:value", pa.float64()) for name in ("first", "second")]
    assert overflows(rows, features) == {0: "feature first: 1e+300 does not fit a float32"}


def test_the_step_rejects_rows_that_overflow_and_encodes_the_others() -> None:
    before = readings([1.0, 1e300, None])
    after = ToExamples([X])(before)
    assert after.rows.schema == before.rows.schema.append(pa.field("example", pa.large_binary()))
    assert after.column("id").to_pylist() == ["id-0", "id-2"]
    assert [read(example) for example in after.column("example").to_pylist()] == [
        {"x": ("float_list", [1.0])},
        {"x": None},
    ]
    failure = Failure("to_example", "FeatureOutOfRangeError", "feature x: 1e+300 does not fit a float32")
    assert after.failures == failure_rows(before.rows.slice(1, 1), [failure])


@pytest.mark.parametrize("features", [[X], []], ids=["features", "no features"])
def test_the_step_leaves_one_example_a_row(features: list[FeatureColumn]) -> None:
    for before in (readings([1.0, 2.0]), readings([]), readings([1e300] * 3)):
        after = ToExamples(features)(before)
        assert (len(after.column("example")), after.column("example").type) == (len(after), pa.large_binary())
        assert len(after) + after.failures.num_rows == len(before)


def test_failures_of_earlier_steps_are_kept() -> None:
    before: Batch = readings([1.0, 2.0]).rejecting(pa.array([True, False]), [Failure("decode", "Bad", "no good")])
    assert ToExamples([X])(before).failures == before.failures


def test_a_blank_example_has_every_feature() -> None:
    features = [
        X,
        FeatureColumn("count", "field:count", pa.int32()),
        FeatureColumn("on", "field:on", pa.bool_()),
        FeatureColumn("day", "field:day", pa.date32()),
        FeatureColumn("text", "field:text", pa.string()),
        FeatureColumn("bytes", "field:bytes", pa.binary()),
        FeatureColumn("numbers", "field:numbers", pa.list_(pa.float64())),
        FeatureColumn("label", "model:first", pa.string(), "label"),
    ]
    assert read(blank_example(features)) == {
        "x": ("float_list", [0.0]),
        "count": ("int64_list", [0]),
        "on": ("int64_list", [0]),
        "day": ("int64_list", [0]),
        "text": ("bytes_list", [b""]),
        "bytes": ("bytes_list", [b""]),
        "numbers": ("float_list", []),
        "label": ("bytes_list", [b""]),
    }


def test_examples_that_are_there_already_stay_as_they_are() -> None:
    examples = pa.array([b"one", b"another"], pa.large_binary())
    before = readings([1e300, 2.0]).with_column("example", examples)
    assert ToExamples([X])(before) == before
