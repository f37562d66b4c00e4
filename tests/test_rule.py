"""A condition on a figure, and several of them in a rule."""

from __future__ import annotations

from datetime import timedelta

import pytest

from streaming.monitoring.figures import ChartedFigure, Figures
from streaming.monitoring.queries import Latest, Scope
from streaming.monitoring.rule import Condition, Rule, Runbook, Severity
from streaming.monitoring.series import Reading, Series
from tests.monitoring_points import NOW

AGE = ChartedFigure("age", "s", "an age", Latest(Series("x.com/job/age"), timedelta(minutes=1)))
SIZE = ChartedFigure("size", "", "a size", Latest(Series("x.com/job/size"), timedelta(minutes=1)))
AGE_PROMQL = 'max(last_over_time(x_com:job_age{monitored_resource="dataflow_job"}[60s]))'
SIZE_PROMQL = 'max(last_over_time(x_com:job_size{monitored_resource="dataflow_job"}[60s]))'


def figures(**known: list[float]) -> Figures:
    """Figures whose readings have labels a, b, …"""
    return Figures(
        NOW,
        {
            name: {label: Reading(value, NOW) for label, value in zip("abc", values, strict=False)}
            for name, values in known.items()
        },
    )


@pytest.mark.parametrize(
    ("condition", "values", "holds"),
    [
        (Condition(AGE, over=5), [5.0], False),
        (Condition(AGE, over=5), [5.1], True),
        (Condition(AGE, over=5), [1.0, 6.0], True),
        (Condition(AGE, under=5), [5.0], False),
        (Condition(AGE, under=5), [4.9], True),
        (Condition(AGE, over=1, under=5), [1.0, 5.0], False),
        (Condition(AGE, over=1, under=5), [3.0], True),
        (Condition(AGE, under=5), [], False),
        (Condition(AGE, under=5, absent=0), [], True),
        (Condition(AGE, over=5, absent=0), [], False),
    ],
)
def test_a_condition_holds_for_any_label(condition: Condition, values: list[float], holds: bool) -> None:
    assert condition.holds(figures(age=values)) is holds
    assert condition.is_known(figures(age=values)) is (bool(values) or condition.absent is not None)


def test_what_could_not_be_asked_for_is_not_absent() -> None:
    condition = Condition(AGE, under=5, absent=0)
    assert (condition.holds(figures()), condition.is_known(figures())) == (False, False)


@pytest.mark.parametrize(
    ("condition", "promql"),
    [
        (Condition(AGE, over=0.5), f"{AGE_PROMQL} > 0.5"),
        (Condition(AGE, under=300), f"{AGE_PROMQL} < 300"),
        (Condition(AGE, over=1, under=5), f"{AGE_PROMQL} > 1 < 5"),
        (Condition(AGE, under=5, absent=0), f"({AGE_PROMQL} or on() vector(0)) < 5"),
        (Condition(AGE, over=5, absent=0), f"{AGE_PROMQL} > 5"),
    ],
)
def test_the_same_in_promql(condition: Condition, promql: str) -> None:
    assert condition.promql(Scope()) == promql


def rule(*conditions: Condition) -> Rule:
    return Rule("name", "Title", Severity.WARNING, conditions, lambda _: "words", Runbook("a", "b", "c"))


BOTH = rule(Condition(AGE, over=5), Condition(SIZE, under=2))


@pytest.mark.parametrize(
    ("known", "trips", "is_known"),
    [
        (figures(age=[6.0], size=[1.0]), True, True),
        (figures(age=[6.0], size=[2.0]), False, True),
        (figures(age=[5.0], size=[1.0]), False, True),
        (figures(age=[6.0]), False, False),
        (figures(age=[5.0]), False, True),
        (figures(), False, False),
    ],
)
def test_a_rule_trips_when_all_conditions_hold(known: Figures, trips: bool, is_known: bool) -> None:
    assert (BOTH.trips(known), BOTH.is_known(known)) == (trips, is_known)


def test_a_rule_is_one_expression() -> None:
    assert BOTH.promql(Scope()) == f"({AGE_PROMQL} > 5) and on() ({SIZE_PROMQL} < 2)"
    assert rule(Condition(AGE, over=5)).promql(Scope()) == f"{AGE_PROMQL} > 5"
