"""Ensembles: their members, and the type of the answer that is made of them."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pyarrow as pa

from streaming.batches import model_column
from streaming.contract.columns import Offer
from streaming.contract.findings import Findings
from streaming.contract.sources import EarlierOutputs, Source
from streaming.job_models import Ensemble
from streaming.wiring import EnsembleCall, Member, scalar

_VOTES = (pa.string(), pa.int64(), pa.bool_())


def ensemble_call(ensemble: Ensemble) -> EnsembleCall:
    """How the members' answers are made one."""
    weights = ensemble.weighted_mean or {}
    names = {member: member.partition(".") for member in ensemble.members}
    return EnsembleCall(
        ensemble.method,
        tuple(
            Member(model_column(model), column, float(weights.get(member, 1)))
            for member, (model, _, column) in names.items()
        ),
    )


def ensemble_offers(
    found: Findings, place: str, ensemble: Ensemble, earlier: EarlierOutputs
) -> dict[str, Offer] | None:
    """The only output, by the method's name; None where a member is wrong.

    Args:
        found: gets the mistakes.
        place: of the ensemble in the job file.
        ensemble: as the job file has it.
        earlier: what its members can be.
    """
    _check_at_least(found, place, ensemble)
    method, place = ensemble.method, f"{place}.{ensemble.method}"
    sources = [earlier.find(place, member) for member in ensemble.members]
    members = [source for source in sources if source is not None]
    wrong = _wrong_votes(members) if method == "majority_vote" else _wrong_numbers(members)
    if wrong:
        found.add(place, wrong)
    if wrong or len(members) < len(sources):
        return None
    size = next((each.size for each in members if each.size is not None), None)
    return {method: Offer(method, _answer(method, members), "", size)}


def _check_at_least(found: Findings, place: str, ensemble: Ensemble) -> None:
    """`at_least` counts members; a model that is two of them answers for both or neither."""
    models = [member.partition(".")[0] for member in ensemble.members]
    twice = next((model for model in models if models.count(model) > 1), None)
    if twice and ensemble.at_least is not None:
        wrong = f"{twice} is several of the members, which it answers all or none; keep one of them, or remove at_least"
        found.add(f"{place}.at_least", wrong)


def _wrong_numbers(members: list[Source]) -> str | None:
    numeric = [scalar(each.type) in (pa.float64(), pa.int64()) for each in members]
    if not all(numeric):
        each = members[numeric.index(False)]
        return f"{each.name} is {each.type}; take numbers, or vectors of them"
    unlike = _unlike(members, pa.types.is_list, "take single numbers only, or vectors only")
    return unlike or _unlike_sizes(members)


def _unlike_sizes(members: list[Source]) -> str | None:
    """Vectors of unknown size may be of any; the call checks them."""
    for one, other in pairwise(each for each in members if each.size is not None):
        if one.size != other.size:
            sizes = f"{one.name} is a vector of {one.size} and {other.name} one of {other.size}"
            return f"{sizes}; take vectors of one size"
    return None


def _wrong_votes(members: list[Source]) -> str | None:
    for each in members:
        if each.type not in _VOTES:
            return f"{each.name} is {each.type}; take texts, whole numbers or booleans"
    return _unlike(members, lambda kind: kind, "take members of one type")


def _unlike(members: list[Source], trait: Callable[[pa.DataType], object], remedy: str) -> str | None:
    for one, other in pairwise(members):
        if trait(one.type) != trait(other.type):
            return f"{one.name} is {one.type} and {other.name} is {other.type}; {remedy}"
    return None


def _answer(method: str, members: list[Source]) -> pa.DataType:
    kinds = {scalar(each.type) for each in members}
    if method == "majority_vote":
        return kinds.pop()
    number = pa.int64() if method == "max" and kinds == {pa.int64()} else pa.float64()
    return pa.list_(number) if pa.types.is_list(members[0].type) else number
