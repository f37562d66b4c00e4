"""A place where predictions come out, the table or the output messages: its rows, and what each is of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from producers.scoring.arrays import positions
from producers.scoring.expected import Expected
from producers.scoring.origins import Origin, Origins, of_predictions
from producers.scoring.scores import Came
from producers.truth import Truth
from streaming.wiring import Contract


@dataclass(frozen=True)
class Place:
    """Rows of predictions.

    Attributes:
        name: `table` or `messages`.
        rows: of the predictions table, each column in one chunk.
        origins: of each row.
        models: [r], each row's model by its number; -1 for one that the job does not have.
        came: [n, m], whether the model has answered the message.
        again: [n], whether the message has been answered when published anew.
    """

    name: str
    rows: pa.Table
    origins: Origins
    models: np.ndarray
    came: np.ndarray
    again: np.ndarray

    @property
    def messages(self) -> np.ndarray:
        """[r], the message of each row, as a row of the truth; -1 where none is known."""
        return self.origins.messages

    def first_rows(self) -> np.ndarray:
        """[n, m], the first row that has the model's answer to the message, or -1."""
        rows = np.flatnonzero(self.origins.known & (self.models >= 0))[::-1]
        first = np.full(self.came.shape, -1)
        first[self.messages[rows], self.models[rows]] = rows
        return first


def place(name: str, rows: pa.Table, truth: Truth, contract: Contract, expected: Expected) -> Place:
    """The rows of a place, with what they are of."""
    rows = rows.combine_chunks()
    event_time = contract.message.event_time
    timed = event_time.field is not None or event_time.attribute is not None
    origins = of_predictions(rows, truth, expected, timed=timed)
    models = positions(rows["model"], pa.array(expected.models, pa.string()))
    came = np.zeros(expected.answered.shape, bool)
    answers = origins.known & (models >= 0)
    came[origins.messages[answers], models[answers]] = True
    again = np.zeros(len(came), bool)
    again[origins.messages[origins.are(Origin.REPLAYED)]] = True
    return Place(name, rows, origins, models, came, again)


def came(place: Place, not_compared: int) -> Came:
    """What was found at a place, in numbers."""
    ids = place.rows.select(["prediction_id", "model"]).filter(pa.array(place.origins.of_run))
    distinct = ids.group_by(["prediction_id", "model"]).aggregate([])
    return Came(
        place.name,
        predictions=_by_model(distinct),
        repeated=ids.num_rows - distinct.num_rows,
        unconfirmed=int(place.origins.are(Origin.UNCONFIRMED).sum()),
        replayed=int(place.origins.are(Origin.REPLAYED).sum()),
        not_compared=not_compared,
        foreign=int(place.origins.are(Origin.FOREIGN).sum()),
    )


def _by_model(predictions: pa.Table) -> Mapping[str, int]:
    counts = pc.value_counts(predictions["model"]).to_pylist()
    return {each["values"]: each["counts"] for each in sorted(counts, key=lambda each: str(each["values"]))}
