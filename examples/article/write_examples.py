"""Writes questions as `tf.Example`s with features `key` and `x`: `write_examples.py QUESTIONS.ndjson TFRECORDS`."""

from __future__ import annotations

import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.json

from producers.training import write_examples


def main(questions: str, tfrecords: str) -> None:
    """Write a TFRecord file of what the lines say."""
    table = pyarrow.json.read_json(questions).combine_chunks()
    columns = {"key": table["key"], "x": table["value"].cast(pa.float64())}
    write_examples(Path(tfrecords), pa.Table.from_pydict(columns).to_batches()[0])


if __name__ == "__main__":
    main(*sys.argv[1:])
