"""The steps of a graph by name, and what is said where one graph cannot take the place of another."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.dataflow.steps import compare, proposal
from tests.launch_cases import STEPS

TIMES5, TIMES10 = "Infer/times5/BeamML_RunInference", "Infer/times10/BeamML_RunInference"
SMALLER = {*STEPS} - {TIMES10}
RENAMED = SMALLER | {"Infer/times11/BeamML_RunInference"}

NAMES = st.sets(st.sampled_from(["Read/a", "Read/b", "Decode", "Infer/x/r", "Infer/y/r", "Infer/y/s", "Write"]))
MAPPINGS = st.dictionaries(
    st.sampled_from(["Read", "Read/a", "Decode", "Infer", "Infer/y", "Infer/y/r", "Nothing"]),
    st.sampled_from(["", "Read", "Read/b", "Infer/x", "Infer/y/s", "Write", "Other"]),
)


def test_a_graph_with_the_same_steps_takes_the_place_of_another() -> None:
    assert compare(STEPS, STEPS, {}) == []


def test_a_graph_with_more_steps_does() -> None:
    assert compare(SMALLER, STEPS, {}) == []


def test_the_names_of_groups_of_steps_are_none_of_steps() -> None:
    assert compare([*STEPS, "Infer", "Infer/times5", "Read", "Read/Pull"], STEPS, {}) == []


@pytest.mark.parametrize(
    ("new", "mapping", "told"),
    [
        (SMALLER, {}, [f"{TIMES10}: runs, and the new graph has no such step"]),
        (SMALLER, {TIMES10: ""}, []),
        (SMALLER, {"Infer/times10": ""}, []),
        (
            RENAMED,
            {},
            [
                f"{TIMES10}: runs, and the new graph has no such step; is it Infer/times11/BeamML_RunInference now?",
            ],
        ),
        (RENAMED, {TIMES10: "Infer/times11/BeamML_RunInference"}, []),
        (RENAMED, {"Infer/times10": "Infer/times11"}, []),
        (
            RENAMED,
            {"Infer/times10": "Infer/times12"},
            [
                f"--transform-name-mapping: {TIMES10} would be Infer/times12/BeamML_RunInference, and the new graph "
                "has no such step; is it Infer/times11/BeamML_RunInference now?"
            ],
        ),
        (STEPS, {"Infer/times9": ""}, ["--transform-name-mapping: no step Infer/times9 runs; leave it out"]),
        (
            SMALLER,
            {TIMES10: TIMES5},
            [f"--transform-name-mapping: {TIMES10}, {TIMES5} would all be {TIMES5}; only one of them can"],
        ),
        (SMALLER, {"Infer": "", TIMES5: TIMES5}, []),
    ],
)
def test_every_step_that_is_lost_is_told(new: set[str], mapping: Mapping[str, str], told: list[str]) -> None:
    assert compare(STEPS, new, mapping) == told


@pytest.mark.parametrize(
    ("new", "mapping", "proposed"),
    [
        (STEPS, {}, {}),
        (SMALLER, {}, {TIMES10: ""}),
        (RENAMED, {}, {TIMES10: "Infer/times11/BeamML_RunInference"}),
        (RENAMED, {"Infer/times10": "Infer/times11"}, {"Infer/times10": "Infer/times11"}),
        (RENAMED, {"Infer/times10": "Infer/times12", "None": ""}, {TIMES10: "Infer/times11/BeamML_RunInference"}),
        (SMALLER, {TIMES10: TIMES5}, {TIMES10: ""}),
    ],
)
def test_the_mapping_that_is_offered(new: set[str], mapping: Mapping[str, str], proposed: dict[str, str]) -> None:
    assert proposal(STEPS, new, mapping) == proposed


@given(NAMES, NAMES, MAPPINGS)
def test_with_the_mapping_that_is_offered_there_is_nothing_left_to_tell(
    running: set[str], new: set[str], mapping: dict[str, str]
) -> None:
    assert compare(running, new, proposal(running, new, mapping)) == []
