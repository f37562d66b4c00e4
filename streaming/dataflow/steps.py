"""The steps of a job's graph by name, and whether one graph can take the place of another that runs."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from streaming.dataflow.mapping import FLAG

if TYPE_CHECKING:
    import apache_beam as beam

REMOVED = ""
"""What a mapping says of a step that the new graph does without."""


def step_names(pipeline: beam.Pipeline) -> frozenset[str]:
    """The full names of the transforms that have no parts, as in `Infer/times5/BeamML_RunInference`."""
    transforms = pipeline.to_runner_api().components.transforms.values()
    return frozenset(each.unique_name for each in transforms if not each.subtransforms)


def compare(running: Collection[str], new: Collection[str], mapping: Mapping[str, str]) -> list[str]:
    """Why a graph cannot take the place of one that runs: Dataflow moves what each step holds to one of the same name.

    A step that is new needs no word. One that is not there any more must be mapped: to its new name, or to the empty
    text. A name in a mapping is that of a step, or of all below it.

    Args:
        running: the names of the running graph's steps.
        new: those of the graph that is to replace it.
        mapping: new names by old ones.

    Returns:
        A line for each thing that is wrong, steps first.
    """
    steps = _without_parts(running)
    moved = {step: moved_name(step, mapping) for step in sorted(steps)}
    lost = {step: name for step, name in moved.items() if name not in {*new, REMOVED}}
    return [
        *(_lost(step, name, {*new} - steps) for step, name in lost.items()),
        *(f"{FLAG}: no step {old} runs; leave it out" for old in mapping if not _is_of(old, steps)),
        *_merged(moved),
    ]


def proposal(running: Collection[str], new: Collection[str], mapping: Mapping[str, str]) -> dict[str, str]:
    """The mapping that loses no step: what is right in `mapping`, and the most similar new names for the rest."""
    steps = _without_parts(running)
    right: dict[str, str] = {}
    for old, name in mapping.items():
        trial = {**right, old: name}
        told = {step for step in steps if step in new or any(_below(step, each) for each in trial)}
        if not compare(told, new, trial):
            right = trial
    free = {*new} - {moved_name(step, right) for step in steps}
    for step in sorted(steps):
        if moved_name(step, right) not in {*new, REMOVED}:
            right[step] = _similar(step, free)
            free.discard(right[step])
    return right


def moved_name(step: str, mapping: Mapping[str, str]) -> str:
    """The name that a step has in the new graph: by the longest of the mapped names that it lies below."""
    for prefix in sorted(mapping, key=len, reverse=True):
        if _below(step, prefix):
            return mapping[prefix] and mapping[prefix] + step[len(prefix) :]
    return step


def _below(step: str, prefix: str) -> bool:
    return f"{step}/".startswith(f"{prefix}/")


def _is_of(prefix: str, steps: Iterable[str]) -> bool:
    return any(_below(step, prefix) for step in steps)


def _without_parts(names: Iterable[str]) -> frozenset[str]:
    """The names without those of whole groups: the service tells of these as well."""
    groups = {
        "/".join(parts[:depth]) for parts in (name.split("/") for name in names) for depth in range(1, len(parts))
    }
    return frozenset(names) - groups


def _lost(step: str, name: str, new: Iterable[str]) -> str:
    near = _similar(name, new)
    hint = f"; is it {near} now?" if near else ""
    if name == step:
        return f"{step}: runs, and the new graph has no such step{hint}"
    return f"{FLAG}: {step} would be {name}, and the new graph has no such step{hint}"


def _similar(step: str, names: Iterable[str]) -> str:
    """The most similar of the names; the empty text, which is `REMOVED`, if none is."""
    return next(iter(difflib.get_close_matches(step, sorted(names), n=1)), REMOVED)


def _merged(moved: Mapping[str, str]) -> Iterator[str]:
    for name, count in Counter(moved.values()).items():
        if count > 1 and name != REMOVED:
            olds = ", ".join(old for old in moved if moved[old] == name)
            yield f"{FLAG}: {olds} would all be {name}; only one of them can"
