"""Predictions that another generation of a model has made than the one that is run offline."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from producers.scoring.arrays import booleans, taken
from producers.scoring.expected import Expected, consulted, deciding
from producers.scoring.places import Place
from streaming.wiring import Contract


@dataclass(frozen=True)
class Generations:
    """Where a place's predictions come of other generations.

    Attributes:
        others: [n, m], whether another generation has answered the message, of the model or of one before it: such
            predictions cannot be compared.
        unclear: [n, m], whether another generation may have decided otherwise if the model is asked.
    """

    others: np.ndarray
    unclear: np.ndarray


def generations(place: Place, contract: Contract, expected: Expected, answers: pa.Table) -> Generations:
    """Which predictions of a place come of other generations. A null fingerprint, as of an ensemble, is any."""
    others, unclear = np.zeros_like(place.came), np.zeros_like(place.came)
    numbers = {plan.column: number for number, plan in enumerate(contract.models)}
    rows = np.flatnonzero(place.origins.known & (place.models >= 0))
    messages, models = place.messages[rows], place.models[rows]
    offline = taken(answers["model_fingerprint"], expected.answers[messages, models])
    other = booleans(pc.not_equal(taken(place.rows["model_fingerprint"], rows), offline))
    others[messages[other], models[other]] = True
    for number, plan in enumerate(contract.models):
        for column in consulted(plan):
            others[:, number] |= others[:, numbers[column]]
        for column in deciding(plan):
            unclear[:, number] |= others[:, numbers[column]]
    return Generations(others, unclear)
