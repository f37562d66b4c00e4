"""What a glob or a table's name finds, and what is said where it finds nothing sound."""

import json
import os
from pathlib import Path

import pyarrow as pa
import pytest

from streaming.errors import Mistakes
from streaming.schema import parse_schema
from streaming.stored.file_formats import KNOWN_ENDINGS
from streaming.stored.inputs import Found, find, readable
from streaming.stored.records import Part
from tests.cloud_storage_server import START, Bucket
from tests.stored_cases import CHANGED, READING, avro_file, parquet_file, readings, tfrecords

SCHEMA = parse_schema(json.dumps(READING), "reading.avsc")
TABLE = pa.table({"key": ["a", "b", "c"], "value": [1.0, 2.0, 3.0]})


def put(directory: Path, **files: bytes) -> None:
    """Files, with a `.` for each `_` in their names, changed at `CHANGED`."""
    for name, content in files.items():
        path = directory / name.replace("_", ".")
        path.write_bytes(content)
        os.utime(path, ns=(CHANGED * 1000, CHANGED * 1000))


def mistakes(pattern: str, **more: object) -> tuple[str, ...]:
    with pytest.raises(Mistakes) as caught:
        find(pattern, None, **more)  # type: ignore[arg-type]
    return caught.value.lines


@pytest.mark.parametrize(
    ("ending", "form", "kind", "content"),
    [
        (".avro", "payloads", "avro", avro_file(readings(1))),
        (".ndjson", "payloads", "ndjson", b"{}"),
        (".jsonl", "payloads", "ndjson", b"{}"),
        (".JSON", "payloads", "ndjson", b"{}"),
        (".tfrecord", "examples", "tfrecord", tfrecords([b"a"])),
        (".tfrecord-00000-of-00001.gz", "examples", "tfrecord", b"zipped"),
    ],
)
def test_each_file_is_a_part(tmp_path: Path, ending: str, form: str, kind: str, content: bytes) -> None:
    put(tmp_path, **{f"b{ending}": content, f"a{ending}": content, f"empty{ending}": b""})
    (tmp_path / f"directory{ending}").mkdir()
    pattern = f"{tmp_path}/*{ending}"
    parts = tuple(Part(f"{tmp_path}/{name}{ending}", kind, 0, CHANGED) for name in "ab")  # type: ignore[arg-type]
    origins = tuple(f"{tmp_path}/{name}{ending}" for name in ("a", "b", "empty"))
    assert find(pattern, None) == Found(form, parts, None, "input_files", pattern, origins)  # type: ignore[arg-type]


def test_row_groups_of_parquet_files_are_parts(tmp_path: Path) -> None:
    put(tmp_path, a_parquet=parquet_file(TABLE, 2), b_parquet=parquet_file(TABLE.slice(0, 0)))
    parts = (
        Part(f"{tmp_path}/a.parquet", "parquet", 1, CHANGED, "0"),
        Part(f"{tmp_path}/a.parquet", "parquet", 3, CHANGED, "1"),
    )
    pattern = f"{tmp_path}/*.parquet"
    origins = (f"{tmp_path}/a.parquet", f"{tmp_path}/b.parquet")
    assert find(pattern, None) == Found("rows", parts, TABLE.schema, "input_files", pattern, origins)
    assert find(pattern, None).starts() == {f"{tmp_path}/a.parquet#1", f"{tmp_path}/a.parquet#3"}
    assert find(pattern, None, {"value", "absent"}).columns == pa.schema([("value", pa.float64())])


def test_any_depth(tmp_path: Path) -> None:
    (tmp_path / "2026/03").mkdir(parents=True)
    put(tmp_path / "2026/03", a_json=b"{}")
    assert [part.origin for part in find(f"{tmp_path}/**/*.json", None).parts] == [f"{tmp_path}/2026/03/a.json"]


@pytest.mark.parametrize(
    ("name", "content", "columns"),
    [
        ("a.avro", avro_file(readings(1)), None),
        ("a.ndjson", b"{}", None),
        ("a.parquet", parquet_file(TABLE), TABLE.schema),
        ("a.tfrecord", tfrecords([b"a"]), None),
    ],
)
def test_files_on_cloud_storage(bucket: Bucket, name: str, content: bytes, columns: pa.Schema | None) -> None:
    bucket.put(f"day/{name}", content)
    bucket.put(f"day/deeper/{name}", content)
    bucket.put("day/", b"")
    found = find(f"gs://bucket/day/*{name[1:]}", None)
    (part,) = found.parts
    assert (part.origin, part.published) == (f"gs://bucket/day/{name}", int(START.timestamp() + 60) * 1_000_000)
    assert found.columns == columns
    assert len(find(f"gs://bucket/day/**{name[1:]}", None).parts) == 2


def test_a_directory_is_no_file(tmp_path: Path) -> None:
    line = f"--input_files: {tmp_path} is a directory; name its files, as in {tmp_path}/*.parquet"
    assert [mistakes(str(tmp_path)), mistakes(f"{tmp_path}/")] == [(line,), (line,)]


@pytest.mark.parametrize("pattern", ["{directory}/*.avro", "{directory}/none", "gs://bucket/none/*.avro"])
@pytest.mark.usefixtures("bucket")
def test_nothing_matches(tmp_path: Path, pattern: str) -> None:
    pattern = pattern.format(directory=tmp_path)
    line = f"--input_files: nothing matches {pattern}; name files, as in gs://bucket/readings/*.avro"
    assert mistakes(pattern) == (line,)


