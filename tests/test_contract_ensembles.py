"""Ensembles: what their members may be, and what is made of them."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from streaming.wiring import EnsembleCall, Member, ModelPlan, Output, Selection
from tests.contract_cases import contract, job, mistakes, save

MODELS = "a: {path: typed}, b: {path: more}"


@pytest.fixture(scope="module")
def cases(cases: Path) -> Path:
    more = {"count": "INT64", "score": "FLOAT", "label": "STRING", "is": "BOOL"}
    outputs: dict[str, tuple[str, tuple[int | None, ...]]] = {name: (dtype, (None,)) for name, dtype in more.items()}
    save(cases / "more", outputs | {"vector": ("FLOAT", (None, 3)), "counts": ("INT32", (None, 3))})
    sized: dict[str, tuple[str, tuple[int | None, ...]]] = {
        "four": ("FLOAT", (None, 4)),
        "any": ("FLOAT", (None, None)),
    }
    save(cases / "sized", sized)
    return cases


def test_an_ensemble_is_a_plan_of_its_own(cases: Path) -> None:
    ensemble = "{weighted_mean: {a.number: 0.5, b.score: 2}, at_least: 1}"
    models = f"e: {{ensemble: {ensemble}, outputs: {{weighted_mean: p}}}}, {MODELS}"
    checked = contract(cases, job(models))
    assert checked.models[2] == ModelPlan(
        name="e",
        call=EnsembleCall("weighted_mean", (Member("model:a", "number", 0.5), Member("model:b", "score", 2.0))),
        outputs=(Output("weighted_mean", "p", pa.float64()),),
        takes=Selection(fed_by=("model:a", "model:b"), at_least=1),
    )


@pytest.mark.parametrize(
    ("ensemble", "kind"),
    [
        ("mean: [a.whole, b.count]", pa.float64()),
        ("mean: [a.whole, b.score]", pa.float64()),
        ("mean: [b.vector, b.counts]", pa.list_(pa.float64())),
        ("weighted_mean: {a.number: 1, b.count: 2}", pa.float64()),
        ("max: [a.whole, b.count]", pa.int64()),
        ("max: [a.whole, b.score]", pa.float64()),
        ("max: [b.counts, b.vector]", pa.list_(pa.float64())),
        ("majority_vote: [a.whole, b.count]", pa.int64()),
        ("majority_vote: [a.text, b.label]", pa.string()),
        ("majority_vote: [a.flag, b.is]", pa.bool_()),
    ],
)
def test_the_type_of_the_answer(cases: Path, ensemble: str, kind: pa.DataType) -> None:
    *_, plan = contract(cases, job(f"{MODELS}, e: {{ensemble: {{{ensemble}}}}}")).models
    method = ensemble.partition(":")[0]
    assert plan.outputs == (Output(method, method, kind),)


def test_an_ensemble_of_ensembles(cases: Path) -> None:
    models = "f: {ensemble: {max: [e.max, a.whole]}}, e: {ensemble: {max: [a.whole, b.count]}}"
    *_, f = contract(cases, job(f"{MODELS}, {models}")).models
    assert (f.name, f.takes, f.outputs) == (
        "f",
        Selection(fed_by=("model:e", "model:a")),
        (Output("max", "max", pa.int64()),),
    )


def test_a_model_that_is_two_members_feeds_once(cases: Path) -> None:
    *_, plan = contract(cases, job("a: {path: typed}, e: {ensemble: {mean: [a.whole, a.number]}}")).models
    assert (plan.call, plan.takes) == (
        EnsembleCall("mean", (Member("model:a", "whole"), Member("model:a", "number"))),
        Selection(fed_by=("model:a",)),
    )


@pytest.mark.parametrize(
    ("ensemble", "line"),
    [
        ("{mean: [a.number, c.p]}", "models.e.ensemble.mean: no model 'c'; there is a, b"),
        ("{mean: [a.number, value]}", "models.e.ensemble.mean: 'value' names no model's column; write MODEL.COLUMN"),
        (
            "{mean: [a.number, b.scor]}",
            "models.e.ensemble.mean: the model b fills no column 'scor'; did you mean score?",
        ),
        ("{mean: [a.number, b.label]}", "models.e.ensemble.mean: b.label is string; take numbers, or vectors of them"),
        ("{max: [a.flag, b.is]}", "models.e.ensemble.max: a.flag is bool; take numbers, or vectors of them"),
        (
            "{mean: [a.number, b.score, b.vector]}",
            "models.e.ensemble.mean: b.score is double and b.vector is list<item: double>; "
            "take single numbers only, or vectors only",
        ),
        (
            "{majority_vote: [a.number, b.score]}",
            "models.e.ensemble.majority_vote: a.number is double; take texts, whole numbers or booleans",
        ),
        (
            "{majority_vote: [a.whole, b.counts]}",
            "models.e.ensemble.majority_vote: b.counts is list<item: int64>; take texts, whole numbers or booleans",
        ),
        (
            "{majority_vote: [a.text, b.is]}",
            "models.e.ensemble.majority_vote: a.text is string and b.is is bool; take members of one type",
        ),
        (
            "{mean: [a.number, b.score, a.whole], at_least: 2}",
            "models.e.ensemble.at_least: a is several of the members, which it answers all or none; "
            "keep one of them, or remove at_least",
        ),
        (
            "{mean: [a.number, b.score]}, outputs: {max: p}",
            "models.e.outputs.max: the ensemble has no such output; there is mean",
        ),
        (
            "{mean: [a.number, b.score]}, outputs: {mean: {column: p, type: INT64}}",
            "models.e.outputs.mean.type: the model gives FLOAT64, not INT64; remove it",
        ),
        (
            "{mean: [a.number, b.score]}, outputs: {mean: label}",
            "models.e.outputs.mean: the column label (double) is b's label (string); name another",
        ),
        (
            "{mean: [e.mean, b.score]}",
            "models: e -> e is a cycle; a model takes outputs of earlier models only",
        ),
    ],
)
def test_a_mistake_in_an_ensemble(cases: Path, ensemble: str, line: str) -> None:
    assert mistakes(cases, job(f"{MODELS}, e: {{ensemble: {ensemble}}}")) == [line]


@pytest.mark.parametrize(
    ("models", "line"),
    [
        (
            "e: {ensemble: {mean: [b.vector, c.any, c.four]}}",
            "models.e.ensemble.mean: b.vector is a vector of 3 and c.four one of 4; take vectors of one size",
        ),
        (
            "d: {ensemble: {mean: [b.vector, c.any]}}, e: {ensemble: {max: [c.four, d.mean]}}",
            "models.e.ensemble.max: c.four is a vector of 4 and d.mean one of 3; take vectors of one size",
        ),
    ],
)
def test_vectors_of_different_sizes(cases: Path, models: str, line: str) -> None:
    assert mistakes(cases, job(f"b: {{path: more}}, c: {{path: sized}}, {models}")) == [line]


def test_a_member_whose_model_is_wrong_itself_is_not_wrong_again(cases: Path) -> None:
    models = "e: {ensemble: {mean: [a.x, b.score]}}, f: {ensemble: {max: [e.mean, b.score]}}"
    assert mistakes(cases, job(f"a: {{path: missing}}, b: {{path: more}}, {models}")) == [
        "models.a.path: no directory DIR/missing; correct the path"
    ]
