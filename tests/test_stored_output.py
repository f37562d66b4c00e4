"""Files of parts of the input, under names that a repetition has, too."""

from __future__ import annotations

import json
import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from streaming import deadletters
from streaming.batches import TIMESTAMP, Batch, Failure, failure_rows
from streaming.errors import PermanentError
from streaming.results import table_schema, to_predictions
from streaming.stored import parquet_output
from streaming.stored.error_files import ErrorFiles
from streaming.stored.output import PartWriter, first_id, stem
from streaming.stored.parquet_output import ParquetFiles, RowGroups
from tests.builders import PREDICTION, START, answered, plan, readings, windowed
from tests.cloud_storage_server import Bucket

MODELS = (plan("times5"), plan("times10"))
SCHEMA = table_schema([pa.field(PREDICTION.column, PREDICTION.type)])


def batch(*values: float, first: int = 0) -> Batch:
    """Readings that both models have answered; `first` is the number of the first message."""
    built = windowed(readings([0.0] * first + list(values)).slice(first, len(values)))
    built = built.with_column("read_at", pa.array([START] * len(values), TIMESTAMP))
    for model, factor in zip(MODELS, (5, 10), strict=True):
        built = answered(built, model, [{"prediction": factor * value} for value in values])
    return built


def writer(directory: Path, job_hash: str = "j1") -> PartWriter[pa.RecordBatch]:
    return ParquetFiles(str(directory), MODELS, job_hash).writer()


def write(directory: Path, *batches: Batch, job_hash: str = "j1") -> None:
    """One bundle."""
    writing = writer(directory, job_hash)
    for each in batches:
        writing.write(each)
    writing.close()


def parts(directory: Path, kind: str = "predictions") -> list[Path]:
    return sorted((directory / kind).iterdir()) if (directory / kind).exists() else []


def rows(*batches: Batch) -> list[dict[str, Any]]:
    return [row for each in batches for row in to_predictions(each, MODELS, "j1", SCHEMA).rows.to_pylist()]


def test_a_bundle_is_one_file_with_the_table_s_schema_and_rows(tmp_path: Path) -> None:
    first, second = batch(1.0, 2.0), batch(3.0, first=2)
    write(tmp_path, first, second)
    (part,) = parts(tmp_path)
    assert part.name.startswith("part-")
    assert part.suffix == ".parquet"
    read = pq.read_table(part)
    assert read.schema.equals(SCHEMA)
    assert read.to_pylist() == rows(first, second)


def test_nobody_sees_a_file_before_its_bundle_ends(tmp_path: Path) -> None:
    writing = writer(tmp_path)
    writing.write(batch(1.0))
    (hidden,) = parts(tmp_path)
    assert hidden.name.startswith(".")
    writing.close()
    assert [part.name[:5] for part in parts(tmp_path)] == ["part-"]


def test_a_bundle_that_comes_again_replaces_its_own_file_and_no_other(tmp_path: Path) -> None:
    write(tmp_path, batch(1.0), batch(2.0, first=1))
    write(tmp_path, batch(3.0, first=2))
    before = parts(tmp_path)
    write(tmp_path, batch(1.0), batch(4.0, first=3))
    assert parts(tmp_path) == before
    assert sorted(row["message_id"] for part in before for row in pq.read_table(part).to_pylist()) == [
        *["message-0"] * 2,
        *["message-2"] * 2,
        *["message-3"] * 2,
    ]


def stored(origin: str, *numbers: int) -> Batch:
    """Answered records of a file or table, of these numbers."""
    ids = pa.array([f"{origin}#{number}" for number in numbers])
    return batch(*map(float, numbers)).with_column("message_id", ids)


def contents(directory: Path) -> dict[str, list[str]]:
    """The message ids of each file, each once."""
    return {path.name: pq.read_table(path).column("message_id").unique().to_pylist() for path in parts(directory)}


def test_each_part_of_the_input_has_its_file_whatever_the_bundle(tmp_path: Path) -> None:
    batches = [stored("a", 1, 2), stored("a", 3), stored("a", 4, 5), stored("b", 1), stored("b", 2)]
    files = ParquetFiles(str(tmp_path), MODELS, "j1", frozenset({"a#1", "a#4"}))
    writing = files.writer()
    for each in batches:
        writing.write(each)
    writing.close()
    before = contents(tmp_path)
    assert sorted(before.values()) == [["a#1", "a#2", "a#3"], ["a#4", "a#5"], ["b#1", "b#2"]]
    for bundle in (batches[2:3], batches[3:], batches[2:3] + batches[:2]):
        for each in bundle:
            writing.write(each)
        writing.close()
    assert contents(tmp_path) == before


