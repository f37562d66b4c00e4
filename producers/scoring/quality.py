"""How well models know what no message says: figures of their predictions against the fleet's real state."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from producers.scenario import QualityCheck
from producers.scoring.scores import Quality

DECISION = 0.5
"""From this risk on, a device counts as one that is about to fail."""


def quality(check: QualityCheck, predicted: np.ndarray, state: np.ndarray) -> Quality:
    """The figures of one check.

    Args:
        check: which prediction is held against which state.
        predicted: of shape [n]; NaN where there is none.
        state: the real one, of shape [n]; NaN where it is not known.
    """
    known = np.isfinite(predicted) & np.isfinite(state)
    predicted, true = predicted[known], meant(check, state[known])
    figures = quantity_figures if check.below is None else risk_figures
    return Quality(check.model, check.column, described(check), len(true), figures(predicted, true))


def meant(check: QualityCheck, state: np.ndarray) -> np.ndarray:
    """What a perfect model would predict: 1.0 or 0.0 for a risk, else the state, cut as the check says."""
    if check.below is not None:
        return (state < check.below).astype(np.float64)
    return state if check.at_most is None else np.minimum(state, check.at_most)


def described(check: QualityCheck) -> str:
    """The state that predictions are held against, in words."""
    if check.below is not None:
        return f"{check.state} below {check.below:g}"
    return check.state if check.at_most is None else f"{check.state} at most {check.at_most:g}"


def risk_figures(risk: np.ndarray, true: np.ndarray) -> Mapping[str, float]:
    """Figures of a risk.

    Args:
        risk: from 0 to 1, of shape [n].
        true: 1.0 where what was feared was so, else 0.0; of shape [n].
    """
    alarms = risk >= DECISION
    hits = float((alarms & (true == 1)).sum())
    return {
        "ROC AUC": _roc_auc(risk, true),
        "average precision": _average_precision(risk, true),
        f"precision at {DECISION:g}": _ratio(hits, float(alarms.sum())),
        f"recall at {DECISION:g}": _ratio(hits, float(true.sum())),
        "Brier score": _mean((risk - true) ** 2),
        "base rate": _mean(true),
    }


def quantity_figures(predicted: np.ndarray, true: np.ndarray) -> Mapping[str, float]:
    """Figures of a quantity; both of shape [n]."""
    errors = predicted - true
    spread = float(((true - _mean(true)) ** 2).sum())
    return {
        "mean absolute error": _mean(np.abs(errors)),
        "root mean squared error": _mean(errors**2) ** 0.5,
        "R2": 1.0 - _ratio(float((errors**2).sum()), spread),
        "median absolute error": float(np.median(np.abs(errors))) if len(errors) else np.nan,
    }


def _roc_auc(risk: np.ndarray, true: np.ndarray) -> float:
    """How often a device at risk is ranked above one that is not; equal ranks count half."""
    values, inverse, counts = np.unique(risk, return_inverse=True, return_counts=True)
    ranks = np.cumsum(counts) - (counts - 1) / 2
    positives = float(true.sum())
    above = float(ranks[inverse][true == 1].sum()) - positives * (positives + 1) / 2
    return _ratio(above, positives * (len(true) - positives)) if len(values) else np.nan


def _average_precision(risk: np.ndarray, true: np.ndarray) -> float:
    """The precision at each threshold, weighted by the recall that it adds."""
    values, inverse = np.unique(-risk, return_inverse=True)  # the highest risk first
    hits = np.bincount(inverse, true, len(values))
    precision = np.cumsum(hits) / np.cumsum(np.bincount(inverse, minlength=len(values)))
    return _ratio(float((precision * hits).sum()), float(true.sum()))


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else np.nan


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else np.nan
