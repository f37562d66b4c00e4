"""What a model takes: tf.Examples, tensors of every type, and the rows of which none can be made."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from tfx_bsl.coders.example_coder import ExamplesToRecordBatchDecoder

from streaming.features import FeatureOutOfRangeError, ToExamples
from streaming.inputs import InputSizeError, MissingInputError, blank_input, golden_input, model_input, unfit
from streaming.wiring import FeatureColumn, ModelPlan, SavedModelCall, Tensor
from tests.builders import X, batch, plan, readings

TIME = datetime(2026, 3, 1, tzinfo=UTC)


def taking(*tensors: Tensor, types: list[pa.DataType], default: Any = None) -> ModelPlan:
    """A model that takes tensors, each fed by the field of its name."""
    features = [
        FeatureColumn(tensor.name, f"field:{tensor.name}", kind, None, default)
        for tensor, kind in zip(tensors, types, strict=True)
    ]
    return plan(features=features, call=SavedModelCall("", tensors=tensors))


def tensor(values: pa.Array, dtype: str, size: int | None = None, default: Any = None) -> np.ndarray:
    model = taking(Tensor("x", dtype, size), types=[values.type], default=default)
    rows = batch(len(values), x=values).rows
    assert unfit(rows, model) == {}
    taken = model_input(rows, model)
    assert isinstance(taken, dict)
    return taken["x"]


def misfits(values: pa.Array, dtype: str, size: int | None = None) -> dict[int, tuple[type[Exception], str]]:
    model = taking(Tensor("x", dtype, size), types=[values.type])
    wrong = unfit(batch(len(values), x=values).rows, model)
    return {row: (type(error), str(error)) for row, error in wrong.items()}


def decoded(examples: Any) -> list[dict[str, Any]]:
    return ExamplesToRecordBatchDecoder().DecodeBatch(np.array(examples, object)).to_pylist()


@pytest.mark.parametrize(
    ("values", "dtype", "expected"),
    [
        (pa.array([1.5, -2.0]), "float32", np.array([1.5, -2.0], np.float32)),
        (pa.array([1e300, float("inf")]), "float64", np.array([1e300, np.inf])),
        (pa.array([1.5, float("inf")]), "float16", np.array([1.5, np.inf], np.float16)),
        (pa.array([1.5, 2.0]), "bfloat16", np.array([1.5, 2.0], np.float32)),
        (pa.array([1, -2], pa.int32()), "int64", np.array([1, -2])),
        (pa.array([2**31 - 1, -(2**31)]), "int32", np.array([2**31 - 1, -(2**31)], np.int32)),
        (pa.array([1, 255]), "uint8", np.array([1, 255], np.uint8)),
        (pa.array([1, 2]), "float32", np.array([1.0, 2.0], np.float32)),
        (pa.array([True, False]), "bool", np.array([True, False])),
        (pa.array(["a", "é"]), "string", np.array([b"a", "é".encode()], object)),
        (pa.array([b"\xff"]), "string", np.array([b"\xff"], object)),
        (pa.array([date(1970, 1, 3)]), "int32", np.array([2], np.int32)),
        (pa.array([TIME], pa.timestamp("ms", "UTC")), "int64", np.array([int(TIME.timestamp()) * 1000])),
    ],
)
def test_a_tensor_of_every_type(values: pa.Array, dtype: str, expected: np.ndarray) -> None:
    flat = tensor(values, dtype)
    assert (flat.dtype, flat.tolist()) == (expected.dtype, expected.tolist())
    column = tensor(values, dtype, 1)
    assert (column.shape, column.ravel().tolist()) == ((len(values), 1), expected.tolist())


def test_a_list_fills_the_second_dimension() -> None:
    values = pa.array([[9.0, 9.0], [1.0, 2.0], [3.0, 4.0]]).slice(1)
    assert tensor(values, "float32", 2).tolist() == [[1.0, 2.0], [3.0, 4.0]]
    assert tensor(pa.array([["a", "b"]]), "string", 2).tolist() == [[b"a", b"b"]]


@pytest.mark.parametrize(
    ("values", "dtype", "default", "expected"),
    [
        (pa.array([None, 1.0]), "float32", 7, [7.0, 1.0]),
        (pa.array([None, 1], pa.int32()), "int64", 7, [7, 1]),
        (pa.array([None, True]), "bool", False, [False, True]),
        (pa.array([None, "a"]), "string", "b", [b"b", b"a"]),
        (pa.array([None, 5], pa.timestamp("us", "UTC")), "int64", 3, [3, 5]),
    ],
)
def test_a_null_becomes_the_default(values: pa.Array, dtype: str, default: Any, expected: list[Any]) -> None:
    assert tensor(values, dtype, default=default).tolist() == expected


def test_rows_of_which_no_tensor_can_be_made() -> None:
    null = (MissingInputError, "input x is null and has no default")
    assert misfits(pa.array([1.0, None]), "float32") == {1: null}
    assert misfits(pa.array([1e300, -1e300, float("inf"), 1.0]), "float32") == {
        0: (FeatureOutOfRangeError, "input x: 1e+300 does not fit float32"),
        1: (FeatureOutOfRangeError, "input x: -1e+300 does not fit float32"),
    }
    assert misfits(pa.array([70000.0]), "float16") == {
        0: (FeatureOutOfRangeError, "input x: 70000.0 does not fit float16")
    }
    assert misfits(pa.array([-1, 256, 255]), "uint8") == {
        0: (FeatureOutOfRangeError, "input x: -1 does not fit uint8"),
        1: (FeatureOutOfRangeError, "input x: 256 does not fit uint8"),
    }
    assert misfits(pa.array([[1.0, 2.0], [1.0], None, [1.0, None], [1e300, 0.0]]), "float32", 2) == {
        1: (InputSizeError, "input x takes 2 values, not 1"),
        2: null,
        3: (MissingInputError, "input x has a null among its values"),
        4: (FeatureOutOfRangeError, "input x: 1e+300 does not fit float32"),
    }


def test_examples_that_the_job_has_made_are_taken_as_they_are() -> None:
    rows = ToExamples([X])(readings([1.0, 2.0])).rows
    assert model_input(rows, plan()) == rows.column("example").to_pylist()
    assert unfit(rows, plan()) == {}


def test_examples_of_a_models_own_features() -> None:
    rows, own = readings([1.0, 1e300]).rows, plan(features=[X])
    assert {row: str(error) for row, error in unfit(rows, own).items()} == {
        0 + 1: "feature x: 1e+300 does not fit a float32"
    }
    assert decoded(model_input(rows.slice(0, 1), own)) == [{"x": [1.0]}]


def test_a_blank_input_is_zeros_and_empty_texts() -> None:
    model = taking(Tensor("x", "float32", 3), Tensor("n", "int64"), Tensor("t", "string", 1), types=[pa.float64()] * 3)
    blank = blank_input(model)
    assert isinstance(blank, dict)
    assert {name: values.tolist() for name, values in blank.items()} == {"x": [[0.0] * 3], "n": [0], "t": [[b""]]}
    assert decoded(blank_input(plan())) == [{"x": [0.0]}]


def test_golden_values_are_given_by_feature() -> None:
    assert decoded(golden_input(plan(), [{"x": 1.5}, {"x": 2}])) == [{"x": [1.5]}, {"x": [2.0]}]
    both = taking(Tensor("x", "float32", 2), Tensor("n", "int64"), types=[pa.list_(pa.float64()), pa.int32()])
    golden = golden_input(both, [{"x": [1.0, 2.0], "n": 3}])
    assert isinstance(golden, dict)
    assert {name: values.tolist() for name, values in golden.items()} == {"x": [[1.0, 2.0]], "n": [3]}


@pytest.mark.parametrize(
    ("example", "wrong"),
    [
        ({"y": 1.0}, "the model takes no feature y"),
        ({"x": "a"}, "a value does not fit its feature: "),
        ({"x": 1e300}, "feature x: 1e\\+300 does not fit a float32"),
    ],
)
def test_golden_values_that_fit_no_feature(example: dict[str, Any], wrong: str) -> None:
    with pytest.raises(ValueError, match=f"^{wrong}"):
        golden_input(plan(), [example])
