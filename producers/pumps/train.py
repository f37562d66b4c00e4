"""Trains the pumps' models on the history of one plant, and draws another for holding them against."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import keras
import tensorflow as tf

from producers.pumps.history import Plant, history
from producers.pumps.lessons import LESSONS, Lesson
from producers.scenario import load_scenario
from producers.training import save, write_examples

SCENARIO = Path(__file__).parents[2] / "examples" / "pumps" / "scenario.yaml"
TRAIN, HELD_OUT = "train.tfrecord", "held_out.tfrecord"


@dataclass(frozen=True)
class Plan:
    """How much is learnt from, and for how long.

    Attributes:
        learnt: the plant whose history the models learn from.
        held_out: another plant, which they never see.
        epochs: how often they go through the history.
    """

    learnt: Plant
    held_out: Plant
    epochs: int


WHOLE = Plan(
    learnt=Plant(seed=101, pumps=200, hours=1500, every=2.5),
    held_out=Plant(seed=202, pumps=100, hours=1500, every=2.5),
    epochs=12,
)
"""Learns in less than a minute."""


def train(directory: Path, plan: Plan) -> None:
    """Trains every model of `LESSONS` and saves it as `directory/<name>`, over one that is there.

    The histories stay beside the models, as `TRAIN` and `HELD_OUT`: TFRecord files of a `tf.Example` for each reading,
    with `hours_to_failure`, `wear` and `mode` beside what the sensors show.
    """
    directory.mkdir(parents=True, exist_ok=True)
    scenario = load_scenario(str(SCENARIO))
    write_examples(directory / TRAIN, history(scenario, plan.learnt))
    write_examples(directory / HELD_OUT, history(scenario, plan.held_out))
    examples = read_examples(directory / TRAIN)
    for name, lesson in LESSONS.items():
        net = fit(lesson, examples, plan.epochs)
        save(net, lesson.serving(net), directory / name)


def read_examples(path: Path) -> tf.Tensor:
    """All serialized `tf.Example`s of a TFRecord file: strings of shape [n]."""
    return tf.constant(list(tf.data.TFRecordDataset(str(path)).as_numpy_iterator()))


def fit(lesson: Lesson, examples: tf.Tensor, epochs: int) -> keras.Model:
    """A small dense net that has learnt `lesson`; it normalises its inputs itself.

    The same examples give the same weights, to float32's precision.
    """
    keras.utils.set_random_seed(1)
    inputs, target = lesson.parse(examples)
    normalize = keras.layers.Normalization()
    normalize.adapt(inputs)
    hidden = [keras.layers.Dense(units, activation="relu") for units in (32, 16)]
    last = keras.layers.Dense(lesson.units, activation=lesson.activation)
    net = keras.Sequential([keras.Input([inputs.shape[1]]), normalize, *hidden, last])
    steps = epochs * -(-len(target) // _BATCH)
    rate = keras.optimizers.schedules.CosineDecay(0.005, steps)
    net.compile(keras.optimizers.Adam(rate), loss=lesson.loss, steps_per_execution=50, jit_compile=False)
    net.fit(inputs, target, batch_size=_BATCH, epochs=epochs, verbose=0)
    return net


_BATCH = 512
