"""Models that take raw tensors: which fields fit which inputs."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from streaming.wiring import FeatureColumn, SavedModelCall, Tensor
from tests.contract_cases import contract, job, mistakes, save, save_cases

Shape = tuple[int | None, ...] | None
NO_SHAPE: Shape = None


@pytest.fixture(scope="module")
def cases(cases: Path) -> Path:
    save(cases / "two", inputs={"x": ("FLOAT", (None, 3)), "amount": ("INT64", (None,))})
    save(cases / "whole", inputs={"x": ("INT64", (None,))})
    return cases


@pytest.mark.parametrize(
    ("dtype", "shape", "field", "tensor"),
    [
        ("FLOAT", (None,), "value", Tensor("x", "float32")),
        ("HALF", (None, 1), "value", Tensor("x", "float16", 1)),
        ("BFLOAT16", NO_SHAPE, "value", Tensor("x", "bfloat16")),
        ("DOUBLE", (None,), "count", Tensor("x", "float64")),
        ("DOUBLE", (None, 3), "series", Tensor("x", "float64", 3)),
        ("FLOAT", (None, 1), "series", Tensor("x", "float32", 1)),
        ("UINT8", (None,), "count", Tensor("x", "uint8")),
        ("INT32", (None,), "day", Tensor("x", "int32")),
        ("INT64", (None, 1), "time", Tensor("x", "int64", 1)),
        ("BOOL", (None,), "active", Tensor("x", "bool")),
        ("STRING", (None, 1), "kind", Tensor("x", "string", 1)),
        ("STRING", (None, 1), "raw", Tensor("x", "string", 1)),
        ("STRING", (None, 2), "tags", Tensor("x", "string", 2)),
    ],
)
def test_a_field_that_fits(tmp_path: Path, dtype: str, shape: Shape, field: str, tensor: Tensor) -> None:
    save_cases(tmp_path)
    save(tmp_path / "raw_tensor", inputs={"x": (dtype, shape)})
    (plan,) = contract(tmp_path, job("m: {path: raw_tensor}", features=f"x: {field}")).models
    assert plan.call == SavedModelCall(f"{tmp_path}/raw_tensor", tensors=(tensor,))


@pytest.mark.parametrize(
    ("dtype", "shape", "field", "wrong"),
    [
        (
            "INT64",
            (None,),
            "value",
            "takes int64, field value gives double; take a whole number, a date or a timestamp",
        ),
        (
            "INT64",
            (None,),
            "active",
            "takes int64, field active gives bool; take a whole number, a date or a timestamp",
        ),
        ("FLOAT", (None,), "time", "takes float32, field time gives timestamp[us, tz=UTC]; take a number"),
        ("FLOAT", (None,), "kind", "takes float32, field kind gives string; take a number"),
        ("BOOL", (None,), "count", "takes bool, field count gives int32; take a boolean"),
        ("STRING", (None, 1), "count", "takes string, field count gives int32; take a string, an enum or bytes"),
        ("FLOAT", (None, 3), "tags", "takes float32, field tags gives list<item: string>; take a number"),
        ("FLOAT", (None, 3), "value", "takes float32[?, 3], field value gives double; take an array of 3 values"),
        (
            "FLOAT",
            (None,),
            "series",
            "takes float32[?], field series gives list<item: double>; take a single value",
        ),
        (
            "FLOAT",
            NO_SHAPE,
            "series",
            "takes float32 of unknown rank, field series gives list<item: double>; "
            "export the input with the shape [None, SIZE]",
        ),
    ],
)
def test_a_field_that_does_not_fit(tmp_path: Path, dtype: str, shape: Shape, field: str, wrong: str) -> None:
    save_cases(tmp_path)
    save(tmp_path / "raw_tensor", inputs={"x": (dtype, shape)})
    assert mistakes(tmp_path, job("m: {path: raw_tensor}", features=f"x: {field}")) == [f"features.x: m {wrong}"]


@pytest.mark.parametrize(
    ("dtype", "shape", "wrong"),
    [
        ("FLOAT", (), "float32[], takes a fixed number of rows; export it with the shape [None]"),
        ("FLOAT", (8, 3), "float32[8, 3], takes a fixed number of rows; export it with the shape [None, 3]"),
        ("FLOAT", (8, 2, 2), "float32[8, 2, 2], has more than two dimensions; export it with the shape [None, SIZE]"),
        ("FLOAT", (1,), "float32[1], takes a fixed number of rows; export it with the shape [None]"),
        (
            "FLOAT",
            (None, None),
            "float32[?, ?], has a second dimension of unknown size; export it with a fixed one, as in [None, 3]",
        ),
        (
            "FLOAT",
            (None, 8, 8),
            "float32[?, 8, 8], has more than two dimensions; export it with the shape [None, SIZE]",
        ),
        (
            "UINT64",
            (None,),
            "uint64[?], is of a type that no field has; export it as a number, a string or a bool",
        ),
    ],
)
def test_an_input_that_no_field_fits(tmp_path: Path, dtype: str, shape: Shape, wrong: str) -> None:
    save_cases(tmp_path)
    save(tmp_path / "raw_tensor", inputs={"x": (dtype, shape)})
    assert mistakes(tmp_path, job("m: {path: raw_tensor}")) == [
        f"models.m.signature: the input x of serving_default, {wrong}"
    ]


def test_of_the_jobs_features_a_model_takes_those_it_has_inputs_for(cases: Path) -> None:
    features = "x: series, amount: count, other: kind"
    checked = contract(cases, job("m: {path: two}, n: {path: m}", features=features))
    x, amount, other = (
        FeatureColumn("x", "field:series", pa.list_(pa.float64())),
        FeatureColumn("amount", "field:count", pa.int32()),
        FeatureColumn("other", "field:kind", pa.string()),
    )
    assert checked.features == (x, amount, other)
    assert [(plan.call, plan.features, plan.shares_examples) for plan in checked.models] == [
        (
            SavedModelCall(f"{cases}/two", tensors=(Tensor("amount", "int64"), Tensor("x", "float32", 3))),
            (x, amount),
            False,
        ),
        (SavedModelCall(f"{cases}/m"), (x, amount, other), True),
    ]


def test_an_earlier_models_output_gives_its_own_type(cases: Path) -> None:
    models = "a: {path: typed}, b: {path: whole, features: {x: a.whole}}, c: {path: tensor, features: {x: a.whole}}"
    assert [plan.features for plan in contract(cases, job(models)).models[1:]] == [
        (FeatureColumn("x", "model:a", pa.int64(), "whole"),),
        (FeatureColumn("x", "model:a", pa.int64(), "whole"),),
    ]


@pytest.mark.parametrize(
    ("models", "features", "lines"),
    [
        (
            "a: {path: typed}, b: {path: whole, features: {x: a.number}}",
            "x: value",
            ["models.b.features.x: b takes int64, a.number gives double; take a whole number, a date or a timestamp"],
        ),
        (
            "m: {path: two, features: {amuont: count, x: series}}",
            "",
            [
                "models.m.features: m needs amount, int64[?]; add amount: FIELD",
                "models.m.features.amuont: m takes no feature 'amuont'; did you mean amount?",
            ],
        ),
        ("m: {path: two}", "x: series", ["features: m needs amount, int64[?]; add amount: FIELD"]),
        (
            "m: {path: two}",
            "",
            [
                "features: m needs amount, int64[?], and no scalar field has this name; "
                "name all features here, and amount: FIELD among them",
                "features: m needs x, float32[?, 3], and no scalar field has this name; "
                "name all features here, and x: FIELD among them",
            ],
        ),
        (
            "m: {path: two}",
            "x: series, amount: count, amuont: count",
            ["features.amuont: no model takes the feature 'amuont'; did you mean amount?"],
        ),
    ],
)
def test_inputs_that_are_not_given(cases: Path, models: str, features: str, lines: list[str]) -> None:
    assert mistakes(cases, job(models, features=features)) == lines
