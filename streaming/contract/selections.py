"""Which rows each model takes, and whether there can be any."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from streaming.batches import model_column
from streaming.contract.conditions import conditions
from streaming.contract.findings import Findings
from streaming.contract.reach import unreachable
from streaming.contract.routes import feeders
from streaming.contract.sources import Sources
from streaming.job_models import Model
from streaming.wiring import Selection


def selections(found: Findings, sources: Sources, models: Mapping[str, Model]) -> dict[str, Selection]:
    """Which rows each model takes, by name."""
    takes = {name: _selection(found, sources, name, models) for name in models}
    routed = tuple(takes[name] for name, model in models.items() if model.when)
    for name, model in models.items():
        if model.otherwise and not routed:
            found.add(f"models.{name}.otherwise", "no model has a `when`, so that it would take every row; remove it")
        elif model.otherwise:
            takes[name] = replace(takes[name], unless=routed)
    return takes


def check_reach(
    found: Findings, models: Mapping[str, Model], order: Sequence[str], takes: Mapping[str, Selection]
) -> None:
    """There can be rows for each model. `order` is the graph's, of those models that have one."""
    for name, reason in unreachable({name: takes[name] for name in order}).items():
        key = next(key for key in ("when", "otherwise", "ensemble", "features") if getattr(models[name], key))
        remedy = f"change a condition, or remove {name}"
        found.add(f"models.{name}.{key}", f"no row is left for {name}: {reason}; {remedy}")


def _selection(found: Findings, sources: Sources, name: str, models: Mapping[str, Model]) -> Selection:
    model = models[name]
    return Selection(
        fed_by=tuple(map(model_column, feeders(model, models))),
        at_least=None if model.ensemble is None else model.ensemble.at_least,
        conditions=conditions(found, sources, name, model),
    )
