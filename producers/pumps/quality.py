"""How good the pumps' models are on the history of a plant that they have not learnt from, beside simpler guesses."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from producers.pumps.inputs import LABELS, READING
from producers.pumps.lessons import LONGEST, MODES, SOON
from producers.pumps.train import HELD_OUT, TRAIN, read_examples
from producers.scoring.quality import quantity_figures, risk_figures

Values = npt.NDArray[Any]
Columns = Mapping[str, Values]
Figures = Mapping[str, float]

_ALARM = 0.5
_SENSORS_ALONE = ("vibration_mm_s", "operating_hours")
_SPANS = ((0.0, SOON), (SOON, 72.0), (72.0, LONGEST), (LONGEST, math.inf))
"""Of the hours that a pump really has left."""


def report(directory: Path) -> str:
    """The figures of the models that `train` has saved in `directory`, as text: a table for each model."""
    learnt = _columns(read_examples(directory / TRAIN))
    examples = read_examples(directory / HELD_OUT)
    held_out = _columns(examples)
    risk = answers(directory / "failure_risk", examples)["probability"]
    hours = answers(directory / "remaining_life", examples)["hours"]
    asked = risk > _ALARM
    modes = answers(directory / "failure_mode", examples[asked])["mode"].astype(str)
    tables = (
        _risk_table(learnt, held_out, risk),
        _life_table(learnt, held_out, hours),
        _mode_table(learnt["mode"], held_out["mode"][asked], modes),
    )
    return "\n\n".join("\n".join(table) for table in tables)


def answers(model: Path, examples: tf.Tensor) -> Columns:
    """What a saved model answers to serialized `tf.Example`s of shape [n]: its outputs, of shape [n] each."""
    signature = tf.saved_model.load(str(model)).signatures["serving_default"]
    return {name: output.numpy() for name, output in signature(examples=examples).items()}


def by_one_sensor(learnt: Values, target: Values, sensor: Values) -> Values:
    """The best that is to be said from one sensor alone: the mean of what was learnt where it showed as much.

    Args:
        learnt: what the sensor showed in the history, of shape [m]; it is cut into fiftieths.
        target: what is to be said of each of these readings, of shape [m].
        sensor: what it shows now, of shape [n].

    Returns:
        Of shape [n].
    """
    edges = np.unique(np.quantile(learnt, np.linspace(0, 1, 51)[:-1], method="lower"))[1:]  # so no part is empty
    parts = np.digitize(learnt, edges)
    means: Values = np.bincount(parts, target) / np.bincount(parts)
    return means[np.digitize(sensor, edges)]


def _columns(examples: tf.Tensor) -> Columns:
    parsed = tf.io.parse_example(examples, {**READING, **LABELS})
    columns = {name: column.numpy() for name, column in parsed.items()}
    return {**columns, "mode": columns["mode"].astype(str)}


def _risk_table(learnt: Columns, held_out: Columns, risk: Values) -> list[str]:
    def target(columns: Columns) -> Values:
        return (columns["hours_to_failure"] < SOON).astype(np.float64)

    true = target(held_out)
    fails = true == 1
    said = {"model": risk, **_guesses(learnt, target(learnt), held_out)}
    title = f"failure_risk: fails within {SOON:g} h, {len(true)} readings"
    recall = _by_mode(held_out["mode"][fails], risk[fails] > _ALARM)
    return [*_table(title, {name: risk_figures(each, true) for name, each in said.items()}), recall]


def _life_table(learnt: Columns, held_out: Columns, hours: Values) -> list[str]:
    true, target = (np.minimum(columns["hours_to_failure"], LONGEST) for columns in (held_out, learnt))
    said = {"model": hours, **_guesses(learnt, target, held_out)}
    title = f"remaining_life: hours, at most {LONGEST:g}, {len(true)} readings"
    rows = _table(title, {name: quantity_figures(each, true) for name, each in said.items()})
    return [*rows, _by_span(held_out["hours_to_failure"], hours - true)]


def _guesses(learnt: Columns, target: Values, held_out: Columns) -> Columns:
    """What is said without the model: from one sensor, or from none."""
    alone = {f"{name} alone": by_one_sensor(learnt[name], target, held_out[name]) for name in _SENSORS_ALONE}
    return {**alone, "always the mean": np.full(len(held_out["mode"]), target.mean())}


def _mode_table(learnt: Values, true: Values, modes: Values) -> list[str]:
    commonest = max(MODES, key=lambda mode: int((learnt == mode).sum()))
    said = {"model": modes, f"always {commonest}": np.full(len(true), commonest)}
    title = f"failure_mode: where the risk is above {_ALARM:g}, {len(true)} readings"
    rows = _table(title, {name: {"accuracy": float((each == true).mean())} for name, each in said.items()})
    return [*rows, _by_mode(true, modes == true)]


def _by_mode(true: Values, found: Values) -> str:
    return "model's recall by mode: " + ", ".join(f"{mode} {_mean(found[true == mode]):.3f}" for mode in MODES)


def _by_span(true: Values, errors: Values) -> str:
    def cell(low: float, high: float) -> str:
        inside = errors[(true >= low) & (true < high)]
        return f"{low:g} to {high:g} h {_mean(np.abs(inside)):.1f} (bias {_mean(inside):+.1f})"

    return "model's mean absolute error at " + ", ".join(cell(*span) for span in _SPANS)


def _mean(values: Values) -> float:
    return float(values.mean()) if len(values) else math.nan


def _table(title: str, rows: Mapping[str, Figures]) -> list[str]:
    """A head with the figures' names, and a row for each of those that have them."""
    names = list(next(iter(rows.values())))
    return [_row(title, names), *(_row(said, [f"{each[name]:.3f}" for name in names]) for said, each in rows.items())]


def _row(first: str, cells: Iterable[str]) -> str:
    return f"{first:<54}" + "".join(f"{cell:>24}" for cell in cells)
