"""The signatures of a SavedModel that a job calls, and what they take."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from streaming.contract.examples import ExampleFeature
from streaming.contract.findings import Findings
from streaming.contract.tensors import InputTensor, show
from streaming.errors import Mistakes
from streaming.job_models import Model
from streaming.savedmodel.generations import current
from streaming.savedmodel.signatures import Signature, TensorSpec, read_signatures
from streaming.wiring import Tensor

Need = InputTensor | ExampleFeature
"""What a model takes by name."""


@dataclass(frozen=True)
class Called:
    """Signatures of a SavedModel that are called together.

    Attributes:
        signatures: by name, in the order in which they are called.
        inputs: the raw tensors that each of them takes, by name; None for serialized `tf.Example`s.
        version: the generation that they are of; None where the job file names the SavedModel itself.
    """

    signatures: Mapping[str, Signature]
    inputs: Mapping[str, TensorSpec] | None
    version: str | None = None

    @property
    def tensors(self) -> tuple[Tensor, ...] | None:
        """The raw tensors to feed."""
        return None if self.inputs is None else tuple(InputTensor(*each).tensor for each in self.inputs.items())

    @property
    def needs(self) -> tuple[Need, ...]:
        """What they take by name, as far as the graph tells."""
        if self.inputs is not None:
            return tuple(InputTensor(*each) for each in self.inputs.items())
        parsed = [feature for signature in self.signatures.values() for feature in signature.features or ()]
        return tuple(ExampleFeature(feature) for feature in parsed)

    @property
    def tells(self) -> bool:
        """Whether `needs` is all that they take."""
        return self.inputs is not None or all(each.features is not None for each in self.signatures.values())


def read_call(found: Findings, name: str, model: Model) -> Called | None:
    """What the job calls of a model's SavedModel, read from its file; None where it has none, or that is wrong."""
    path, place = model.path, f"models.{name}.path"
    if path is None:
        return None
    generation = found.tried(lambda: current(path, place))
    signatures = None if generation is None else found.tried(lambda: read_signatures(generation.directory, place))
    if generation is None or signatures is None:
        return None
    raw, whose = None if model.inputs is None else model.inputs == "tensors", generation.directory
    call = found.tried(lambda: choose(signatures, model.signature, whose, raw=raw), f"models.{name}.signature")
    if call is not None and (ambiguous := _ambiguous_input(model, call)):
        found.add(f"models.{name}.inputs", ambiguous)
    return None if call is None else replace(call, version=generation.version)


def _ambiguous_input(model: Model, call: Called) -> str | None:
    """Why serialized examples may not be what the model takes, though its only input looks like it."""
    if model.inputs is not None or call.inputs is not None:
        return None
    unparsed = (each for each in call.signatures.values() if each.features is None)
    for name in (name for signature in unparsed for name in signature.inputs if name in (model.features or {})):
        return (
            f"the only input, {name}, is a string, and nothing in the graph parses tf.Examples; "
            "write inputs: tensors, or inputs: examples"
        )
    return None


def choose(signatures: Mapping[str, Signature], names: Sequence[str], whose: str, *, raw: bool | None = None) -> Called:
    """The signatures of these names, to be called together.

    Args:
        signatures: all that there are.
        names: of those that are called.
        whose: signatures they are, for the message.
        raw: whether they take raw tensors, not serialized `tf.Example`s; None for what they look like.

    Raises:
        Mistakes: one is missing, or takes what no job can give, or something else than another.
    """
    _refuse(_missing(signatures, names, whose))
    chosen = {name: signatures[name] for name in names}
    if raw is None:
        raw = not all(map(takes_examples, chosen.values()))
    _refuse(_not_raw(chosen, whose) if raw else _no_examples(chosen, whose))
    return Called(chosen, chosen[names[0]].inputs if raw else None)


def takes_examples(signature: Signature) -> bool:
    """Whether it may take serialized `tf.Example`s: its only input is a string tensor of shape [n], or of any rank."""
    takes = list(signature.inputs.values())
    return len(takes) == 1 and takes[0].dtype == "string" and takes[0].shape in (None, (None,))


def _refuse(wrong: Iterator[str]) -> None:
    if lines := list(wrong):
        raise Mistakes(lines)


def _missing(signatures: Mapping[str, Signature], names: Sequence[str], whose: str) -> Iterator[str]:
    has = ", ".join(sorted(signatures)) or "none"
    yield from (f"{whose} has no signature {name!r}; it has {has}" for name in names if name not in signatures)


def _no_examples(chosen: Mapping[str, Signature], whose: str) -> Iterator[str]:
    for name, signature in chosen.items():
        if not takes_examples(signature):
            yield (
                f"{name} of {whose} takes {_shown(signature)}; "
                "export one that takes serialized tf.Examples, a string tensor of shape [None]"
            )


def _not_raw(chosen: Mapping[str, Signature], whose: str) -> Iterator[str]:
    name, first = next(iter(chosen.items()))
    if any(other.inputs != first.inputs for other in chosen.values()):
        takes = ", ".join(f"{each} takes {_shown(signature)}" for each, signature in chosen.items())
        yield f"in {whose} {takes}; signatures called in one pass take the same: call one of them, or export them alike"
    elif not first.inputs:
        yield from _no_examples(chosen, whose)
    for tensor, spec in first.inputs.items():
        if wrong := InputTensor(tensor, spec).unfillable():
            yield f"the input {tensor} of {name}, {show(spec)}, {wrong}"


def _shown(signature: Signature) -> str:
    return ", ".join(f"{name}: {show(spec)}" for name, spec in signature.inputs.items()) or "nothing"
