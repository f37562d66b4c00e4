"""Whether another generation of a SavedModel fits where the first one was checked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pytest

from streaming.contract import misfits
from streaming.savedmodel.parsed_features import ParsedFeature
from streaming.savedmodel.signatures import Signature, TensorSpec, read_signatures
from streaming.wiring import EnsembleCall, FeatureColumn, ModelPlan, Output, SavedModelCall, Tensor
from tests.contract_cases import contract, job, save_cases

Inputs = Mapping[str, TensorSpec]
EXAMPLES: Inputs = {"examples": TensorSpec("string", (None,))}
SCORE = {"score": TensorSpec("float32", (None, 1))}
VALUE = FeatureColumn("x", "field:value", pa.float64())
KIND = FeatureColumn("kind", "field:kind", pa.string())
OUTPUTS = (Output("score", "p", pa.float64()),)


def plan(
    call: SavedModelCall | EnsembleCall, *features: FeatureColumn, outputs: tuple[Output, ...] = OUTPUTS
) -> ModelPlan:
    return ModelPlan("m", call, outputs, features)


def only(inputs: Inputs, outputs: Inputs = SCORE, *features: ParsedFeature) -> dict[str, Signature]:
    return {"serving_default": Signature(inputs, outputs, features or None)}


def tensors(**inputs: TensorSpec) -> dict[str, Signature]:
    return only(inputs)


def parsing(*features: ParsedFeature) -> dict[str, Signature]:
    return only(EXAMPLES, SCORE, *features)


EXAMPLE_PLAN = plan(SavedModelCall("models/m"), VALUE, KIND)
TENSOR_PLAN = plan(
    SavedModelCall("models/m", tensors=(Tensor("x", "float32"), Tensor("kind", "string", 1))), VALUE, KIND
)
SEVERAL = plan(
    SavedModelCall("models/m", ("a", "b")),
    VALUE,
    outputs=(Output("a.score", "a_score", pa.float64()), Output("b.label", "label", pa.string())),
)


@pytest.mark.parametrize(
    ("checked", "signatures"),
    [
        (EXAMPLE_PLAN, only(EXAMPLES)),
        (EXAMPLE_PLAN, only({"renamed": TensorSpec("string", None)}, {**SCORE, "more": TensorSpec("int64", (None,))})),
        (EXAMPLE_PLAN, only(EXAMPLES, {"score": TensorSpec("float64", (None,))})),
        (EXAMPLE_PLAN, only(EXAMPLES) | {"predict": Signature({}, {})}),
        (
            EXAMPLE_PLAN,
            parsing(
                ParsedFeature("x", "float32", (1,), required=True), ParsedFeature("new", "int64", (), required=False)
            ),
        ),
        (TENSOR_PLAN, tensors(kind=TensorSpec("string", (None, 1)), x=TensorSpec("float32", (None,)))),
        (
            SEVERAL,
            {
                "a": Signature(EXAMPLES, SCORE),
                "b": Signature(EXAMPLES, {"label": TensorSpec("string", (None,))}),
            },
        ),
    ],
)
def test_a_generation_that_fits(checked: ModelPlan, signatures: dict[str, Signature]) -> None:
    assert misfits(checked, signatures) == []


@pytest.mark.parametrize(
    ("checked", "signatures", "reasons"),
    [
        (
            EXAMPLE_PLAN,
            {"predict": Signature(EXAMPLES, SCORE)},
            ["the generation has no signature 'serving_default'; it has predict"],
        ),
        (
            SEVERAL,
            {"a": Signature(EXAMPLES, SCORE)},
            ["the generation has no signature 'b'; it has a"],
        ),
        (
            EXAMPLE_PLAN,
            only(EXAMPLES, {"scores": TensorSpec("float32", (None, 1))}),
            ["it has no output 'score'; did you mean scores?"],
        ),
        (
            EXAMPLE_PLAN,
            only(EXAMPLES, {"score": TensorSpec("float32", (None, 3))}),
            ["its output score, float32[?, 3], does not fit the column p (double)"],
        ),
        (
            EXAMPLE_PLAN,
            only(EXAMPLES, {"score": TensorSpec("float32", (None, 8, 8))}),
            ["its output score, float32[?, 8, 8], does not fit the column p (double)"],
        ),
        (
            EXAMPLE_PLAN,
            tensors(x=TensorSpec("float32", (None,))),
            [
                "serving_default of the generation takes x: float32[?]; "
                "export one that takes serialized tf.Examples, a string tensor of shape [None]"
            ],
        ),
        (
            EXAMPLE_PLAN,
            parsing(
                ParsedFeature("x", "int64", (1,), required=True),
                ParsedFeature("kind", "string", (3,), required=False),
                ParsedFeature("new", "float32", (2,), required=True),
            ),
            [
                "feature x: it takes int64, field value gives double; "
                "take a whole number, a boolean, a date or a timestamp",
                "feature kind: it takes string[3], field kind gives string; take an array",
                "it needs the feature new, float32[2], which the job does not give",
            ],
        ),
        (TENSOR_PLAN, only(EXAMPLES), ["it takes examples: string[?], not x: float32[?], kind: string[?, 1]"]),
        (
            TENSOR_PLAN,
            tensors(x=TensorSpec("float64", (None,)), kind=TensorSpec("string", (None, 1))),
            ["it takes x: float64[?], kind: string[?, 1], not x: float32[?], kind: string[?, 1]"],
        ),
        (
            TENSOR_PLAN,
            tensors(x=TensorSpec("float32", (None,))),
            ["it takes x: float32[?], not x: float32[?], kind: string[?, 1]"],
        ),
        (
            TENSOR_PLAN,
            tensors(x=TensorSpec("float32", (8,)), kind=TensorSpec("string", (None, 1))),
            [
                "the input x of serving_default, float32[8], takes a fixed number of rows; "
                "export it with the shape [None]"
            ],
        ),
        (
            SEVERAL,
            {"a": Signature(EXAMPLES, {}), "b": Signature(EXAMPLES, {"label": TensorSpec("int64", (None,))})},
            [
                "it has no output 'a.score'; there is b.label",
                "its output b.label, int64[?], does not fit the column label (string)",
            ],
        ),
    ],
)
def test_a_generation_that_does_not_fit(
    checked: ModelPlan, signatures: dict[str, Signature], reasons: list[str]
) -> None:
    assert misfits(checked, signatures) == reasons


@pytest.mark.parametrize("name", ["times5", "keras", "classic", "many_outputs"])
def test_the_generation_that_was_checked_fits(tmp_path: Path, saved_models: Path, name: str) -> None:
    save_cases(tmp_path)
    path = str(saved_models / name)
    (checked,) = contract(tmp_path, job(f"m: {{path: {path}}}")).models
    assert misfits(checked, read_signatures(path, "models.m.path")) == []


def test_what_is_no_saved_model_has_no_generations() -> None:
    assert misfits(plan(EnsembleCall("mean", ())), {}) == []
