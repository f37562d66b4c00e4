"""The graph of the models: which feed which, and an order in which each comes after those."""

from __future__ import annotations

import graphlib
from collections.abc import Iterable, Mapping

from streaming.contract.findings import Findings
from streaming.job_models import Model


def graph_order(found: Findings, models: Mapping[str, Model]) -> list[str]:
    """The models, each after those that it needs, and else as the job file has them; none that a cycle holds up."""
    place = {name: position for position, name in enumerate(models)}
    sorter = graphlib.TopologicalSorter({name: sorted(_before(name, models), key=place.__getitem__) for name in models})
    try:
        sorter.prepare()
    except graphlib.CycleError as error:
        found.add("models", _cycle(error.args[1], models))
    order: list[str] = []
    while ready := sorted(sorter.get_ready(), key=place.__getitem__):
        order += ready
        sorter.done(*ready)
    return order


def feeders(model: Model, models: Iterable[str]) -> list[str]:
    """The models whose answers `model` takes, as features or as members, in the order in which it names them."""
    named = [feature.field for feature in (model.features or {}).values()]
    if model.ensemble is not None:
        named += model.ensemble.members
    return _owners(named, models)


def _before(name: str, models: Mapping[str, Model]) -> set[str]:
    """The models that must have been asked before `name`."""
    model = models[name]
    tested = [condition.field for condition in model.when or () if condition.field is not None]
    routed = [other for other, each in models.items() if each.when] if model.otherwise else []
    return {*feeders(model, models), *_owners(tested, models), *routed}


def _owners(named: Iterable[str], models: Iterable[str]) -> list[str]:
    """The models of MODEL.COLUMN, each once."""
    known = set(models)
    owners = [name.partition(".")[0] for name in named if "." in name]
    return [owner for owner in dict.fromkeys(owners) if owner in known]


def _cycle(cycle: list[str], models: Mapping[str, Model]) -> str:
    words = f"{' -> '.join(cycle)} is a cycle; a model takes outputs of earlier models only"
    if any(models[name].otherwise for name in cycle):
        words += ", and one with `otherwise` comes after every model with a `when`"
    return words
