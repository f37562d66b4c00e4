"""What each of the pumps' models learns from a history, and what it answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

from producers.pumps.inputs import LABELS, READING, TYPED_READING, Parsed, numbers, typed_numbers

SOON = 24.0
"""`failure_risk` is the probability of a failure within so many hours."""

LONGEST = 150.0
"""`remaining_life` says no more hours than these: further ahead nothing is to be seen."""

WORN = 48.0
"""`failure_mode` learns from readings so many hours before a failure; of earlier ones it is never asked."""

MODES = ("bearing_wear", "seal_leak", "cavitation")


@dataclass(frozen=True)
class Lesson:
    """A model: what it takes, learns and answers.

    Attributes:
        features: that it parses out of a `tf.Example`.
        inputs: of its net, of shape [batch, k], from what is parsed.
        target: what the net learns, of shape [batch], from what is parsed with `LABELS`.
        within: it learns from readings so many hours before a failure.
        units: of the net's last layer.
        activation: of that.
        loss: as Keras calls it.
        answer: the signature's outputs, of shape [batch] each, from the net's, of shape [batch, units].
    """

    features: Mapping[str, Any]
    inputs: Callable[[Parsed], tf.Tensor]
    target: Callable[[Parsed], tf.Tensor]
    answer: Callable[[tf.Tensor], Mapping[str, tf.Tensor]]
    loss: str
    units: int = 1
    activation: str = "sigmoid"
    within: float = float("inf")

    def serving(self, net: keras.Model) -> Callable[[tf.Tensor], Mapping[str, tf.Tensor]]:
        """The signature: serialized `tf.Example`s of shape [batch] to the answer of `net`."""

        def serve(examples: tf.Tensor) -> Mapping[str, tf.Tensor]:
            return self.answer(net(self.inputs(tf.io.parse_example(examples, self.features))))

        return serve

    def parse(self, examples: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """The net's inputs and its target, of the examples that it learns from."""
        parsed = tf.io.parse_example(examples, {**self.features, **LABELS})
        rows = parsed["hours_to_failure"] < self.within
        return self.inputs(parsed)[rows], self.target(parsed)[rows]


def _fails_soon(parsed: Parsed) -> tf.Tensor:
    return tf.cast(parsed["hours_to_failure"] < SOON, tf.float32)


def _hours_left(parsed: Parsed) -> tf.Tensor:
    return tf.minimum(parsed["hours_to_failure"], LONGEST) / LONGEST


def _mode(parsed: Parsed) -> tf.Tensor:
    return tf.argmax(tf.equal(parsed["mode"][:, tf.newaxis], tf.constant(MODES)), axis=1)


def _probability(net: tf.Tensor) -> Mapping[str, tf.Tensor]:
    return {"probability": net[:, 0]}


def _hours(net: tf.Tensor) -> Mapping[str, tf.Tensor]:
    return {"hours": LONGEST * net[:, 0]}


def _likeliest(net: tf.Tensor) -> Mapping[str, tf.Tensor]:
    mode = tf.gather(tf.constant(MODES), tf.argmax(net, axis=1))
    return {"mode": mode, "probability": tf.reduce_max(net, axis=1)}


LESSONS = {
    "failure_risk": Lesson(TYPED_READING, typed_numbers, _fails_soon, _probability, "binary_crossentropy"),
    "remaining_life": Lesson(READING, numbers, _hours_left, _hours, "mse"),
    "failure_mode": Lesson(
        READING, numbers, _mode, _likeliest, "sparse_categorical_crossentropy", len(MODES), "softmax", WORN
    ),
}
"""The models by name. Only `failure_risk` takes the pump's type, so only it raises for one that it has not learnt."""
