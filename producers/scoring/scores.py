"""The nouns of scoring: what came out of a job, held against what was sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Kind(StrEnum):
    """What can be wrong; the words are the report's. Any of them makes a score not ok."""

    LOST = "lost: neither a prediction nor a dead letter"
    MISSING_DEAD_LETTER = "missing dead letter"
    MISSING_MESSAGE = "in the table and not among the output messages"
    OTHER_ID = "repeated under another prediction_id"
    WRONG_ID = "wrong prediction_id"
    WRONG_KEY = "wrong key"
    WRONG_EVENT_TIME = "wrong event time"
    WRONG_WINDOW = "wrong window"
    WRONG_PREDICTION = "wrong prediction"
    UNEXPECTED_PREDICTION = "prediction for a message that must be a dead letter"
    WRONG_STAGE = "dead letter of the wrong stage"
    UNEXPECTED_DEAD_LETTER = "dead letter for a message that must be answered"
    WRONG_PAYLOAD = "dead letter with other bytes than were sent"
    NEVER_SENT = "of a message that was never sent"


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, of one message and, where it is a model's, of that model.

    Attributes:
        place: where it was found: `table`, `messages` or `dead letters`; `-` for what is nowhere.
    """

    kind: Kind
    place: str
    message_id: str | None
    model: str | None = None
    detail: str = ""


@dataclass(frozen=True)
class Sent:
    """What the truth file says of the run.

    Attributes:
        confirmed: messages that Pub/Sub has taken.
        unknown: messages of which nobody knows whether it has: they may come out or not.
        refused: messages that it has not taken.
        faults: confirmed messages by fault.
        ending: how publishing ended: `completed`, `stopped`, `failed: ...`; `cut off` where the file does not say.
    """

    topic: str
    scenario: str
    seed: int
    started_at: datetime
    ended_at: datetime
    confirmed: int
    unknown: int
    refused: int
    faults: Mapping[str, int]
    ending: str


@dataclass(frozen=True)
class Came:
    """What was found at one place of predictions: `table` or `messages`.

    Attributes:
        predictions: distinct ones, by model.
        repeated: more rows of the same `prediction_id`, which delivery at least once allows.
        unconfirmed: of messages of which nobody knows whether they were sent.
        replayed: answers to dead letters that were published anew.
        not_compared: answers of another generation of a model than the one run offline, or that it does not give there.
        foreign: of messages published before or after the run.
    """

    place: str
    predictions: Mapping[str, int]
    repeated: int = 0
    unconfirmed: int = 0
    replayed: int = 0
    not_compared: int = 0
    foreign: int = 0


@dataclass(frozen=True)
class Latency:
    """Seconds from publishing to prediction.

    Attributes:
        percentiles: by percent: 50, 90, 95, 99, 99.9 and 100 (the slowest); empty without predictions.
        bounds: of the histogram, n + 1 rising ones.
        counts: predictions between two bounds, n of them.
    """

    percentiles: Mapping[float, float]
    bounds: Sequence[float]
    counts: Sequence[int]


@dataclass(frozen=True)
class Series:
    """Messages a second over the time of the run; a figure for each step.

    Attributes:
        start: of the first step.
        step: in seconds.
        published: messages, by publish time.
        predicted: predictions, by `processed_at`.
        dead_letters: by their timestamp.
    """

    start: datetime
    step: float
    published: Sequence[float]
    predicted: Sequence[float]
    dead_letters: Sequence[float]


@dataclass(frozen=True)
class Quality:
    """How well a model knows the fleet's real state, which no message says.

    Attributes:
        model: its name.
        column: of its predictions.
        state: what it is held against, in words, as in `hours_to_failure at most 24`.
        count: predictions held against it.
        figures: by name, as `ROC AUC` or `mean absolute error`; NaN where there is nothing to compute it from.
    """

    model: str
    column: str
    state: str
    count: int
    figures: Mapping[str, float]


@dataclass(frozen=True)
class Trace:
    """One device's predictions beside the truth, for a plot: a figure for each of its messages, by event time.

    Attributes:
        key: the device's.
        model: whose predictions.
        column: of the predictions.
        state: the truth's name, or `OFFLINE` where the fleet has no state that the model should know.
    """

    key: str
    model: str
    column: str
    state: str
    times: Sequence[datetime]
    predicted: Sequence[float]
    true: Sequence[float]


@dataclass(frozen=True)
class Score:
    """What came of everything that was sent.

    Attributes:
        wrong: how much of each kind is wrong; nothing of what is not.
        findings: examples of these, at most `EXAMPLES` of each kind.
        dead_letters: by stage and error class.
        repeated_dead_letters: more of the same message, stage and model.
        knows_dead_letters: whether they were looked at; if not, nothing is said of them.
        events: dead letters of no message, as of a refused generation.
        quality: one for each that the scenario asks for.
        unconfirmed_dead_letters: of messages of which nobody knows whether they were sent.
        foreign_dead_letters: of other messages, from before or after the run.
    """

    sent: Sent
    came: Sequence[Came]
    wrong: Mapping[Kind, int]
    findings: Sequence[Finding]
    dead_letters: Mapping[tuple[str, str], int]
    latency: Latency
    series: Series
    repeated_dead_letters: int = 0
    events: int = 0
    quality: Sequence[Quality] = ()
    traces: Sequence[Trace] = field(default=())
    unconfirmed_dead_letters: int = 0
    foreign_dead_letters: int = 0
    knows_dead_letters: bool = True

    @property
    def ok(self) -> bool:
        """Whether nothing is lost or wrong."""
        return not self.wrong


OFFLINE = "run offline"
"""A trace's `state` where its truth is the model, asked once more."""

EXAMPLES = 20
"""Findings of one kind that are kept; all are counted."""
