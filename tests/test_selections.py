"""Which rows models take: what feeds them, their conditions, and what the others leave; and whether rows are left."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa

from streaming.contract.findings import Findings
from streaming.contract.selections import check_reach, selections
from streaming.contract.sources import EarlierOutputs, Sources
from streaming.job_models import Model
from streaming.schema import parse_schema
from streaming.wiring import Condition, Output, Selection
from tests.contract_cases import FIELDS

SCHEMA = parse_schema(
    json.dumps({"type": "record", "name": "R", "fields": [{"name": n, "type": kind} for n, kind in FIELDS.items()]}),
    "s.avsc",
)
IS_A, IS_B = ({"field": "kind", "equals": symbol} for symbol in "AB")
KIND_A, KIND_B = (Condition("field:kind", one_of=(symbol,)) for symbol in "AB")


def models(**said: dict[str, Any]) -> dict[str, Model]:
    """Each has one output, `p`; `said` is what else the job file says of it."""
    return {
        name: Model.model_validate(each if "ensemble" in each else {"path": name, "outputs": {"o": "p"}, **each})
        for name, each in said.items()
    }


def taken(job: dict[str, Model]) -> tuple[Findings, dict[str, Selection]]:
    found = Findings()
    outputs = {name: (Output("o", "p", pa.float64()),) for name in job}
    return found, selections(found, Sources(found, SCHEMA, EarlierOutputs(found, job, outputs)), job)


def test_a_model_of_which_nothing_is_said_takes_every_row() -> None:
    found, takes = taken(models(m={}))
    assert (found.lines, takes) == ([], {"m": Selection()})


def test_what_feeds_a_model_must_have_answered_and_of_an_ensemble_so_many() -> None:
    found, takes = taken(
        models(
            a={},
            b={"features": {"x": "a.p", "y": "value"}},
            some={"ensemble": {"mean": ["a.p", "b.p"], "at_least": 1}},
            all={"ensemble": {"mean": ["a.p", "b.p"]}},
        )
    )
    assert (found.lines, takes) == (
        [],
        {
            "a": Selection(),
            "b": Selection(fed_by=("model:a",)),
            "some": Selection(fed_by=("model:a", "model:b"), at_least=1),
            "all": Selection(fed_by=("model:a", "model:b")),
        },
    )


def test_otherwise_leaves_out_what_each_model_with_a_when_takes() -> None:
    job = models(rest={"otherwise": True}, a={"when": IS_A}, b={"when": IS_B, "features": {"x": "a.p"}}, c={})
    found, takes = taken(job)
    a, b = Selection(conditions=(KIND_A,)), Selection(fed_by=("model:a",), conditions=(KIND_B,))
    assert (found.lines, takes) == ([], {"rest": Selection(unless=(a, b)), "a": a, "b": b, "c": Selection()})


def test_otherwise_where_no_model_has_a_when() -> None:
    found, takes = taken(models(a={}, b={"otherwise": True}, c={"otherwise": True}))
    wrong = "no model has a `when`, so that it would take every row; remove it"
    assert found.lines == [f"models.b.otherwise: {wrong}", f"models.c.otherwise: {wrong}"]
    assert takes == dict.fromkeys("abc", Selection())


def test_a_model_that_no_row_reaches_is_named_with_the_key_that_keeps_rows_away() -> None:
    job = models(
        a={"when": IS_A},
        b={"when": IS_B},
        c={"features": {"x": "a.p", "y": "b.p"}},
        d={"ensemble": {"mean": ["a.p", "b.p"]}},
        e={"when": [IS_A, IS_B]},
        f={"when": IS_A, "features": {"x": "b.p"}},
    )
    found, takes = taken(job)
    check_reach(found, job, "abcdef", takes)
    both, remedy = "a takes only kind 'A', b takes only kind 'B'", "change a condition, or remove"
    assert found.lines == [
        f"models.c.features: no row is left for c: {both}; {remedy} c",
        f"models.d.ensemble: no row is left for d: {both}; {remedy} d",
        f"models.e.when: no row is left for e: e takes only kind 'A', e takes only kind 'B'; {remedy} e",
        f"models.f.when: no row is left for f: f takes only kind 'A', b takes only kind 'B'; {remedy} f",
    ]


def test_models_without_a_place_in_the_graph_are_not_looked_at() -> None:
    job = models(a={}, b={"when": [IS_A, IS_B]})
    found, takes = taken(job)
    check_reach(found, job, ["a"], takes)
    assert found.lines == []
