"""Which parameters go with which: what is wrong with a choice of them, whatever their values are."""

from __future__ import annotations

from collections.abc import Collection, Iterator

INPUTS = ("input_subscription", "input_files", "input_table")
"""The parameters of which exactly one is given; the first makes the job a stream, the others a batch job."""

Fault = tuple[str, str]
"""A parameter's name, and what is wrong with it."""


def faults(given: Collection[str]) -> Iterator[Fault]:
    """What is wrong with the choice of parameters.

    Args:
        given: the names of those whose values are not the defaults.
    """
    inputs = [name for name in INPUTS if name in given]
    if not inputs:
        yield INPUTS[0], "missing; give one of --input_subscription, --input_files and --input_table"
    for name in inputs[1:]:
        yield name, f"goes without --{inputs[0]}; keep one of them"
    stored = [name for name in inputs if name != INPUTS[0]]
    yield from _of_outputs(given, bool(stored))
    if stored and "batch_max_wait" in given:
        yield "batch_max_wait", f"is of a stream alone; leave it out with --{stored[0]}"
    if "output_format" in given and "output_files" not in given:
        yield "output_format", "is that of --output_files; give them, or leave it out"


def is_stored(given: Collection[str]) -> bool:
    """Whether the job reads stored data, and so ends; a stream where nothing is said, or too much."""
    return INPUTS[0] not in given and any(name in given for name in INPUTS)


def _of_outputs(given: Collection[str], is_stored: bool) -> Iterator[Fault]:
    if "output_files" in given and INPUTS[0] in given:
        yield "output_files", "goes with --input_files or --input_table; a stream writes to --output_table"
    if "output_table" not in given and not is_stored:
        yield "output_table", "missing; give --output_table=OUTPUT_TABLE"
    elif not {"output_table", "output_files"} & {*given}:
        yield "output_table", "missing; give --output_table=OUTPUT_TABLE, --output_files=DIRECTORY, or both"
