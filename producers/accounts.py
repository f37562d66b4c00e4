"""The account: what the job's tables hold, checked against what was sent.

`check` looks at every row and every dead letter, and at every message that should have become one.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from producers.findings import Finding, Findings, Kind, Sample
from producers.readings import Account, Inputs, Reading, Refused

__all__ = [
    "CASCADE",
    "PARALLEL",
    "TOLERANCE",
    "Finding",
    "Findings",
    "Kind",
    "Multiplier",
    "Multipliers",
    "Row",
    "Sample",
    "check",
]

Row: TypeAlias = Mapping[str, Any]

TOLERANCE = 1e-3
"""How far a prediction may lie from the product, as a share of it."""


@dataclass(frozen=True)
class Multiplier:
    """What a model must answer: `factor` times the message's value, or times the answer of the model `feeder`."""

    factor: float
    feeder: str | None = None


Multipliers: TypeAlias = Mapping[str, Multiplier]

PARALLEL: Multipliers = {"times5": Multiplier(5), "times10": Multiplier(10)}
"""The models of `examples/multiply/job.yaml`."""

CASCADE: Multipliers = {"times5": Multiplier(5), "times10": Multiplier(10, feeder="times5")}
"""The models of `examples/multiply/cascade.yaml`."""


def check(account: Account, rows: Iterable[Row], error_rows: Iterable[Row], models: Multipliers) -> Findings:
    """What came out, against what was sent.

    Args:
        account: of everything that was published.
        rows: the predictions table, as dicts by column; times as datetimes with a time zone.
        error_rows: the dead-letter table, likewise; `payloadBytes` as bytes. One without a message id is an event.
        models: what each model of the job must answer.
    """
    sent, rows, error_rows = dict(account.sent), list(rows), list(error_rows)
    letters = [each for each in error_rows if each["message_id"] is not None]
    wrong = [
        *(finding for row in rows for finding in _wrong_row(row, sent, models)),
        *(finding for letter in letters for finding in _wrong_dead_letter(letter, sent, models)),
        *_lost(sent, rows, letters, models),
    ]
    return Findings(
        wrong=wrong,
        messages=len(sent),
        bad_messages=sum(_answerable(reading) is None for reading in sent.values()),
        rows=Counter(row["model"] for row in rows),
        dead_letters=Counter((letter["stage"], letter["error_class"]) for letter in error_rows),
        repeated_rows=_repeated(row["prediction_id"] for row in rows),
        repeated_dead_letters=_repeated((each["message_id"], each["stage"], each["model"]) for each in letters),
        latencies=_latencies(rows),
        samples=_samples(sent, rows, models),
    )


def _answerable(reading: Reading) -> Inputs | None:
    """What the models must answer, or None for a bad message."""
    expected = reading.expected
    return expected if isinstance(expected, Inputs) and math.isfinite(expected.value) else None


def _refusals(reading: Reading, models: Multipliers) -> dict[str | None, Refused]:
    """The dead letters that must come of a message, by model. A model whose feeder failed is not asked at all."""
    if isinstance(reading.expected, Refused):
        return {None: reading.expected}
    if math.isfinite(reading.expected.value):
        return {}
    key = reading.expected.key
    return {name: Refused(f"infer:{name}", key) for name, model in models.items() if model.feeder is None}


def _wrong_row(row: Row, sent: Mapping[str, Reading], models: Multipliers) -> Iterator[Finding]:
    message_id, model = row["message_id"], row["model"]
    reading = sent.get(message_id)
    if reading is None:
        yield Finding(Kind.NEVER_PUBLISHED, message_id, model)
    elif model not in models or (inputs := _answerable(reading)) is None:
        yield Finding(Kind.UNEXPECTED_ROW, message_id, model)
    else:
        for kind, actual, expected in _wrong_columns(row, inputs, _factor(model, models)):
            yield Finding(kind, message_id, model, f"{actual}, not {expected}")


