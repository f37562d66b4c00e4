"""Models that no row can reach are refused with the reason, and no others are."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.contract_cases import contract, job, mistakes


def model(name: str, *takes: str) -> str:
    return f"{name}: {{{', '.join(['path: m', 'outputs: {output_0: p}', *takes])}}}"


def when(*conditions: str) -> str:
    return f"when: [{', '.join(f'{{{condition}}}' for condition in conditions)}]"


def fed_by(*models: str) -> str:
    return f"features: {{{', '.join(f'{name}: {name}.p' for name in models)}}}"


def ensemble(members: str, rest: str = "") -> str:
    listed = ", ".join(f"{name}.p" for name in members)
    return f"e: {{ensemble: {{mean: [{listed}]{rest}}}}}"


OTHERWISE = "otherwise: true"
A, B = "field: kind, equals: A", "field: kind, equals: B"
ROUTED, UNROUTED = "takes only rows that a `when` takes", "takes only rows that no `when` takes"


@pytest.mark.parametrize(
    ("models", "place", "reason"),
    [
        ([model("a", when(A, B))], "a.when", "a takes only kind 'A', a takes only kind 'B'"),
        (
            [model("a", when("field: count, in: [1, 2]", "field: count, in: [3, 4]"))],
            "a.when",
            "a takes only count 1 or 2, a takes only count 3 or 4",
        ),
        (
            [model("a", when("field: value, above: 2, below: 2"))],
            "a.when",
            "a takes only value above 2.0 and below 2.0",
        ),
        (
            [model("a", when("field: value, above: 3", "field: value, below: 1"))],
            "a.when",
            "a takes only value above 3.0, a takes only value below 1.0",
        ),
        ([model("a", when("field: value, above: .inf"))], "a.when", "a takes only value above inf"),
        (
            [model("a", when("field: count, above: 1, below: 2"))],
            "a.when",
            "a takes only count above 1 and below 2",
        ),
        (
            [model("a", when("field: count, equals: 5, above: 5"))],
            "a.when",
            "a takes only count 5 and above 5",
        ),
        (
            [model("a", when("field: count, in: [1, 9]", "field: count, above: 2", "field: count, below: 9"))],
            "a.when",
            "a takes only count 1 or 9 and above 2, a takes only count below 9",
        ),
        (
            [model("a", when("attribute: region, equals: eu", "attribute: region, equals: us"))],
            "a.when",
            "a takes only region 'eu', a takes only region 'us'",
        ),
        (
            [model("a", when(A)), model("b", when(B), fed_by("a"))],
            "b.when",
            "b takes only kind 'B', a takes only kind 'A'",
        ),
        (
            [model("a", when(A)), model("b", fed_by("a")), model("c", when(B), fed_by("b"))],
            "c.when",
            "c takes only kind 'B', a takes only kind 'A'",
        ),
        (
            [model("a", when(A)), model("b", when(B)), model("c", fed_by("a", "b"))],
            "c.features",
            "a takes only kind 'A', b takes only kind 'B'",
        ),
        (
            [model("a", when(A)), model("b", when("field: a.p, above: 1")), model("c", when(B), fed_by("b"))],
            "c.when",
            "c takes only kind 'B', a takes only kind 'A'",
        ),
        (
            [
                model("a"),
                model("b", when("field: a.p, above: 3")),
                model("c", when("field: a.p, below: 3"), fed_by("b")),
            ],
            "c.when",
            "c takes only a.p below 3.0, b takes only a.p above 3.0",
        ),
        (
            [model("a", when(A)), model("b", OTHERWISE, fed_by("a"))],
            "b.otherwise",
            f"b {UNROUTED}, a {ROUTED}",
        ),
        (
            [model("a", when(A)), model("b", fed_by("a")), model("c", OTHERWISE, fed_by("b"))],
            "c.otherwise",
            f"c {UNROUTED}, a {ROUTED}",
        ),
        (
            [model("a", when(A)), model("b", OTHERWISE), model("c", fed_by("a", "b"))],
            "c.features",
            f"a {ROUTED}, b {UNROUTED}",
        ),
        (
            [model("a", when(A)), model("b", when(B)), ensemble("ab")],
            "e.ensemble",
            "a takes only kind 'A', b takes only kind 'B'",
        ),
        (
            [model("a", when(A)), model("b", when(B)), model("c", OTHERWISE), ensemble("abc", ", at_least: 2")],
            "e.ensemble",
            "no row is answered by 2 of its members",
        ),
        (
            [model("a", when(A)), model("b", when(A)), f"{ensemble('ab', ', at_least: 1')[:-1]}, {when(B)}}}"],
            "e.when",
            "no row is answered by 1 of its members",
        ),
    ],
)
def test_a_model_that_no_row_can_reach(cases: Path, models: list[str], place: str, reason: str) -> None:
    name = place.partition(".")[0]
    assert mistakes(cases, job(", ".join(models))) == [
        f"models.{place}: no row is left for {name}: {reason}; change a condition, or remove {name}"
    ]


@pytest.mark.parametrize(
    "models",
    [
        [model("a", when("field: count, in: [1, 2]", "field: count, in: [2, 3]"))],
        [model("a", when("field: count, above: 1, below: 3"))],
        [model("a", when("field: count, equals: 5, above: 4", "field: count, below: 6"))],
        [model("a", when("field: value, above: 1, below: 1.5"))],
        [model("a", when("field: value, equals: -.inf, below: 0"))],
        [model("a", when("attribute: region, equals: eu", "attribute: zone, equals: us"))],
        [model("a"), model("b", when("field: a.p, above: 3", "field: value, below: 3"))],
        [model("a", when(A)), model("b", when("field: kind, in: [A, B]"), fed_by("a"))],
        [model("a", when(A)), model("b", when(B)), model("c", OTHERWISE)],
        [model("a", when(A)), model("b", OTHERWISE), model("c", fed_by("b"))],
        [model("a", when(A)), model("b", when(B)), ensemble("ab", ", at_least: 1")],
        [model("a", when(A)), model("b", when(B)), model("c"), ensemble("abc", ", at_least: 2")],
        [model("a", when(A)), model("b", OTHERWISE), model("c"), ensemble("abc", ", at_least: 2")],
        [
            model("a", when(A)),
            model("b", when(B)),
            ensemble("ab", ", at_least: 1"),
            "f: {path: tensor, features: {x: e.mean}, when: {field: kind, equals: B}}",
        ],
    ],
)
def test_models_that_rows_can_reach(cases: Path, models: list[str]) -> None:
    assert len(contract(cases, job(", ".join(models))).models) == len(models)


def test_what_is_fed_by_an_unreachable_model_is_not_named_too(cases: Path) -> None:
    models = [model("a", when(A, B)), model("b", when(A), fed_by("a")), model("c", when(B), fed_by("b"))]
    assert mistakes(cases, job(", ".join(models))) == [
        "models.a.when: no row is left for a: a takes only kind 'A', a takes only kind 'B'; "
        "change a condition, or remove a",
        "models.c.when: no row is left for c: c takes only kind 'B', b takes only kind 'A'; "
        "change a condition, or remove c",
    ]
