"""`when:`: conditions as tests of columns, and values that do not fit."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from streaming.wiring import Condition, Selection
from tests.contract_cases import contract, job, mistakes


@pytest.mark.parametrize(
    ("when", "conditions"),
    [
        ("{field: kind, equals: A}", [Condition("field:kind", one_of=("A",))]),
        ("{field: kind, in: [B, A]}", [Condition("field:kind", one_of=("B", "A"))]),
        ("{field: device_id, equals: '1'}", [Condition("field:device_id", one_of=("1",))]),
        ("{field: count, in: [1, -2]}", [Condition("field:count", one_of=(1, -2))]),
        ("{field: active, equals: false}", [Condition("field:active", one_of=(False,))]),
        ("{field: value, above: 0.5, below: 1}", [Condition("field:value", above=0.5, below=1.0)]),
        ("{field: value, in: [1, .inf]}", [Condition("field:value", one_of=(1.0, math.inf))]),
        ("{field: count, above: 1.5, below: 3.5}", [Condition("field:count", above=1, below=4)]),
        ("{field: count, above: -1.5, below: 3}", [Condition("field:count", above=-2, below=3)]),
        ("{attribute: region, in: [eu, us]}", [Condition("attributes", attribute="region", one_of=("eu", "us"))]),
        ("{field: m.whole, below: 4}", [Condition("model:m", "whole", below=4)]),
        ("{field: m.text, equals: good}", [Condition("model:m", "text", one_of=("good",))]),
        ("{field: m.flag, equals: true}", [Condition("model:m", "flag", one_of=(True,))]),
        (
            "[{field: kind, equals: A}, {field: m.number, above: 2}, {attribute: a, equals: b}]",
            [
                Condition("field:kind", one_of=("A",)),
                Condition("model:m", "number", above=2.0),
                Condition("attributes", attribute="a", one_of=("b",)),
            ],
        ),
    ],
)
def test_conditions(cases: Path, when: str, conditions: list[Condition]) -> None:
    (_, plan) = contract(cases, job(f"m: {{path: typed}}, n: {{path: m, when: {when}}}")).models
    assert plan.takes == Selection(conditions=tuple(conditions))
    values = [value for condition in plan.takes.conditions for value in condition.one_of or ()]
    assert [type(value) for value in values] == [
        type(value) for condition in conditions for value in condition.one_of or ()
    ]


def test_an_output_that_is_tested_and_one_that_is_taken(cases: Path) -> None:
    models = "a: {path: typed}, b: {path: m}, c: {path: m, features: {x: b.output_0}, when: {field: a.whole, above: 1}}"
    *_, plan = contract(cases, job(models)).models
    assert plan.takes == Selection(fed_by=("model:b",), conditions=(Condition("model:a", "whole", above=1),))


@pytest.mark.parametrize(
    ("when", "line"),
    [
        ("{field: vale, above: 1}", ".field: the schema has no field 'vale'; did you mean value?"),
        ("{field: place, equals: 1}", ".field: the field place cannot be used: a nested record"),
        ("{field: place.lat, above: 1}", ".field: the field place cannot be used: a nested record"),
        ("{field: x.p, above: 1}", ".field: no model 'x'; there is m"),
        (
            "{field: value, equals: 1e3}",
            ".equals: '1e3' is no value of value, which is double; write 1.0e+3 (YAML takes 1e3 for a text)",
        ),
        ("{field: m.hole, above: 1}", ".field: the model m fills no column 'hole'; did you mean whole?"),
        (
            "{field: time, above: 1}",
            ".field: time is timestamp[us, tz=UTC]; test a number, a text or a boolean",
        ),
        ("{field: day, equals: 1}", ".field: day is date32[day]; test a number, a text or a boolean"),
        ("{field: raw, equals: a}", ".field: raw is binary; test a number, a text or a boolean"),
        ("{field: tags, equals: a}", ".field: tags is list<item: string>; test a number, a text or a boolean"),
        ("{field: kind, in: [A, C]}", ".in: kind has no symbol 'C'; there is A, B"),
        ("{field: kind, equals: 1}", ".equals: 1 is no value of kind, which is string; write a text, in quotes"),
        ("{field: kind, above: 1}", ".above: kind is string, and only numbers have bounds; write equals or in"),
        ("{field: active, below: 1}", ".below: active is bool, and only numbers have bounds; write equals or in"),
        ("{field: active, equals: 1}", ".equals: 1 is no value of active, which is bool; write true or false"),
        ("{field: count, equals: true}", ".equals: True is no value of count, which is int32; write a whole number"),
        ("{field: count, equals: 1.0}", ".equals: 1.0 is no value of count, which is int32; write a whole number"),
        ("{field: value, in: [1, '2']}", ".in: '2' is no value of value, which is double; write a number"),
        (
            "{field: count, equals: 2147483648}",
            ".equals: 2147483648 is beyond any value of count, which is int32; write another",
        ),
        ("{field: count, above: .inf}", ".above: inf is beyond any value of count, which is int32; write another"),
        (
            "{field: count, above: 1" + "0" * 400 + "}",
            f".above: 1{'0' * 400} is beyond any value of count, which is int32; write another",
        ),
        (
            "{field: value, below: 1" + "0" * 309 + "}",
            ".below: 1" + "0" * 309 + " is beyond any value of value, which is double; write another",
        ),
        (
            "{attribute: region, equals: 1}",
            ".equals: 1 is no value of the attribute region, which is string; write a text, in quotes",
        ),
        (
            "{attribute: region, above: 1}",
            ".above: the attribute region is string, and only numbers have bounds; write equals or in",
        ),
        (
            "[{field: kind, equals: A}, {field: m.flag, equals: yes, above: 3}]",
            ".1.above: m.flag is bool, and only numbers have bounds; write equals or in",
        ),
    ],
)
def test_a_mistake_in_a_condition(cases: Path, when: str, line: str) -> None:
    assert mistakes(cases, job(f"m: {{path: typed}}, n: {{path: m, when: {when}}}")) == [f"models.n.when{line}"]
