"""What the examples' trainings share."""

from pathlib import Path

import pyarrow as pa
import pytest
import tensorflow as tf

from producers.training import output_dir, write_examples


def test_a_row_is_an_example_and_a_null_a_missing_feature(tmp_path: Path) -> None:
    rows = pa.record_batch({"x": [1.5, None], "kind": ["a", "b"], "count": [1, 2]})
    write_examples(tmp_path / "rows.tfrecord", rows)
    records = tf.data.TFRecordDataset(str(tmp_path / "rows.tfrecord")).as_numpy_iterator()
    first, second = (tf.train.Example.FromString(record).features.feature for record in records)
    assert set(first) == set(second) == {"x", "kind", "count"}
    assert second["x"].WhichOneof("kind") is None
    assert list(first["x"].float_list.value) == [1.5]
    assert list(second["kind"].bytes_list.value) == [b"b"]
    assert list(second["count"].int64_list.value) == [2]


@pytest.mark.parametrize(("argv", "expected"), [([], "usual"), (["--output_dir", "other"], "other")])
def test_the_command_line_names_the_directory(argv: list[str], expected: str) -> None:
    assert output_dir("producers.multiply", Path("usual"), argv) == Path(expected)
