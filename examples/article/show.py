"""Shows predictions, a line each: `show.py DIRECTORY` what is in files, `show.py PROJECT.DATASET.TABLE` in a table."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path


def main(where: str) -> None:
    """Print them in the order of model and input."""
    lines = _of_files(Path(where)) if Path(where).is_dir() else _of_table(where)
    sys.stdout.writelines(f"{line}\n" for line in sorted(lines))


def _of_files(directory: Path) -> Iterator[str]:
    if (directory / "predictions").is_dir():
        import pyarrow.parquet as pq

        yield from map(_row, pq.read_table(directory / "predictions").to_pylist())
    for file in directory.glob("prediction_logs/*/*.tfrecord"):
        yield from _logs(file)


def _of_table(table: str) -> Iterator[str]:
    from streaming.endpoints import bigquery_client

    rows = bigquery_client(table.split(".", maxsplit=1)[0]).query(f"SELECT * FROM `{table}`").result()  # noqa: S608 - it is the user's
    yield from map(_row, map(dict, rows))


def _row(row: dict[str, object]) -> str:
    asked = f" {row['input']:6.0f}" if "input" in row else ""
    return f"{row['model']:8} {row['key']}{asked} {row['prediction']:6.0f}"


def _logs(file: Path) -> Iterator[str]:
    """What a model was asked, and what it answered."""
    import tensorflow as tf
    from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

    for record in tf.data.TFRecordDataset(str(file)).as_numpy_iterator():
        log = PredictionLog.FromString(record).predict_log
        example = tf.train.Example.FromString(log.request.inputs["examples"].string_val[0])
        (x,) = example.features.feature["x"].float_list.value
        (answer,) = log.response.outputs["output_0"].float_val
        yield f"{file.parent.name:8} {x:6.0f} {answer:6.0f}"


if __name__ == "__main__":
    main(*sys.argv[1:])
