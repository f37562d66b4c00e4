"""Predictions beside the fleet's real state: the models' quality, and a few devices' course for plots."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from producers.scenario import QualityCheck
from producers.scoring.arrays import micros
from producers.scoring.expected import Expected
from producers.scoring.places import Place
from producers.scoring.quality import described, meant, quality
from producers.scoring.scores import OFFLINE, Quality, Trace
from producers.truth import Truth
from streaming.batches import TIMESTAMP
from streaming.wiring import Contract, ModelPlan

DEVICES = 4
"""Devices that are shown."""

POINTS = 1000
"""Most points of a trace; of a longer one, as many at equal distances."""


@dataclass(frozen=True)
class _Course:
    """One kind of prediction beside the truth, for all messages: arrays of shape [n], NaN where there is nothing."""

    model: str
    column: str
    state: str
    predicted: np.ndarray
    true: np.ndarray


def qualities(truth: Truth, place: Place, contract: Contract) -> Sequence[Quality]:
    """The figures of each check that the scenario asks for and this job's models can be held to."""
    first = place.first_rows()
    return [
        quality(check, _predicted(place, first, contract, check.model, check.column), _state(truth, check.state))
        for check in _checks(truth, contract)
    ]


def traces(truth: Truth, place: Place, contract: Contract, expected: Expected, answers: pa.Table) -> Sequence[Trace]:
    """The course of a few devices: those whose state varies the most, or else whose predictions do."""
    courses = list(_courses(truth, place, contract, expected, answers))
    if not courses:
        return []
    keys = expected.messages["key"].combine_chunks().dictionary_encode()
    codes = np.asarray(keys.indices.fill_null(-1))
    times = micros(expected.messages["event_time"])
    names = keys.dictionary.to_pylist()
    return [
        _trace(course, names[code], codes == code, times)
        for code in _liveliest(_varying(truth, courses[0]), codes, len(names))
        for course in courses
    ]


def _checks(truth: Truth, contract: Contract) -> Iterator[QualityCheck]:
    numeric = {(plan.name, column.name) for plan in contract.models for column in _numeric(plan)}
    if "state" in truth.messages.column_names:
        yield from (check for check in truth.run.quality if (check.model, check.column) in numeric)


def unknown_checks(truth: Truth, contract: Contract) -> Iterator[str]:
    """The checks that the scenario asks for and that this job's models cannot be held to, and why."""
    columns = {plan.name: {column.name for column in _numeric(plan)} for plan in contract.models}
    for check in truth.run.quality:
        if check.model not in columns:
            yield f"{check.model}.{check.column} (the job has no such model)"
        elif check.column not in columns[check.model]:
            yield f"{check.model}.{check.column} (the model has no such output, or it is not a number)"


def _courses(
    truth: Truth, place: Place, contract: Contract, expected: Expected, answers: pa.Table
) -> Iterator[_Course]:
    first, checks = place.first_rows(), list(_checks(truth, contract))
    for check in checks:
        predicted = _predicted(place, first, contract, check.model, check.column)
        true = _state(truth, check.state)
        yield _Course(
            check.model, check.column, described(check), predicted, np.where(np.isnan(true), np.nan, meant(check, true))
        )
    for number, plan in enumerate(contract.models):
        column = next(_numeric(plan), None)
        if checks or column is None:
            continue
        predicted = _predicted(place, first, contract, plan.name, column.name)
        yield _Course(
            plan.name, column.name, OFFLINE, predicted, _floats(answers[column.name], expected.answers[:, number])
        )


def _numeric(plan: ModelPlan) -> Iterator[pa.Field]:
    return (field for field in plan.fields if pa.types.is_floating(field.type) or pa.types.is_integer(field.type))


def _predicted(place: Place, first: np.ndarray, contract: Contract, model: str, column: str) -> np.ndarray:
    number = [plan.name for plan in contract.models].index(model)
    return _floats(place.rows[column], first[:, number])


def _state(truth: Truth, name: str) -> np.ndarray:
    states = pc.struct_field(truth.messages["state"], [name])
    return np.asarray(states.cast(pa.float64()).fill_null(np.nan))


def _floats(column: pa.ChunkedArray, rows: np.ndarray) -> np.ndarray:
    values = np.append(np.asarray(column.cast(pa.float64()).fill_null(np.nan)), np.nan)
    return values[rows]  # the last one for -1


def _varying(truth: Truth, course: _Course) -> np.ndarray:
    """What varies where there is a prediction: the state as it is, uncut, or the prediction."""
    for check in truth.run.quality:
        if course.state == described(check):
            return np.where(np.isnan(course.predicted), np.nan, _state(truth, check.state))
    return course.predicted


def _liveliest(values: np.ndarray, codes: np.ndarray, devices: int) -> Sequence[int]:
    """The devices whose values have the widest range, the widest first; a few stragglers do not make a range wide."""
    known = np.flatnonzero((codes >= 0) & ~np.isnan(values))
    ranked = known[np.lexsort((values[known], codes[known]))]  # by device, then by value
    starts, ends = (np.searchsorted(codes[ranked], range(devices), side) for side in ("left", "right"))
    seen = np.flatnonzero(ends > starts)
    stragglers = ((ends - starts)[seen] * _STRAGGLERS).astype(np.int64)
    low, high = values[ranked[starts[seen] + stragglers]], values[ranked[ends[seen] - 1 - stragglers]]
    return seen[np.argsort(low - high, kind="stable")][:DEVICES].tolist()


_STRAGGLERS = 0.05
"""The share of a device's values, at each end, that its range leaves out."""


def _trace(course: _Course, key: str, of_device: np.ndarray, times: np.ndarray) -> Trace:
    there = np.flatnonzero(of_device & ~np.isnan(course.predicted) & ~np.isnan(course.true))
    there = there[np.argsort(times[there], kind="stable")]
    if len(there) > POINTS:
        there = there[np.linspace(0, len(there) - 1, POINTS).astype(np.int64)]
    return Trace(
        key,
        course.model,
        course.column,
        course.state,
        times=pa.array(times[there], TIMESTAMP).to_pylist(),
        predicted=course.predicted[there].tolist(),
        true=course.true[there].tolist(),
    )
