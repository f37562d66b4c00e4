"""Files that a glob finds, and their bytes."""

import os
from pathlib import Path

import pytest

from streaming.errors import Mistakes
from streaming.stored.opening import StoredFile, matching, open_file, open_unzipped
from tests.cloud_storage_server import START, Bucket
from tests.stored_cases import CHANGED, zipped


def test_local_files_in_order(tmp_path: Path) -> None:
    (tmp_path / "c").mkdir()
    for name in ("b", "a", "c/d"):
        (tmp_path / name).write_bytes(b"content")
        os.utime(tmp_path / name, ns=(CHANGED * 1000, CHANGED * 1000))
    here = [StoredFile(f"{tmp_path}/{name}", 7, CHANGED) for name in ("a", "b", "c/d")]
    assert matching(f"{tmp_path}/*", "--input_files") == tuple(here[:2])
    assert matching(f"{tmp_path}/**", "--input_files") == tuple(here)
    assert matching(f"{tmp_path}/a", "--input_files") == (here[0],)
    assert matching(f"{tmp_path}/none*", "--input_files") == ()


def test_a_link_to_nothing_is_named(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "nothing")
    with pytest.raises(Mistakes) as caught:
        matching(f"{tmp_path}/*", "--input_files")
    (line,) = caught.value.lines
    missing = f"[Errno 2] No such file or directory: '{tmp_path}/link'"
    assert line == f"--input_files: {tmp_path}/* cannot be listed: {missing}"


def test_files_on_cloud_storage(bucket: Bucket) -> None:
    for name in ("day/b", "day/a", "day/", "day/deeper/c"):
        bucket.put(name, b"content")
    first = int(START.timestamp()) * 1_000_000
    assert matching("gs://bucket/day/*", "--input_files") == (
        StoredFile("gs://bucket/day/a", 7, first + 120_000_000),
        StoredFile("gs://bucket/day/b", 7, first + 60_000_000),
    )


@pytest.mark.usefixtures("bucket")
def test_files_on_cloud_storage_that_may_not_be_listed() -> None:
    with pytest.raises(Mistakes) as caught:
        matching("gs://bucket/secret/*", "--input_files")
    (line,) = caught.value.lines
    assert line.startswith("--input_files: gs://bucket/secret/* cannot be listed: 403 GET http://127.0.0.1:")
    assert "not yours" in line


def test_a_file_is_opened_as_it_is_stored(tmp_path: Path, bucket: Bucket) -> None:
    (tmp_path / "a.gz").write_bytes(b"zipped")
    bucket.put("a.gz", b"zipped")
    for path in (f"{tmp_path}/a.gz", "gs://bucket/a.gz"):
        with open_file(path) as file:
            assert (file.read(3), file.read(), file.seek(1), file.read(2)) == (b"zip", b"ped", 1, b"ip")


@pytest.mark.parametrize(("name", "content"), [("a", b"content"), ("a.GZ", zipped(b"con") + zipped(b"tent"))])
def test_a_file_is_read_unzipped(tmp_path: Path, bucket: Bucket, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    bucket.put(name, content)
    for path in (f"{tmp_path}/{name}", f"gs://bucket/{name}"):
        with open_unzipped(path) as read_on:
            assert [read_on(4), read_on(4), read_on(4)] == [(b"cont", None), (b"ent", None), (b"", None)]


@pytest.mark.parametrize(
    ("content", "whole", "reason"),
    [
        (zipped(b"a") + b"rest", b"a", "Not a gzipped file (b're')"),
        (zipped(b"a") + zipped(b"b")[:5], b"a", "Compressed file ended before the end-of-stream marker was reached"),
    ],
)
def test_what_precedes_an_error_of_gzip_is_read(tmp_path: Path, content: bytes, whole: bytes, reason: str) -> None:
    (tmp_path / "a.gz").write_bytes(content)
    with open_unzipped(f"{tmp_path}/a.gz") as read_on:
        assert read_on(100) == (whole, f"the file is no whole gzip file: {reason}")