def test_a_file_whose_first_record_is_not_number_1_has_its_own_part_whatever_the_bundle(tmp_path: Path) -> None:
    first, second = stored("a", 1, 2), stored("b", 2, 3)
    write(tmp_path, second)
    write(tmp_path, second, first)
    write(tmp_path, first, second)
    assert sorted(contents(tmp_path).values()) == [["a#1", "a#2"], ["b#2", "b#3"]]


@pytest.mark.parametrize(
    ("ids", "origin"), [(("in/a.avro#1", "in/a.avro#7"), "in/a.avro"), (("p.d.t/1#1", "p.d.t/12#1"), "p.d.t")]
)
def test_all_parts_of_a_file_or_table_have_the_beginning_of_their_names_in_common(
    tmp_path: Path, ids: tuple[str, str], origin: str
) -> None:
    writing = ParquetFiles(str(tmp_path), MODELS, "j1", frozenset(ids)).writer()
    for message_id in (*ids, "in/b.avro#1"):
        name, _, number = message_id.rpartition("#")
        writing.write(stored(name, int(number)))
    writing.close()
    known = [path.name for path in parts(tmp_path) if path.name.startswith(f"{stem('j1', origin)}-")]
    assert (len(known), len(parts(tmp_path))) == (2, 3)


def test_of_an_unfinished_bundle_the_parts_that_are_through_stay(tmp_path: Path) -> None:
    writing = writer(tmp_path)
    for each in (stored("a", 1), stored("a", 2), stored("b", 1)):
        writing.write(each)
    writing.discard()
    assert list(contents(tmp_path).values()) == [["a#1", "a#2"]]


FAILED = Failure("infer:x", "Odd", "odd", "x")


def failing(batch: Batch) -> Batch:
    return batch.failing(pa.array([True] * len(batch)), [FAILED] * len(batch))


def write_errors(directory: str, *batches: Batch) -> None:
    """One bundle."""
    writing = ErrorFiles(directory, "job", "j1").writer()
    for each in batches:
        writing.write(each)
    writing.close()


def failed_ids(lines: bytes) -> list[str]:
    return [json.loads(line)["message_id"] for line in lines.splitlines()]


def test_dead_letters_have_a_file_for_each_part_named_after_its_first_record(tmp_path: Path) -> None:
    for first in (stored("a", 1), failing(stored("a", 1))):
        write_errors(str(tmp_path), first, failing(stored("a", 2)))
    (part,) = parts(tmp_path, "error_records")
    assert failed_ids(part.read_bytes()) == ["a#1", "a#2"]


def test_to_write_new_parts_takes_no_more_than_to_create_objects(bucket: Bucket) -> None:
    bucket.only_creates = True
    write_errors("gs://bucket/out", stored("a", 1), failing(stored("b", 1)), stored("c", 1))
    (lines,) = bucket.objects.values()
    assert failed_ids(lines) == ["b#1"]


def test_another_job_s_file_of_the_same_records_stays(tmp_path: Path) -> None:
    write(tmp_path, batch(1.0))
    write(tmp_path, batch(1.0), job_hash="j2")
    assert len(parts(tmp_path)) == 2


def test_the_name_does_not_depend_on_which_rows_are_answered(tmp_path: Path) -> None:
    whole = batch(1.0, 2.0)
    write(tmp_path, whole)
    before = parts(tmp_path)
    first_only = pa.array([True, False])
    for model in MODELS:
        whole = whole.without_answers(model.name, first_only)
    write(tmp_path, whole)
    assert parts(tmp_path) == before
    assert pq.read_table(before[0]).column("message_id").to_pylist() == ["message-1"] * 2


def test_what_a_failed_bundle_has_written_is_dropped(tmp_path: Path) -> None:
    writing = writer(tmp_path)
    writing.write(batch(1.0))
    writing.discard()
    assert parts(tmp_path) == []
    writing.write(batch(2.0, first=1))
    writing.close()
    (part,) = parts(tmp_path)
    assert pq.read_table(part).to_pylist() == rows(batch(2.0, first=1))


def test_a_bundle_without_predictions_writes_no_file(tmp_path: Path) -> None:
    write(tmp_path, batch())
    write(tmp_path)
    assert parts(tmp_path) == []


