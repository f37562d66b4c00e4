"""The graph of the models: its order, its cycles, and `otherwise`."""

from __future__ import annotations

from pathlib import Path

import pytest

from streaming.wiring import Condition, Selection
from tests.contract_cases import contract, job, mistakes

OTHERWISE = (
    "a model takes outputs of earlier models only, and one with `otherwise` comes after every model with a `when`"
)


def model(name: str, takes: str = "") -> str:
    return f"{name}: {{path: m, outputs: {{output_0: p}}{takes and ', '}{takes}}}"


def order(directory: Path, *models: str) -> str:
    return " ".join(plan.name for plan in contract(directory, job(", ".join(models))).models)


def test_models_are_in_graph_order_and_else_in_that_of_the_job_file(cases: Path) -> None:
    fed = model("d", "features: {x: c.p, y: b.p}")
    assert order(cases, fed, model("c"), model("b"), model("a")) == "c b a d"


def test_of_models_that_become_ready_together_the_first_of_the_job_file_is_first(cases: Path) -> None:
    models = [model("last", "features: {x: b.p}"), model("first", "features: {x: a.p}"), model("a"), model("b")]
    assert order(cases, *models) == "a b last first"


def test_whatever_a_model_needs_comes_before_it(cases: Path) -> None:
    models = [
        model("rest", "otherwise: true"),
        "sum: {ensemble: {mean: [fed.p, routed.p], at_least: 1}}",
        model("routed", "when: {field: first.p, above: 1}"),
        model("fed", "features: {x: routed.p}"),
        model("first"),
    ]
    assert order(cases, *models) == "first routed rest fed sum"


def test_otherwise_takes_what_no_other_takes(cases: Path) -> None:
    models = [
        model("rest", "otherwise: true"),
        model("a", "when: {field: kind, equals: A}"),
        model("b"),
        model("c", "when: {field: b.p, above: 1}, features: {x: b.p}"),
        model("others", "otherwise: true, features: {x: b.p}"),
    ]
    takes = {plan.name: plan.takes for plan in contract(cases, job(", ".join(models))).models}
    routed = (
        Selection(conditions=(Condition("field:kind", one_of=("A",)),)),
        Selection(fed_by=("model:b",), conditions=(Condition("model:b", "p", above=1.0),)),
    )
    assert takes == {
        "a": routed[0],
        "b": Selection(),
        "c": routed[1],
        "rest": Selection(unless=routed),
        "others": Selection(fed_by=("model:b",), unless=routed),
    }


def test_otherwise_without_a_when(cases: Path) -> None:
    assert mistakes(cases, job(f"{model('a')}, {model('b', 'otherwise: true')}")) == [
        "models.b.otherwise: no model has a `when`, so that it would take every row; remove it"
    ]


@pytest.mark.parametrize(
    ("models", "line"),
    [
        (
            [model("a", "features: {x: b.p}"), model("b", "features: {x: a.p}"), model("c")],
            "a -> b -> a is a cycle; a model takes outputs of earlier models only",
        ),
        (
            [model("a", "features: {x: a.p}"), model("c")],
            "a -> a is a cycle; a model takes outputs of earlier models only",
        ),
        (
            [model("a", "when: {field: b.p, above: 1}"), model("b", "features: {x: a.p}")],
            "a -> b -> a is a cycle; a model takes outputs of earlier models only",
        ),
        (
            [model("a", "features: {x: e.mean}"), model("b"), "e: {ensemble: {mean: [a.p, b.p]}}"],
            "a -> e -> a is a cycle; a model takes outputs of earlier models only",
        ),
        (
            [model("a", "otherwise: true"), model("b", "when: {field: a.p, above: 1}")],
            f"a -> b -> a is a cycle; {OTHERWISE}",
        ),
        (
            [model("a", "otherwise: true"), model("b", "when: {field: kind, equals: A}, features: {x: a.p}")],
            f"a -> b -> a is a cycle; {OTHERWISE}",
        ),
    ],
)
def test_a_cycle_is_named(cases: Path, models: list[str], line: str) -> None:
    assert mistakes(cases, job(", ".join(models))) == [f"models: {line}"]
