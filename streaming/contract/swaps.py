"""Whether another generation of a SavedModel fits where the first one was checked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from operator import attrgetter

from streaming.contract.calls import Called, choose
from streaming.contract.columns import signature_offers
from streaming.contract.findings import hint
from streaming.contract.tensors import show
from streaming.errors import Mistakes
from streaming.savedmodel.signatures import Signature, TensorSpec
from streaming.wiring import ModelPlan, SavedModelCall, Tensor


def misfits(plan: ModelPlan, signatures: Mapping[str, Signature]) -> list[str]:
    """Why a generation of the plan's SavedModel does not fit the plan, each reason in one line; empty if it does.

    Args:
        plan: of a SavedModel, as another generation of it was checked.
        signatures: the generation's, by name.
    """
    if not isinstance(plan.call, SavedModelCall):
        return []
    try:
        call = choose(signatures, plan.call.signatures, "the generation", raw=plan.call.tensors is not None)
    except Mistakes as error:
        return list(error.lines)
    wrong = _other_tensors(call.tensors, plan.call.tensors) if call.tensors else _wrong_features(plan, call)
    return list(dict.fromkeys([*wrong, *_wrong_outputs(plan, call)]))


def _other_tensors(taken: Sequence[Tensor], fed: Sequence[Tensor] | None) -> Iterator[str]:
    if sorted(taken, key=attrgetter("name")) != sorted(fed or (), key=attrgetter("name")):
        yield f"it takes {', '.join(map(_show, taken))}, not {', '.join(map(_show, fed or ()))}"


def _wrong_features(plan: ModelPlan, call: Called) -> Iterator[str]:
    given = {feature.name: feature for feature in plan.features}
    for need in call.needs:
        if need.name in given:
            wrong = need.misfit(given[need.name])
            yield from [f"feature {need.name}: it {wrong}"] if wrong else []
        elif need.required:
            yield f"it needs the feature {need.name}, {need}, which the job does not give"


def _wrong_outputs(plan: ModelPlan, call: Called) -> Iterator[str]:
    offers = signature_offers(call.signatures)
    for output in plan.outputs:
        if output.name not in offers:
            yield f"it has no output {output.name!r}{hint(output.name, offers)}"
        elif (offer := offers[output.name]).type != output.type:
            yield f"its output {output.name}, {offer.shown}, does not fit the column {output.column} ({output.type})"


def _show(tensor: Tensor) -> str:
    shape = (None,) if tensor.size is None else (None, tensor.size)
    return f"{tensor.name}: {show(TensorSpec(tensor.dtype, shape))}"
