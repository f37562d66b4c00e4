"""Stages by the labels of their counters."""

from __future__ import annotations

import pytest

from streaming.metrics import DEAD_LETTERS, STAGES
from streaming.monitoring.stages import stage_of


@pytest.mark.parametrize("stage", [*STAGES, "infer:times5", "infer:infer_twice"])
def test_a_stage_comes_back_from_its_counter(stage: str) -> None:
    (counter,) = DEAD_LETTERS.counters(stage)
    assert stage_of(counter.removeprefix("dead_letters_")) == stage
