"""Every choice of inputs and outputs: what is wrong with it, and whether the job is a batch job."""

from __future__ import annotations

from itertools import chain, combinations

import pytest

from streaming.parameter_rules import INPUTS, Fault, faults, is_stored

SUBSCRIPTION, FILES, TABLE = INPUTS
NO_INPUT = (SUBSCRIPTION, "missing; give one of --input_subscription, --input_files and --input_table")
NO_TABLE = ("output_table", "missing; give --output_table=OUTPUT_TABLE")
NO_OUTPUT = ("output_table", "missing; give --output_table=OUTPUT_TABLE, --output_files=DIRECTORY, or both")
FILES_OF_STREAM = (
    "output_files",
    "goes with --input_files or --input_table; a stream writes to --output_table",
)


def without(other: str, kept: str) -> Fault:
    return other, f"goes without --{kept}; keep one of them"


@pytest.mark.parametrize(
    "given",
    [
        {SUBSCRIPTION, "output_table"},
        {SUBSCRIPTION, "output_table", "batch_max_wait", "output_topic"},
        *({stored, *outputs} for stored in (FILES, TABLE) for outputs in (["output_table"], ["output_files"])),
        {FILES, "output_table", "output_files", "output_format"},
    ],
)
def test_what_goes_together(given: set[str]) -> None:
    assert list(faults(given)) == []


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        (set(), [NO_INPUT, NO_TABLE]),
        ({"output_files"}, [NO_INPUT, NO_TABLE]),
        ({FILES}, [NO_OUTPUT]),
        ({TABLE, FILES, SUBSCRIPTION}, [without(FILES, SUBSCRIPTION), without(TABLE, SUBSCRIPTION), NO_OUTPUT]),
        ({TABLE, FILES, "output_files"}, [without(TABLE, FILES)]),
        ({SUBSCRIPTION, "output_files", "output_format"}, [FILES_OF_STREAM, NO_TABLE]),
        (
            {TABLE, "output_table", "batch_max_wait", "output_format"},
            [
                ("batch_max_wait", "is of a stream alone; leave it out with --input_table"),
                ("output_format", "is that of --output_files; give them, or leave it out"),
            ],
        ),
        (
            {SUBSCRIPTION, TABLE, "output_table", "batch_max_wait"},
            [
                without(TABLE, SUBSCRIPTION),
                ("batch_max_wait", "is of a stream alone; leave it out with --input_table"),
            ],
        ),
    ],
)
def test_what_does_not(given: set[str], wrong: list[Fault]) -> None:
    assert list(faults(given)) == wrong


def test_a_job_is_stored_that_reads_no_subscription_but_files_or_a_table() -> None:
    choices = map(set, chain.from_iterable(combinations(INPUTS, count) for count in range(4)))
    assert [choice for choice in choices if is_stored(choice)] == [{FILES}, {TABLE}, {FILES, TABLE}]
