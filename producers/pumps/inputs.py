"""What the pumps' models see of a reading: tensors made of serialized `tf.Example`s, in TensorFlow's graph."""

from __future__ import annotations

import math
from collections.abc import Mapping

import tensorflow as tf

PUMP_TYPES = ("PX-100", "PX-200", "PX-400")
"""The types of which there is a history. A model that is asked of another raises."""

AMBIENT = "ambient_temperature_c"
SENSORS = (
    "operating_hours",
    "flow_m3_h",
    "suction_pressure_bar",
    "discharge_pressure_bar",
    "vibration_mm_s",
    "bearing_temperature_c",
    "motor_current_a",
    AMBIENT,
)
USUAL_AMBIENT = 20.0
"""Stands for an ambient temperature that is missing, in °C."""

Parsed = Mapping[str, tf.Tensor]

_NUMBER = tf.io.FixedLenFeature([], tf.float32)
_MAYBE_NUMBER = tf.io.FixedLenFeature([], tf.float32, default_value=math.nan)
_TEXT = tf.io.FixedLenFeature([], tf.string)
READING = {**dict.fromkeys(SENSORS, _NUMBER), AMBIENT: _MAYBE_NUMBER}
TYPED_READING = {**READING, "pump_type": _TEXT}
LABELS = {"hours_to_failure": _NUMBER, "mode": _TEXT}
"""What is parsed out of an example: the sensors; those and the pump's type; and what became of the pump."""


def numbers(parsed: Parsed) -> tf.Tensor:
    """The sensors, and 1 where the ambient temperature is missing, else 0: float32 of shape [batch, sensors + 1]."""
    missing = tf.math.is_nan(parsed[AMBIENT])
    ambient = tf.where(missing, USUAL_AMBIENT, parsed[AMBIENT])
    columns = [ambient if name == AMBIENT else parsed[name] for name in SENSORS]
    return tf.stack([*columns, tf.cast(missing, tf.float32)], axis=1)


def typed_numbers(parsed: Parsed) -> tf.Tensor:
    """As `numbers`, then 1 for the pump's type and 0 for the others; float32 of shape [batch, sensors + 1 + types].

    Raises:
        tf.errors.InvalidArgumentError: on running it, where there is a pump of a type that is not in `PUMP_TYPES`.
    """
    pump_type = parsed["pump_type"]
    matches = tf.equal(pump_type[:, tf.newaxis], tf.constant(PUMP_TYPES))
    known = tf.reduce_any(matches, axis=1)
    said = [f"pump_type is none of {', '.join(PUMP_TYPES)}:", tf.boolean_mask(pump_type, ~known)]
    with tf.control_dependencies([tf.debugging.Assert(tf.reduce_all(known), said)]):
        return tf.concat([numbers(parsed), tf.cast(matches, tf.float32)], axis=1)