def _wrong_columns(row: Row, inputs: Inputs, factor: float) -> Iterator[tuple[Kind, object, object]]:
    """The columns that hold the wrong value: kind, actual and expected value."""
    prediction_id = f"{row['message_id']}/{row['model']}"
    if row["prediction_id"] != prediction_id:
        yield Kind.WRONG_ID, row["prediction_id"], prediction_id
    if row["key"] != inputs.key:
        yield Kind.WRONG_KEY, row["key"], inputs.key
    if row["event_time"] != inputs.event_time:
        yield Kind.WRONG_EVENT_TIME, row["event_time"], inputs.event_time
    window = (row["window_start"], row["window_end"])
    if None in window or not window[0] <= inputs.event_time < window[1]:
        yield Kind.WRONG_WINDOW, f"{window[0]} to {window[1]}", f"around {inputs.event_time}"
    if row["prediction"] is None or not math.isclose(row["prediction"], factor * inputs.value, rel_tol=TOLERANCE):
        yield Kind.WRONG_PREDICTION, row["prediction"], factor * inputs.value


def _wrong_dead_letter(letter: Row, sent: Mapping[str, Reading], models: Multipliers) -> Iterator[Finding]:
    message_id, model, stage = letter["message_id"], letter["model"], letter["stage"]
    reading = sent.get(message_id)
    if reading is None:
        yield Finding(Kind.NEVER_PUBLISHED, message_id, model, f"stage {stage}")
        return
    refusals = _refusals(reading, models)
    refused = refusals.get(model)
    if refused is not None and refused.stage == stage:
        if letter["key"] != refused.key:
            yield Finding(Kind.WRONG_KEY, message_id, model, f"{letter['key']}, not {refused.key}")
    elif meant := [other.stage for name, other in refusals.items() if model is None or name in (None, model)]:
        yield Finding(Kind.WRONG_STAGE, message_id, model, f"{stage}, not {' and '.join(meant)}")
    else:
        yield Finding(Kind.UNEXPECTED_DEAD_LETTER, message_id, model, f"{letter['errorMessage']} (stage {stage})")
    if (letter["payloadBytes"] or b"") != reading.payload:
        yield Finding(Kind.WRONG_PAYLOAD, message_id, model, f"{letter['payloadBytes']!r}, not {reading.payload!r}")


def _lost(
    sent: Mapping[str, Reading], rows: Iterable[Row], error_rows: Iterable[Row], models: Multipliers
) -> Iterator[Finding]:
    """What neither a row nor a dead letter speaks of."""
    answered, failed = _models_by_message(rows), _models_by_message(error_rows)
    for message_id, reading in sent.items():
        for model in models if _answerable(reading) else _refusals(reading, models):
            if not _is_covered(model, answered[message_id], failed[message_id], models):
                yield Finding(Kind.LOST, message_id, model)


def _is_covered(model: str | None, answered: set[str | None], failed: set[str | None], models: Multipliers) -> bool:
    """Whether something came out. A dead letter speaks of its model and of those it feeds, or of all."""
    if model is None:
        return bool(answered or failed)
    return model in answered or not failed.isdisjoint([None, *_line(model, models)])


def _models_by_message(rows: Iterable[Row]) -> dict[str, set[str | None]]:
    models: dict[str, set[str | None]] = defaultdict(set)
    for row in rows:
        models[row["message_id"]].add(row["model"])
    return models


def _line(model: str, models: Multipliers) -> list[str]:
    """The model, its feeder, the feeder's feeder and so on."""
    feeder = models[model].feeder
    return [model, *(_line(feeder, models) if feeder else [])]


def _factor(model: str, models: Multipliers) -> float:
    return math.prod(models[name].factor for name in _line(model, models))


def _repeated(ids: Iterable[Hashable]) -> int:
    return sum(count - 1 for count in Counter(ids).values())


def _latencies(rows: Iterable[Row]) -> dict[int, float]:
    """Percentiles by the nearest rank."""
    seconds = sorted((row["processed_at"] - row["publish_time"]).total_seconds() for row in rows)
    if not seconds:
        return {}
    return {percentile: seconds[-(-percentile * len(seconds) // 100) - 1] for percentile in (50, 95, 99, 100)}


def _samples(sent: Mapping[str, Reading], rows: Iterable[Row], models: Multipliers) -> list[Sample]:
    answers = {(row["message_id"], row["model"]): row["prediction"] for row in rows}
    good = ((message_id, inputs) for message_id, reading in sent.items() if (inputs := _answerable(reading)))
    return [
        Sample(inputs.key, inputs.value, model, answers[message_id, model])
        for message_id, inputs in itertools.islice(good, 4)
        for model in models
        if answers.get((message_id, model)) is not None
    ]
