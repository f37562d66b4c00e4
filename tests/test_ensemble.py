"""Ensembles: means, maxima and votes over columns of earlier answers."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from streaming.models.ensemble import Ensemble
from streaming.predictors import ModelOutputError
from streaming.wiring import EnsembleCall, Member, ModelPlan, Output
from tests.builders import answered, batch, plan

DOUBLES, VECTORS = pa.float64(), pa.list_(pa.float64())


def combine(
    method: str, kind: pa.DataType, members: list[list[Any]], weights: list[float] | None = None, gives: Any = None
) -> list[Any]:
    """The ensemble's answers; a member's answer that is None has not been given."""
    built = batch(len(members[0]))
    for number, values in enumerate(members):
        member = plan(f"m{number}", outputs=[Output("o", "p", kind)])
        built = answered(built, member, [None if value is None else {"p": value} for value in values])
    call = EnsembleCall(
        method,
        tuple(Member(f"model:m{n}", "p", (weights or [1.0] * len(members))[n]) for n in range(len(members))),
    )
    model = ModelPlan("mix", call, (Output(method, "p", gives or kind),))
    outputs = Ensemble(model, call).predict(built.rows)
    assert outputs.unanswered == {}
    return outputs.values[method].tolist()


def test_the_mean_of_those_that_have_answered() -> None:
    assert combine("mean", DOUBLES, [[1.0, 2.0, None], [3.0, None, None], [8.0, 4.0, 7.0]]) == [4.0, 3.0, 7.0]


def test_the_mean_of_whole_numbers_is_no_whole_number() -> None:
    assert combine("mean", pa.int64(), [[1, 2], [2, 2]], gives=DOUBLES) == [1.5, 2.0]


def test_the_weighted_mean_of_those_that_have_answered() -> None:
    assert combine("weighted_mean", DOUBLES, [[1.0, 1.0], [4.0, None]], [1.0, 2.0]) == [3.0, 1.0]


def test_the_largest_of_those_that_have_answered() -> None:
    assert combine("max", DOUBLES, [[1.0, -5.0], [3.0, None]]) == [3.0, -5.0]
    assert combine("max", pa.int64(), [[2**53 + 1, -5], [2**53, None]]) == [2**53 + 1, -5]


def test_vectors_are_combined_element_by_element() -> None:
    members = [[[1.0, 2.0], [5.0, 6.0]], [[3.0, 0.0], None]]
    assert combine("mean", VECTORS, members) == [[2.0, 1.0], [5.0, 6.0]]
    assert combine("weighted_mean", VECTORS, members, [1.0, 3.0]) == [[2.5, 0.5], [5.0, 6.0]]
    assert combine("max", VECTORS, members) == [[3.0, 2.0], [5.0, 6.0]]


def test_vectors_of_unequal_length_are_refused() -> None:
    with pytest.raises(ModelOutputError, match=r"^the members' vectors have 1 and 2 values$"):
        combine("mean", VECTORS, [[[1.0, 2.0]], [[3.0]]])


def test_most_votes_win_and_of_equally_many_those_of_the_member_named_first() -> None:
    members = [["a", "a", "b", None], ["b", "b", "a", "c"], ["b", "c", None, None]]
    assert combine("majority_vote", pa.string(), members) == ["b", "a", "b", "c"]


def test_votes_over_whole_numbers_and_booleans() -> None:
    assert combine("majority_vote", pa.int64(), [[1, 1], [2, 1], [2, 3]]) == [2, 1]
    assert combine("majority_vote", pa.bool_(), [[True, False], [False, None], [False, True]]) == [False, False]
