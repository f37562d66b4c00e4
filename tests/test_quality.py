"""Figures of predictions against a state that is known, worked out by hand."""

import math

import numpy as np
import pytest

from producers.scenario import QualityCheck
from producers.scoring.quality import described, meant, quality, quantity_figures, risk_figures
from producers.scoring.scores import Quality

RISK = QualityCheck(model="risk", column="p", state="hours_to_failure", below=24.0)
LIFE = QualityCheck(model="life", column="hours", state="hours_to_failure", at_most=50.0)
WEAR = QualityCheck(model="wear", column="w", state="wear")
EMPTY = np.array([])


def test_a_risk_is_judged_by_what_it_separates_and_what_it_claims() -> None:
    predicted, hours = np.array([0.9, 0.6, 0.4, 0.1, 0.5, np.nan]), np.array([5.0, 100.0, 20.0, 80.0, np.nan, 1.0])
    assert quality(RISK, predicted, hours) == Quality(
        model="risk",
        column="p",
        state="hours_to_failure below 24",
        count=4,
        figures={
            "ROC AUC": 0.75,
            "average precision": pytest.approx(0.5 * 1 + 0.5 * 2 / 3),
            "precision at 0.5": 0.5,
            "recall at 0.5": 0.5,
            "Brier score": pytest.approx((0.01 + 0.36 + 0.36 + 0.01) / 4),
            "base rate": 0.5,
        },
    )


def test_a_quantity_is_judged_by_its_errors() -> None:
    hours, predicted = np.array([10.0, 30.0, 200.0]), np.array([12.0, 30.0, 44.0])
    assert quality(LIFE, predicted, hours) == Quality(
        model="life",
        column="hours",
        state="hours_to_failure at most 50",
        count=3,
        figures={
            "mean absolute error": pytest.approx(8 / 3),
            "root mean squared error": pytest.approx((40 / 3) ** 0.5),
            "R2": pytest.approx(1 - 40 / 800),
            "median absolute error": 2.0,
        },
    )


def test_equal_risks_count_half() -> None:
    figures = risk_figures(np.array([0.5, 0.5, 0.5, 0.5]), np.array([1.0, 0.0, 1.0, 0.0]))
    assert (figures["ROC AUC"], figures["average precision"]) == (0.5, 0.5)


def test_a_perfect_model_has_the_best_figures() -> None:
    true = np.array([1.0, 0.0, 1.0, 0.0])
    best = {"ROC AUC": 1.0, "average precision": 1.0, "precision at 0.5": 1.0, "recall at 0.5": 1.0}
    assert risk_figures(true, true) == {**best, "Brier score": 0.0, "base rate": 0.5}
    assert quantity_figures(true, true)["R2"] == 1.0


def test_figures_that_nothing_says_are_nan() -> None:
    healthy = risk_figures(np.array([0.1, 0.2]), np.array([0.0, 0.0]))
    unknown = {"ROC AUC", "average precision", "precision at 0.5", "recall at 0.5"}
    assert {name for name, figure in healthy.items() if math.isnan(figure)} == unknown
    for figures in (risk_figures(EMPTY, EMPTY), quantity_figures(EMPTY, EMPTY)):
        assert all(math.isnan(figure) for figure in figures.values())
    assert math.isnan(quantity_figures(np.array([1.0, 2.0]), np.array([3.0, 3.0]))["R2"])


def test_the_state_is_what_a_perfect_model_would_predict() -> None:
    states = np.array([10.0, 24.0, 60.0])
    assert meant(RISK, states).tolist() == [1.0, 0.0, 0.0]
    assert meant(LIFE, states).tolist() == [10.0, 24.0, 50.0]
    assert (meant(WEAR, states).tolist(), described(WEAR)) == ([10.0, 24.0, 60.0], "wear")
