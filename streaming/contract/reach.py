"""Whether rows can reach each model: conditions that contradict each other, its own and those of its feeders.

Only what is certain is told: conditions on one column are intersected, columns are taken to be independent.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from streaming.batches import model_column
from streaming.wiring import Condition, Selection


class _Rule(NamedTuple):
    """A condition, and the models that demand it."""

    condition: Condition
    models: tuple[str, ...]


_Rules = Mapping[tuple[str, str | None, str | None], _Rule]
"""What holds for every row that a model takes, by what is tested: column, output, attribute."""

_ROUTED = Condition("(when)", one_of=(True,))
"""Holds for the rows that a model with a `when` takes; the opposite for those that one with `otherwise` takes."""
_UNROUTED = replace(_ROUTED, one_of=(False,))


class UnreachableError(ValueError):
    """Conditions that no row passes."""


def unreachable(takes: Mapping[str, Selection]) -> dict[str, str]:
    """Why no row can reach some of the models, by name. Those that are fed by such a model are not named, too.

    Args:
        takes: which rows each model takes, in graph order.
    """
    reasons: dict[str, str] = {}
    known: dict[str, _Rules] = {}
    for name, selection in takes.items():
        known[model_column(name)] = {}
        try:
            known[model_column(name)] = _rules(name, selection, known)
        except UnreachableError as error:
            reasons[name] = str(error)
    return reasons


def _rules(name: str, selection: Selection, known: Mapping[str, _Rules]) -> _Rules:
    """What holds for every row that the model takes, if `known` holds for those that the models before it take.

    Raises:
        UnreachableError: no row can.
    """
    rules: _Rules = {}
    for condition in _own(selection):
        rules = _with(rules, _Rule(condition, (name,)))
    for tested in (condition.column for condition in selection.conditions if condition.output is not None):
        rules = _both(rules, known[tested])
    fed = [known[column] for column in selection.fed_by]
    if selection.at_least is not None and selection.at_least < len(fed):
        if not _holds_for(rules, fed, selection.at_least):
            raise UnreachableError(f"no row is answered by {selection.at_least} of its members")
        return rules
    for others in fed:
        rules = _both(rules, others)
    return rules


def _own(selection: Selection) -> list[Condition]:
    routed = [_ROUTED] if selection.conditions else [_UNROUTED] if selection.unless else []
    return [*selection.conditions, *routed]


def _holds_for(rules: _Rules, fed: Sequence[_Rules], at_least: int) -> bool:
    """Whether `rules` and those of so many of `fed` can hold for one row."""
    if at_least == 0:
        return True
    for position, others in enumerate(fed):
        try:
            together = _both(rules, others)
        except UnreachableError:
            continue
        if _holds_for(together, fed[position + 1 :], at_least - 1):
            return True
    return False


def _both(rules: _Rules, others: _Rules) -> _Rules:
    for rule in others.values():
        rules = _with(rules, rule)
    return rules


def _with(rules: _Rules, rule: _Rule) -> _Rules:
    key = (rule.condition.column, rule.condition.output, rule.condition.attribute)
    held = rules.get(key)
    joint = rule if held is None else _joint(held, rule)
    if _is_empty(joint.condition):
        said = [each for each in (held, rule) if each is not None]
        raise UnreachableError(", ".join(f"{' and '.join(models)} takes only {_show(each)}" for each, models in said))
    return {**rules, key: joint}


def _joint(one: _Rule, other: _Rule) -> _Rule:
    first, second = one.condition, other.condition
    sets = [each.one_of for each in (first, second) if each.one_of is not None]
    values = tuple(value for value in sets[0] if value in sets[-1]) if sets else None
    above = max((each.above for each in (first, second) if each.above is not None), default=None)
    below = min((each.below for each in (first, second) if each.below is not None), default=None)
    models = tuple(dict.fromkeys([*one.models, *other.models]))
    return _Rule(replace(first, one_of=values, above=above, below=below), models)


def _is_empty(condition: Condition) -> bool:
    """Whether no value passes. Bounds of whole numbers are whole themselves."""
    above, below = condition.above, condition.below
    if condition.one_of is not None:
        return not any(_passes(value, above, below) for value in condition.one_of)
    if above is None or below is None:
        return above == math.inf or below == -math.inf
    return below - above <= 1 if isinstance(above, int) and isinstance(below, int) else above >= below


def _passes(value: Any, above: float | None, below: float | None) -> bool:
    return (above is None or value > above) and (below is None or value < below)


def _show(condition: Condition) -> str:
    if condition.column == _ROUTED.column:
        return "rows that a `when` takes" if condition == _ROUTED else "rows that no `when` takes"
    name = condition.attribute or condition.column.partition(":")[2]
    name = name if condition.output is None else f"{name}.{condition.output}"
    tests = [("above", condition.above), ("below", condition.below)]
    shown = [f"{word} {value!r}" for word, value in tests if value is not None]
    if condition.one_of is not None:
        shown = [" or ".join(map(repr, condition.one_of)), *shown]
    return f"{name} {' and '.join(shown)}"
