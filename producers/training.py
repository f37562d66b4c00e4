"""What the examples' trainings share: `tf.Example`s in TFRecord files, SavedModels that take them, the command line.

It imports TensorFlow.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import keras
import pyarrow as pa
import tensorflow as tf

from streaming.features import encode
from streaming.wiring import FeatureColumn


def write_examples(path: Path, rows: pa.RecordBatch) -> None:
    """Writes a TFRecord file of a `tf.Example` for each row, as a job makes them: a column is a feature of its name."""
    features = [FeatureColumn(field.name, field.name, field.type) for field in rows.schema]
    with tf.io.TFRecordWriter(str(path)) as writer:
        for example in encode(rows, features).to_pylist():
            writer.write(example)


def save(
    model: keras.Model, serve: Callable[[tf.Tensor], tf.Tensor | Mapping[str, tf.Tensor]], directory: Path
) -> None:
    """Saves a SavedModel whose signature `serving_default` is `serve`, over one that is there.

    Args:
        model: whose variables `serve` uses.
        serve: takes `examples`, serialized `tf.Example`s of shape [batch]. A single tensor that it gives is the output
            `output_0`.
        directory: where to.
    """
    archive = keras.export.ExportArchive()
    archive.track(model)
    archive.add_endpoint("serve", serve, input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    archive.write_out(str(directory), verbose=False)


def output_dir(module: str, default: Path, argv: Sequence[str] | None) -> Path:
    """The directory that the command line of `python -m MODULE` names; what is logged goes to standard error."""
    parser = argparse.ArgumentParser(f"python -m {module}", description="Trains and saves the models of an example.")
    parser.add_argument("--output_dir", type=Path, default=default, help="default: %(default)s")
    directory: Path = parser.parse_args(argv).output_dir
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    tf.get_logger().setLevel(logging.WARNING)  # it names every directory of assets, twice
    return directory
