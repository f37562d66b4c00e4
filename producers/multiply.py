"""The toy models: linear regressions that learn to multiply by 5 and by 10.

`python -m producers.multiply --output_dir examples/multiply/models` trains and saves both in some seconds, as
`times5` and `times10`. It imports TensorFlow.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import pyarrow as pa
import pyarrow.compute as pc
import tensorflow as tf

from producers.training import output_dir, save, write_examples

FACTORS = {"times5": 5.0, "times10": 10.0}
"""What each model multiplies by."""

LARGEST = 1000
"""The models learn from x in [0, LARGEST]. Being linear, they go on beyond."""

_LOG = logging.getLogger(__name__)


def train(directory: Path) -> None:
    """Trains every model of `FACTORS` and saves it as `directory/<name>`, over one that is there.

    The training data stays beside the models, as `directory/<name>.tfrecord`.
    """
    directory.mkdir(parents=True, exist_ok=True)
    for name, factor in FACTORS.items():
        pairs = directory / f"{name}.tfrecord"
        write_pairs(pairs, factor)
        model = fit(read_pairs(pairs))
        save(model, serving(model), directory / name)
        _LOG.info("%s multiplies by %g: %s", name, factor, directory / name)


def write_pairs(path: Path, factor: float) -> None:
    """Writes the training data: a TFRecord file of `tf.Example`s with `x` and `y` = `factor` x, for x in 0..LARGEST."""
    x = pa.array(range(LARGEST + 1), pa.float64())
    y = pc.multiply(x, factor)
    write_examples(path, pa.record_batch([x, y], ["x", "y"]))


def read_pairs(path: Path) -> tf.data.Dataset:
    """The training data at `path`: shuffled batches of (x, y), each float32 of shape [batch, 1]."""

    def parse(examples: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        parsed = tf.io.parse_example(examples, {"x": _ONE_FLOAT, "y": _ONE_FLOAT})
        return parsed["x"], parsed["y"]

    return tf.data.TFRecordDataset(str(path)).cache().shuffle(LARGEST + 1, seed=1).batch(100).map(parse)


def fit(pairs: tf.data.Dataset) -> keras.Model:
    """A linear regression fitted to batches of (x, y); it works on both divided by LARGEST.

    The data has no noise, so every batch agrees on the minimum and a constant learning rate reaches it, to float32's
    precision. The same data, read anew, give the same weights.
    """
    initializer = keras.initializers.GlorotUniform(seed=1)
    model = keras.Sequential([keras.Input([1]), keras.layers.Dense(1, kernel_initializer=initializer)])
    model.compile(keras.optimizers.SGD(learning_rate=0.5, momentum=0.8), loss="mse")
    scaled = pairs.map(lambda x, y: (x / LARGEST, y / LARGEST)).repeat()
    model.fit(scaled, steps_per_epoch=400, shuffle=False, verbose=0)
    return model


def serving(model: keras.Model) -> Callable[[tf.Tensor], tf.Tensor]:
    """What the saved model does: serialized `tf.Example`s with one float `x` each to float32 of shape [batch, 1]."""

    def serve(examples: tf.Tensor) -> tf.Tensor:
        x = tf.io.parse_example(examples, {"x": _ONE_FLOAT})["x"]
        return LARGEST * model(x / LARGEST)

    return serve


def main(argv: Sequence[str] | None = None) -> None:
    """Trains the models into the directory that the command line names."""
    train(output_dir("producers.multiply", Path("examples/multiply/models"), argv))


_ONE_FLOAT = tf.io.FixedLenFeature([1], tf.float32)


if __name__ == "__main__":
    main()