def test_batches_are_gathered_to_row_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_output, "GROUP_ROWS", 6)
    write(tmp_path, *(batch(1.0, 2.0, first=2 * number) for number in range(4)))
    (part,) = parts(tmp_path)
    metadata = pq.ParquetFile(part).metadata
    assert [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)] == [8, 8]


def test_large_rows_are_not_gathered_for_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_output, "GROUP_BYTES", 1)
    write(tmp_path, batch(1.0), batch(2.0, first=1))
    (part,) = parts(tmp_path)
    assert pq.ParquetFile(part).num_row_groups == 2


def test_dead_letters_are_lines_with_the_table_s_columns(tmp_path: Path) -> None:
    failures = failure_rows(
        readings([1.0, 2.0]).rows,
        [Failure("decode", "AvroError", "cut"), Failure("infer:x", "Odd", "né", "x", "trace")],
    )
    writing = ErrorFiles(str(tmp_path), "job", "j1").writer()
    writing.write(Batch(readings([]).rows, failures))
    writing.write(batch(3.0))
    writing.close()
    (part,) = parts(tmp_path, "error_records")
    assert part.suffix == ".ndjson"
    lines = [json.loads(line) for line in part.read_text().splitlines()]
    times = {datetime.fromisoformat(line.pop("timestamp")) for line in lines}
    expected, _ = deadletters.to_rows(failures, "job", datetime.now(UTC))
    for row in expected:
        del row["timestamp"]
    assert lines == expected
    assert {time.tzinfo for time in times} == {UTC}


def test_dead_letters_of_no_message_have_a_file_too(tmp_path: Path) -> None:
    event = Failure("generation", "GenerationRefusedError", "no variables", "times5")
    for _ in range(2):
        writing = ErrorFiles(str(tmp_path), "job", "j1").writer()
        writing.write(readings([]).with_events([event]))
        writing.close()
    assert len(parts(tmp_path, "error_records")) == 2


def test_the_first_id_is_that_of_the_first_record_even_if_it_was_rejected() -> None:
    wrong = Failure("decode", "AvroError", "cut")
    failed = failure_rows(stored("a", 12, 9).rows, [wrong] * 2)
    assert first_id(Batch(stored("a", 10, 11).rows, failed)) == "a#9"
    assert first_id(Batch(stored("a", 8, 10).rows, failed)) == "a#8"
    assert first_id(Batch(stored("a").rows, failed)) == "a#9"
    assert first_id(readings([]).with_events([wrong])) is None


def test_a_file_that_cannot_be_written_says_where_and_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "predictions").write_text("")
    with pytest.raises(PermanentError) as caught:
        writer(tmp_path).write(batch(1.0))
    assert str(caught.value) == (
        f"cannot write to {tmp_path}/predictions: File exists; it must be a directory that the job may write to and "
        "that has room; correct --output_files, or mend that"
    )


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="only Linux has it")  # noqa: PTH110
def test_a_full_disk_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def on_a_full_disk(path: Path, schema: pa.Schema) -> RowGroups:
        path.symlink_to("/dev/full")
        return RowGroups(path, schema)

    monkeypatch.setattr(parquet_output, "RowGroups", on_a_full_disk)
    with pytest.raises(PermanentError, match=f"cannot write to {tmp_path}/predictions: .*No space left on device"):
        write(tmp_path, *(batch(1.0, first=number) for number in range(3)))


@pytest.fixture
def bucket(bucket: Bucket, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Bucket:
    """The bucket, for which the files under way lie in `tmp_path`."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return bucket


def test_a_file_of_a_bucket_is_sent_whole_when_its_bundle_ends(bucket: Bucket, tmp_path: Path) -> None:
    writing = ParquetFiles("gs://bucket/out", MODELS, "j1").writer()
    writing.write(batch(1.0))
    assert bucket.objects == {}
    writing.close()
    (name,) = bucket.objects
    assert name.startswith("out/predictions/part-")
    assert pq.read_table(pa.BufferReader(bucket.objects[name])).to_pylist() == rows(batch(1.0))
    assert list(tmp_path.iterdir()) == []


def test_a_bucket_that_is_not_ours(bucket: Bucket, tmp_path: Path) -> None:
    writing = ParquetFiles("gs://bucket/secret", MODELS, "j1").writer()
    writing.write(batch(1.0))
    with pytest.raises(PermanentError, match=r"^cannot write gs://bucket/secret/.*not yours.*; it must"):
        writing.close()
    writing.discard()
    assert (bucket.objects, list(tmp_path.iterdir())) == ({}, [])
