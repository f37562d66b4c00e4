"""What a file holds, as its name tells."""

import pytest

from streaming.stored.file_formats import format_of


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.avro", "avro"),
        ("a.ndjson", "ndjson"),
        ("a.jsonl", "ndjson"),
        ("a.JSON", "ndjson"),
        ("a.json.gz", "ndjson"),
        ("a.parquet", "parquet"),
        ("a.tfrecord", "tfrecord"),
        ("a.tfrecords.gz", "tfrecord"),
        ("a.tfrecord-00000-of-00010", "tfrecord"),
        ("a.ndjson-000001-of-100000.gz", "ndjson"),
        ("a.avro-00000-of-00010", "avro"),
        ("data_tfrecord", "tfrecord"),
        ("data_tfrecord-00000-of-00001.gz", "tfrecord"),
        ("a.csv", None),
        ("a.avro.gz", None),
        ("a.parquet-00000-of-00010.gz", None),
        ("a.tfrecord.gz-00000-of-00010", None),
        ("a.tfrecord-0-of-1", None),
        ("tfrecord", None),
    ],
)
def test_a_name_tells_what_a_file_holds(name: str, expected: str | None) -> None:
    assert format_of(f"gs://bucket/day.avro/{name}") == expected
