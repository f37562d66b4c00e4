"""What the terms of a report mean, for readers who were not there."""

from __future__ import annotations

from producers.scoring.scores import OFFLINE

FAULTS = {
    "late": "measured long before it was sent",
    "out_of_order": "measured before others that were sent earlier",
    "clock_skew": "the device's clock was wrong",
    "duplicated": "the same message sent once more",
    "truncated": "the end of the payload is missing",
    "wrong_schema": "written with a schema that is not the job's",
    "schema_change": "written with another version of the schema",
    "missing_key": "names no device",
    "out_of_range_event_time": "dated beyond what the job takes",
    "poison": "well-formed, with values that a model rejects",
}
"""By the names of `producers.messages.Fault`."""

FIGURES = {
    "ROC AUC": "1 is perfect, 0.5 is chance",
    "average precision": "1 is perfect, the base rate is chance",
    "precision at 0.5": "share of the alarms (0.5 or more) that were right",
    "recall at 0.5": "share of the cases that raised an alarm",
    "Brier score": "mean squared error, 0 is perfect",
    "base rate": "share of the messages for which the truth is 1",
    "mean absolute error": "how far off a prediction is on average",
    "root mean squared error": "the same, where large errors weigh more",
    "R2": "1 is perfect, 0 is no better than the mean",
    "median absolute error": "half of the predictions are nearer",
}
"""By the names that `producers.scoring.quality` gives them."""

HOURS = "Hours are those of the fleet's life, of which the scenario's speed may put many into a second."

PLANTED = (
    "Faults are planted on purpose. Late, out of order, skewed and duplicated messages must be answered like any "
    "other; the rest must become dead letters, unless the job's schema takes a changed one."
)

LATENCY = "Of 100 predictions, 95 came within p95, and 99 within p99."

PREDICTIONS = "Each model's answer to a message counts as one prediction."


def fault(name: str) -> str:
    """A fault's name in words, with what it is."""
    words = name.replace("_", " ")
    return f"{words}: {FAULTS[name]}" if name in FAULTS else words


def truth(state: str) -> str:
    """What a prediction is held against, where `state` is that of a `Trace` or `Quality`."""
    if state == OFFLINE:
        return "what the same model answers offline to what was sent"
    name, below, limit = state.partition(" below ")
    if below:
        return f"1 while {name} is below {limit}, else 0"
    name, most, limit = state.partition(" at most ")
    return f"{name}, where more than {limit} counts as {limit}" if most else state
