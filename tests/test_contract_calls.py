"""Which SavedModel, which signatures of it, and what kind of input they take."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from streaming.wiring import Output, RemoteCall, SavedModelCall, Tensor
from tests.contract_cases import (
    EXAMPLES,
    PREDICTION,
    Tensors,
    contract,
    job,
    mistakes,
    save,
    save_signatures,
)

FLOATS: Tensors = {"x": ("FLOAT", (None,))}


@pytest.fixture(scope="module")
def cases(cases: Path) -> Path:
    save(cases / "versions" / "9")
    save(cases / "versions" / "10", {"newest": ("INT64", (None,))})
    save(cases / "pinned" / "a")
    save(cases / "pinned" / "b", {"newest": ("INT64", (None,))})
    (cases / "pinned" / "manifest.json").write_text(json.dumps({"current": "a"}))
    save(cases / "floats" / "2", inputs=FLOATS)
    (cases / "empty").mkdir()
    (cases / "corrupt").mkdir()
    (cases / "corrupt" / "saved_model.pb").write_bytes(b"corrupt")
    save(cases / "no_input", inputs={})
    save(cases / "any_rank", inputs={"input": ("STRING", None)})
    save(cases / "texts", inputs={"x": ("STRING", (None, 1))})
    heads: dict[str, tuple[Tensors, Tensors]] = {
        "classify": (EXAMPLES, {"scores": ("FLOAT", (None, 3)), "classes": ("STRING", (None, 3))}),
        "regress": ({"inputs": ("STRING", None)}, {"outputs": ("FLOAT", (None, 1))}),
        "raw": (FLOATS, PREDICTION),
        "raw_too": (FLOATS, {"label": ("INT64", (None,))}),
        "raw_as_int": ({"x": ("INT64", (None,))}, PREDICTION),
    }
    save_signatures(cases / "heads", heads)
    return cases


@pytest.mark.parametrize(
    ("path", "column"),
    [
        ("m", pa.field("output_0", pa.float64())),
        ("versions", pa.field("newest", pa.int64())),
        ("versions/9", pa.field("output_0", pa.float64())),
        ("pinned", pa.field("output_0", pa.float64())),
    ],
)
def test_the_current_generation_is_checked(cases: Path, path: str, column: pa.Field) -> None:
    checked = contract(cases, job(f"m: {{path: {path}, watch: 5s}}"))
    assert [plan.call for plan in checked.models] == [SavedModelCall(f"{cases}/{path}", watch=timedelta(seconds=5))]
    assert checked.output_columns == (column,)


@pytest.mark.parametrize(
    ("model", "line"),
    [
        ("path: missing", "models.m.path: no directory DIR/missing; correct the path"),
        (
            "path: empty",
            "models.m.path: DIR/empty holds neither saved_model.pb, nor a version (1/saved_model.pb), nor "
            "manifest.json; export a model there, or correct the path",
        ),
        (
            "path: corrupt",
            "models.m.path: DIR/corrupt/saved_model.pb is corrupt "
            "(Error parsing message with type 'tensorflow.SavedModel'); export the model again",
        ),
        ("path: m, signature: predict", "models.m.signature: DIR/m has no signature 'predict'; it has serving_default"),
        (
            "path: versions, signature: s",
            "models.m.signature: DIR/versions/10 has no signature 's'; it has serving_default",
        ),
        (
            "path: heads, signature: [classify, predict]",
            "models.m.signature: DIR/heads has no signature 'predict'; "
            "it has classify, raw, raw_as_int, raw_too, regress",
        ),
        (
            "path: tensor, inputs: examples",
            "models.m.signature: serving_default of DIR/tensor takes x: float32[?, 1]; "
            "export one that takes serialized tf.Examples, a string tensor of shape [None]",
        ),
        (
            "path: no_input",
            "models.m.signature: serving_default of DIR/no_input takes nothing; "
            "export one that takes serialized tf.Examples, a string tensor of shape [None]",
        ),
        (
            "path: heads, signature: [classify, raw]",
            "models.m.signature: in DIR/heads classify takes examples: string[?], raw takes x: float32[?]; "
            "signatures called in one pass take the same: call one of them, or export them alike",
        ),
        (
            "path: heads, signature: [raw, raw_as_int]",
            "models.m.signature: in DIR/heads raw takes x: float32[?], raw_as_int takes x: int64[?]; "
            "signatures called in one pass take the same: call one of them, or export them alike",
        ),
        (
            "path: heads, signature: [classify, raw], inputs: examples",
            "models.m.signature: raw of DIR/heads takes x: float32[?]; "
            "export one that takes serialized tf.Examples, a string tensor of shape [None]",
        ),
    ],
)
def test_what_cannot_be_called(cases: Path, model: str, line: str) -> None:
    assert mistakes(cases, job(f"m: {{{model}}}")) == [line]


def test_a_text_that_may_be_a_tensor_or_examples(cases: Path) -> None:
    line = (
        "models.m.inputs: the only input, examples, is a string, and nothing in the graph parses tf.Examples; "
        "write inputs: tensors, or inputs: examples"
    )
    own = "path: m, features: {examples: kind}"
    assert mistakes(cases, job(f"m: {{{own}}}", features="")) == [line]
    told = {"examples": None, "tensors": (Tensor("examples", "string"),)}
    for inputs, tensors in told.items():
        (plan,) = contract(cases, job(f"m: {{{own}, inputs: {inputs}}}", features="")).models
        assert plan.call == SavedModelCall(f"{cases}/m", tensors=tensors)


@pytest.mark.parametrize(
    ("model", "features", "lines"),
    [
        (
            "path: floats",
            "y: value",
            [
                "features: generation 2 of m needs x, float32[?]; add x: FIELD",
                "features.y: no model takes the feature 'y'; there is x",
            ],
        ),
        (
            "path: floats",
            "x: kind",
            ["features.x: generation 2 of m takes float32, field kind gives string; take a number"],
        ),
        (
            "path: floats, outputs: {output_1: p}",
            "x: value",
            [
                "models.m.outputs.output_1: the signature serving_default of generation 2 has no such output; "
                "did you mean output_0?"
            ],
        ),
    ],
)
def test_the_generation_that_does_not_fit_is_named(cases: Path, model: str, features: str, lines: list[str]) -> None:
    assert mistakes(cases, job(f"m: {{{model}}}", features=features)) == lines


def test_several_signatures_of_one_model_in_one_pass(cases: Path) -> None:
    (plan,) = contract(cases, job("m: {path: heads, signature: [regress, classify]}")).models
    assert (plan.call, plan.outputs, plan.shares_examples) == (
        SavedModelCall(f"{cases}/heads", ("regress", "classify")),
        (
            Output("regress.outputs", "regress_outputs", pa.float64()),
            Output("classify.classes", "classify_classes", pa.list_(pa.string())),
            Output("classify.scores", "classify_scores", pa.list_(pa.float64())),
        ),
        True,
    )


def test_several_signatures_of_raw_tensors_and_outputs_named_with_their_signature(cases: Path) -> None:
    outputs = "outputs: {raw_too.label: label, raw.output_0: score}"
    (plan,) = contract(cases, job(f"m: {{path: heads, signature: [raw, raw_too], {outputs}}}")).models
    assert (plan.call, plan.outputs, plan.shares_examples) == (
        SavedModelCall(f"{cases}/heads", ("raw", "raw_too"), (Tensor("x", "float32"),)),
        (Output("raw_too.label", "label", pa.int64()), Output("raw.output_0", "score", pa.float64())),
        False,
    )


@pytest.mark.parametrize(
    ("model", "feature", "tensors"),
    [
        ("path: m", "x: value", None),
        ("path: any_rank", "x: value", None),
        ("path: any_rank, inputs: examples", "x: value", None),
        ("path: any_rank, inputs: tensors", "input: kind", (Tensor("input", "string"),)),
        ("path: m, inputs: tensors", "examples: kind", (Tensor("examples", "string"),)),
        ("path: texts", "x: kind", (Tensor("x", "string", 1),)),
        ("path: tensor", "x: value", (Tensor("x", "float32", 1),)),
        ("path: tensor, inputs: tensors", "x: value", (Tensor("x", "float32", 1),)),
    ],
)
def test_examples_or_raw_tensors(cases: Path, model: str, feature: str, tensors: tuple[Tensor, ...] | None) -> None:
    checked = contract(cases, job(f"m: {{{model}}}", features=feature))
    (plan,) = checked.models
    assert isinstance(plan.call, SavedModelCall)
    assert (plan.call.tensors, plan.shares_examples) == (tensors, tensors is None)
    assert checked.features == (plan.features if tensors is None else ())


@pytest.mark.parametrize(
    ("model", "call", "shares_examples"),
    [
        ("url: http://h:8501/v1/models/m", RemoteCall("http://h:8501/v1/models/m"), False),
        ("url: http://h/v1/models/m, inputs: tensors", RemoteCall("http://h/v1/models/m"), False),
        ("url: http://h/v1/models/m, inputs: vectors", RemoteCall("http://h/v1/models/m", vectors=True), False),
        ("url: http://h/v1/models/m, inputs: examples", RemoteCall("http://h/v1/models/m", tensors=False), True),
        (
            "url: http://h/v1/models/m, inputs: examples, features: {x: value}",
            RemoteCall("http://h/v1/models/m", tensors=False),
            False,
        ),
        (
            "endpoint: projects/p/locations/l/endpoints/1",
            RemoteCall("projects/p/locations/l/endpoints/1"),
            False,
        ),
    ],
)
def test_a_remote_model(cases: Path, model: str, call: RemoteCall, shares_examples: bool) -> None:
    features = "" if "features" in model else "x: value"
    (plan,) = contract(cases, job(f"m: {{{model}, outputs: {{o: p}}}}", features=features)).models
    assert (plan.call, plan.shares_examples, [feature.name for feature in plan.features]) == (
        call,
        shares_examples,
        ["x"],
    )
