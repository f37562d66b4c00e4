"""That every fault and figure is explained, and what a truth is called."""

from __future__ import annotations

import numpy as np
import pytest

from producers.messages import Fault
from producers.report.meanings import FAULTS, FIGURES, fault, truth
from producers.scoring.quality import quantity_figures, risk_figures


def test_every_fault_is_explained() -> None:
    assert set(FAULTS) == set(Fault)


def test_every_figure_of_quality_is_explained() -> None:
    figures = np.zeros(1)
    assert list(FIGURES) == [*risk_figures(figures, figures), *quantity_figures(figures, figures)]


def test_a_fault_is_said_in_words() -> None:
    assert fault("clock_skew") == "clock skew: the device's clock was wrong"
    assert fault("of_tomorrow") == "of tomorrow"


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("run offline", "what the same model answers offline to what was sent"),
        ("hours_to_failure below 24", "1 while hours_to_failure is below 24, else 0"),
        ("hours_to_failure at most 150", "hours_to_failure, where more than 150 counts as 150"),
        ("wear", "wear"),
    ],
)
def test_a_truth_is_said_in_words(state: str, said: str) -> None:
    assert truth(state) == said