@pytest.mark.usefixtures("bucket")
def test_a_bucket_that_may_not_be_listed() -> None:
    (line,) = mistakes("gs://bucket/secret/*.avro")
    assert line.startswith("--input_files: gs://bucket/secret/*.avro cannot be listed: 403 GET http://127.0.0.1:")


@pytest.mark.parametrize("name", ["secret.avro", "secret.parquet", "secret.ndjson", "secret.tfrecord"])
def test_files_that_may_be_listed_but_not_read(bucket: Bucket, name: str) -> None:
    bucket.put(name, b"content")
    (line,) = mistakes(f"gs://bucket/*{name[6:]}")
    assert line.startswith(f"--input_files: gs://bucket/{name}: cannot be read: 403 GET http://127.0.0.1:")
    assert line.endswith("; mend that, or match other files")


@pytest.mark.parametrize(
    ("error", "wrong"),
    [
        (OSError(5, "Input/output error"), "cannot be read: [Errno 5] Input/output error; mend that"),
        (pa.ArrowInvalid("two\nlines"), "not a Parquet file, or not a whole one: two lines; mend it"),
    ],
)
def test_what_cannot_be_read_is_said_in_a_line(error: Exception, wrong: str) -> None:
    with pytest.raises(Mistakes) as caught, readable("a.tfrecord"):
        raise error
    assert caught.value.lines == (f"--input_files: a.tfrecord: {wrong}, or match other files",)


def test_unknown_endings(tmp_path: Path) -> None:
    put(tmp_path, a_avro=avro_file([]), b_csv=b"")
    unknown = f"not a known ending; match files that end in {KNOWN_ENDINGS}"
    assert mistakes(f"{tmp_path}/*") == (f"--input_files: {tmp_path}/b.csv: {unknown}",)
    put(tmp_path, c=b"")
    assert mistakes(f"{tmp_path}/*") == (f"--input_files: {tmp_path}/b.csv and 1 more: {unknown}",)


def test_several_formats(tmp_path: Path) -> None:
    put(tmp_path, a_avro=avro_file([]), b_json=b"{}", c_jsonl=b"{}")
    assert mistakes(f"{tmp_path}/*") == (
        f"--input_files: files of several formats ({tmp_path}/b.json is ndjson, {tmp_path}/a.avro is avro); "
        "match those of one, and run a job for each",
    )


def test_avro_files_that_do_not_fit_the_job(tmp_path: Path) -> None:
    other = {**READING, "fields": [{"name": "value", "type": "string"}]}
    put(tmp_path, a_avro=avro_file(readings(1)), b_avro=avro_file([], other), c_avro=b"none")
    assert mistakes(f"{tmp_path}/*", schema=SCHEMA) == (
        f"--input_files: {tmp_path}/b.avro: field key: not in the file; give it a default in message.schema",
        f"--input_files: {tmp_path}/b.avro: field value: string in the file, double in message.schema",
        f"--input_files: {tmp_path}/c.avro: is no Avro object container file, or not a whole one",
    )


@pytest.mark.parametrize("content", [b"", parquet_file(TABLE)[:-1], b"no Parquet at all"])
def test_a_parquet_file_that_is_not_whole(tmp_path: Path, content: bytes) -> None:
    put(tmp_path, a_parquet=parquet_file(TABLE), b_parquet=content)
    (line,) = mistakes(f"{tmp_path}/*.parquet")
    assert line.startswith(f"--input_files: {tmp_path}/b.parquet: not a Parquet file, or not a whole one: Parquet")


@pytest.mark.parametrize(
    ("other", "difference"),
    [
        (TABLE.drop_columns(["key"]), "key is missing, not string"),
        (TABLE.append_column("zone", [["x", "y", "z"]]), "zone is string, not missing"),
        (pa.table({"key": ["a"], "value": [1]}), "value is int64, not double"),
    ],
)
def test_parquet_files_of_other_columns(tmp_path: Path, other: pa.Table, difference: str) -> None:
    put(tmp_path, a_parquet=parquet_file(TABLE), b_parquet=parquet_file(other))
    ours = f"{tmp_path}/b.parquet: other columns than {tmp_path}/a.parquet"
    assert mistakes(f"{tmp_path}/*") == (f"--input_files: {ours}: {difference}; match files with the same",)


def test_columns_that_nobody_reads_may_differ_and_their_order_too(tmp_path: Path) -> None:
    other = TABLE.append_column("zone", [["x", "y", "z"]]).select(["zone", "value", "key"])
    put(tmp_path, a_parquet=parquet_file(TABLE), b_parquet=parquet_file(other))
    assert find(f"{tmp_path}/*", None, {"key", "value"}).columns == TABLE.schema


def test_parquet_files_with_none_of_the_columns(tmp_path: Path) -> None:
    put(tmp_path, a_parquet=parquet_file(TABLE))
    line = f"--input_files: {tmp_path}/a.parquet: has no column that the job reads, but key, value"
    assert mistakes(f"{tmp_path}/*", wanted={"x"}) == (line,)


@pytest.mark.parametrize(("files", "table"), [(None, None), ("a", "b")])
def test_one_input_is_given(files: str | None, table: str | None) -> None:
    with pytest.raises(ValueError, match="one of files and table is given"):
        find(files, table)
