"""The outputs of every model, whatever its kind, and the columns that they fill."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from streaming.contract.calls import Called
from streaming.contract.columns import Offer, check_columns, declared_offers, signature_offers, wire
from streaming.contract.ensembles import ensemble_offers
from streaming.contract.findings import Findings
from streaming.contract.sources import EarlierOutputs
from streaming.job_models import Model
from streaming.wiring import Output


def wired_outputs(
    found: Findings, models: Mapping[str, Model], order: Sequence[str], calls: Mapping[str, Called]
) -> dict[str, tuple[Output, ...]]:
    """The outputs of each model that fill columns, by the model's name; a model is left out where they are not known.

    Args:
        found: gets the mistakes.
        models: of the job.
        order: the graph's, of those that have one.
        calls: what is called of each SavedModel, of those that are right.
    """
    known: dict[str, tuple[Output, ...]] = {}
    sizes: dict[tuple[str, str], int | None] = {}
    earlier = EarlierOutputs(found, models, known, sizes)
    for name in dict.fromkeys([*order, *models]):
        giver, offers = _offers(found, name, models[name], calls.get(name), earlier)
        if offers is not None:
            known[name] = wire(found, f"models.{name}.outputs", giver, offers, models[name].outputs)
            sizes |= {(name, output.column): offers[output.name].size for output in known[name]}
    known = {name: known[name] for name in models if name in known}
    check_columns(found, known)
    return known


def _offers(
    found: Findings, name: str, model: Model, call: Called | None, earlier: EarlierOutputs
) -> tuple[str, Mapping[str, Offer] | None]:
    """Who offers outputs, for the message, and what; None where it is not known."""
    if model.ensemble is not None:
        return "the ensemble has", ensemble_offers(found, f"models.{name}.ensemble", model.ensemble, earlier)
    if model.path is None:
        return "", declared_offers(model.outputs or {})
    if call is None:
        return "", None
    names = list(call.signatures)
    whose = "" if call.version is None else f" of generation {call.version}"
    several = len(names) > 1
    giver = f"the signatures {', '.join(names)}{whose} have" if several else f"the signature {names[0]}{whose} has"
    return giver, signature_offers(call.signatures)
