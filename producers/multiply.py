"""The toy models: linear regressions that learn to multiply by 5 and by 10.

`python -m producers.multiply --output_dir examples/multiply/models` trains and saves both in some seconds, as
`times5` and `times10`. It imports TensorFlow.
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

import keras
import tensorflow as tf

FACTORS = {"times5": 5.0, "times10": 10.0}
"""What each model multiplies by."""

LARGEST = 1000
"""The models learn from x in [0, LARGEST]. Being linear, they go on beyond."""

_LOG = logging.getLogger(__name__)


def train(output_dir: Path) -> None:
    """Trains every model of `FACTORS` and saves it as `output_dir/<name>`, over one that is there.

    The training data stays beside the models, as `output_dir/<name>.tfrecord`.
    """
    output_dir.mkdir(parents=True, exist_ok=True)
    for name, factor in FACTORS.items():
        pairs = output_dir / f"{name}.tfrecord"
        write_pairs(pairs, factor)
        save(fit(read_pairs(pairs)), output_dir / name)
        _LOG.info("%s multiplies by %g: %s", name, factor, output_dir / name)


def write_pairs(path: Path, factor: float) -> None:
    """Writes the training data: a TFRecord file of `tf.Example`s with `x` and `y` = `factor` x, for x in 0..LARGEST."""
    with tf.io.TFRecordWriter(str(path)) as writer:
        for x in range(LARGEST + 1):
            feature = {"x": _float_feature(x), "y": _float_feature(factor * x)}
            writer.write(tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString())


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


def save(model: keras.Model, directory: Path) -> None:
    """Saves what `fit` gave as a SavedModel.

    Its signature `serving_default` takes `examples`, serialized `tf.Example`s with one float `x` each, and gives
    `output_0`, float32 of shape [batch, 1].
    """

    def serve(examples: tf.Tensor) -> tf.Tensor:
        x = tf.io.parse_example(examples, {"x": _ONE_FLOAT})["x"]
        return LARGEST * model(x / LARGEST)

    archive = keras.export.ExportArchive()
    archive.track(model)
    archive.add_endpoint("serve", serve, input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    archive.write_out(str(directory), verbose=False)


def main(argv: list[str] | None = None) -> None:
    """Trains the models into the directory that the command line names."""
    parser = argparse.ArgumentParser("python -m producers.multiply", description="Trains and saves the toy models.")
    default = Path("examples/multiply/models")
    parser.add_argument("--output_dir", type=Path, default=default, help="default: %(default)s")
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    tf.get_logger().setLevel(logging.WARNING)  # it names every directory of assets, twice
    train(parser.parse_args(argv).output_dir)


_ONE_FLOAT = tf.io.FixedLenFeature([1], tf.float32)


def _float_feature(value: float) -> tf.train.Feature:
    return tf.train.Feature(float_list=tf.train.FloatList(value=[value]))


if __name__ == "__main__":
    main()
