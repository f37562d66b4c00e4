"""The reader of stored data: its graph, its pieces and its coder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import apache_beam as beam
import pyarrow as pa
import pytest
from apache_beam.testing.util import assert_that, equal_to

from streaming import metrics
from streaming.schema import parse_schema
from streaming.stored.inputs import Found, find
from streaming.stored.records import Records
from streaming.stored.source import BATCH_BYTES, ReadParts, ReadStored, RecordsCoder, pieces
from tests.stored_cases import READING, avro_file, datums, parquet_file, part, readings, tfrecords

ROWS = pa.RecordBatch.from_pydict({"payload": pa.array([bytes([n]) * 100 for n in range(25)], pa.large_binary())})
SCHEMA = parse_schema(json.dumps(READING), "reading.avsc")
RECORDS = Records("a.ndjson", 11, 5, ROWS, "why")


def sizes(records: Records, rows: int, size: int) -> list[tuple[int, int, str | None]]:
    return [(each.first, len(each), each.broken) for each in pieces(records, rows, size)]


def test_pieces_are_as_equal_as_can_be_and_the_last_says_what_is_broken() -> None:
    assert sizes(RECORDS, 10, BATCH_BYTES) == [(11, 9, None), (20, 9, None), (29, 7, "why")]
    assert sizes(RECORDS, 25, BATCH_BYTES) == [(11, 25, "why")]


def test_pieces_have_no_more_bytes_than_they_may() -> None:
    assert all(each.rows.nbytes <= 1100 for each in pieces(RECORDS, 1000, 1100))
    assert pa.Table.from_batches([each.rows for each in pieces(RECORDS, 1000, 1100)]).equals(pa.table(ROWS))


def test_as_many_large_records_go_together_as_may() -> None:
    rows = pa.RecordBatch.from_pydict({"payload": [b"x" * 1000] * 100})
    assert {len(each) for each in pieces(Records("a", 1, 0, rows), 1000, 8_000)} == {7, 2}


def test_a_record_that_is_too_large_goes_alone() -> None:
    rows = pa.RecordBatch.from_pydict({"payload": pa.array([b"a", b"b" * 5000, b"c"], pa.large_binary())})
    assert sizes(Records("a", 1, 0, rows), 1000, 1000) == [(1, 1, None), (2, 1, None), (3, 1, None)]


def test_no_records_but_a_reason() -> None:
    assert sizes(RECORDS.slice(25, 0), 10, BATCH_BYTES) == [(36, 0, "why")]


@pytest.mark.parametrize("records", [RECORDS, RECORDS.slice(3, 4), RECORDS.slice(25, 0)])
def test_the_coder_gives_back_what_it_took(records: Records) -> None:
    coder = RecordsCoder()
    again = coder.decode(coder.encode(records))
    assert again == records
    assert len(coder.encode(records)) < records.rows.nbytes + 1000
    assert coder.estimate_size(records) == records.rows.nbytes
    assert (coder.is_deterministic(), coder.to_type_hint()) == (False, Records)


def leaves(read: beam.PTransform) -> set[str]:
    pipeline = beam.Pipeline()
    _ = pipeline | "Read" >> read
    components = pipeline.to_runner_api().components
    return {each.unique_name for each in components.transforms.values() if not each.subtransforms}


def test_the_graph() -> None:
    found = Found("payloads", (), None, "input_table", "p:d.t")
    names = {name.split("/")[1] for name in leaves(ReadStored(found, 10))}
    assert names == {"Parts", "Spread", "Records"}
    assert ReadStored(found, 10).display_data() == {"input_table": "p:d.t"}


def flat(records: Records) -> list[tuple[int, Any]]:
    """Numbers and rows, and the number and the reason of what cannot be read."""
    rows = [(records.first + index, tuple(row.values())) for index, row in enumerate(records.rows.to_pylist())]
    return [*rows, (records.first + len(records), records.broken)] if records.broken else rows


PAYLOADS = datums(readings(25))
LINES = [json.dumps(reading).encode() for reading in readings(25)]
TABLE = pa.Table.from_pylist(readings(25))


@pytest.mark.parametrize(
    ("name", "content", "values"),
    [
        ("a.avro", avro_file(readings(25)), [(payload,) for payload in PAYLOADS]),
        ("a.ndjson", b"\n".join(LINES), [(line,) for line in LINES]),
        ("a.parquet", parquet_file(TABLE, 12), [tuple(row.values()) for row in TABLE.to_pylist()]),
        ("a.tfrecord", tfrecords(PAYLOADS), [(payload,) for payload in PAYLOADS]),
    ],
)
def test_every_format_is_read_in_pieces(tmp_path: Path, name: str, content: bytes, values: list[Any]) -> None:
    (tmp_path / name).write_bytes(content)
    found = find(f"{tmp_path}/{name}", None)
    reader = ReadParts(found.columns, 10, BATCH_BYTES, SCHEMA)
    records = [each for part in found.parts for each in reader.process(part)]
    assert [row for each in records for row in flat(each)] == list(enumerate(values, 1))
    assert max(map(len, records)) <= 10
    assert metrics.ready()


@pytest.mark.usefixtures("bucket")
@pytest.mark.parametrize("directory", ["{}", "gs://bucket"])
@pytest.mark.parametrize(
    ("name", "kind", "first", "columns"),
    [
        ("a.avro", "avro", 0, ["payload"]),
        ("a.ndjson", "ndjson", 0, ["payload"]),
        ("a.tfrecord", "tfrecord", 0, ["example"]),
        ("a.parquet", "parquet", 13, ["key"]),
    ],
)
def test_a_file_that_is_gone_since_the_launch_has_one_dead_letter(
    tmp_path: Path, directory: str, name: str, kind: Any, first: int, columns: list[str]
) -> None:
    gone = part(f"{directory.format(tmp_path)}/{name}", kind, first, "1")
    (records,) = ReadParts(pa.schema([("key", pa.string())]) if kind == "parquet" else None, 10, 1000, None).process(
        gone
    )
    assert (records.origin, records.first, records.rows.schema.names) == (gone.origin, max(1, first), columns)
    assert (len(records), records.broken, records.goes_on) == (0, "the file is no longer there", False)


def test_a_pipeline_goes_on_with_other_files_where_one_breaks_off(tmp_path: Path) -> None:
    (tmp_path / "a.tfrecord").write_bytes(tfrecords([b"1", b"2"])[:-1])
    (tmp_path / "b.tfrecord").write_bytes(tfrecords([b"3"]))
    why = "the file ends within the record"
    with beam.Pipeline(runner="FnApiRunner") as pipeline:
        records = pipeline | "Read" >> ReadStored(find(f"{tmp_path}/*.tfrecord", None), 10)
        assert_that(records | beam.FlatMap(flat), equal_to([(1, (b"1",)), (2, why), (1, (b"3",))]))


def test_an_empty_input(tmp_path: Path) -> None:
    (tmp_path / "a.ndjson").write_bytes(b"")
    with beam.Pipeline(runner="FnApiRunner") as pipeline:
        assert_that(pipeline | "Read" >> ReadStored(find(f"{tmp_path}/*", None), 10), equal_to([]))
