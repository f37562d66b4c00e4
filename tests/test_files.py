"""Small files and directories, and what is said where one cannot be read."""

import os
from pathlib import Path

import pytest
from google.auth.exceptions import DefaultCredentialsError

from streaming.errors import Mistakes
from streaming.files import CREDENTIALS, File, list_files, read_file
from streaming.registry import forget
from tests.cloud_storage_server import START, Bucket


def mistake(path: str) -> tuple[str, ...]:
    with pytest.raises(Mistakes) as caught:
        read_file(path, "message.schema")
    return caught.value.lines


def listing_mistake(directory: str) -> tuple[str, ...]:
    with pytest.raises(Mistakes) as caught:
        list_files(directory, "models.m.path")
    return caught.value.lines


@pytest.mark.parametrize("content", [b"", b"\x00\xff\r\n"])
def test_a_local_file(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file").write_bytes(content)
    assert read_file(str(tmp_path / "file"), "message.schema") == content


def test_a_file_on_cloud_storage(bucket: Bucket) -> None:
    bucket.put("dir/job.yaml", b"content")
    assert read_file("gs://bucket/dir/job.yaml", "job_file") == b"content"


@pytest.mark.usefixtures("bucket")
def test_a_missing_file_on_cloud_storage() -> None:
    assert mistake("gs://bucket/missing") == ("message.schema: no file gs://bucket/missing",)


@pytest.mark.usefixtures("bucket")
def test_a_file_on_cloud_storage_that_may_not_be_read() -> None:
    assert mistake("gs://bucket/secret") == ("message.schema: gs://bucket/secret cannot be read: not yours",)


def test_without_credentials_nothing_is_asked_of_cloud_storage(monkeypatch: pytest.MonkeyPatch) -> None:
    def default() -> None:
        raise DefaultCredentialsError("none here")

    monkeypatch.setattr("google.auth.default", default)
    forget(CREDENTIALS)
    why = "no valid credentials; run gcloud auth application-default login (none here)"
    assert mistake("gs://bucket/file") == (f"message.schema: gs://bucket/file cannot be read: {why}",)
    assert listing_mistake("gs://bucket/m") == (f"models.m.path: gs://bucket/m cannot be listed: {why}",)


def test_a_missing_file(tmp_path: Path) -> None:
    path = str(tmp_path / "missing")
    assert mistake(path) == (f"message.schema: no file {path}",)


def test_a_directory(tmp_path: Path) -> None:
    assert mistake(str(tmp_path)) == (
        f"message.schema: {tmp_path} cannot be read: [Errno 21] Is a directory: '{tmp_path}'",
    )


def test_a_file_system_that_nobody_knows() -> None:
    (line,) = mistake("nowhere://bucket/file")
    assert line.startswith("message.schema: nowhere://bucket/file cannot be read: Unable to get filesystem")


def write(path: Path, content: str) -> File:
    """Write the file; what a listing of the directory three above it says of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return File("/".join(path.parts[-3:]), len(content), path.stat().st_ctime)


def test_the_files_below_a_local_directory_by_name(tmp_path: Path) -> None:
    later, sooner = write(tmp_path / "b" / "c" / "file", "12"), write(tmp_path / "a" / "c" / "file", "123")
    assert list_files(str(tmp_path), "models.m.path") == (sooner, later)


def test_a_local_directory_without_files(tmp_path: Path) -> None:
    assert list_files(str(tmp_path), "models.m.path") == ()


def test_symbolic_links_are_followed_but_not_in_circles(tmp_path: Path) -> None:
    file = write(tmp_path / "exports" / "2026" / "file", "12")
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "1").symlink_to(tmp_path / "exports")
    (tmp_path / "models" / "circle").symlink_to(tmp_path)
    (tmp_path / "models" / "nothing").symlink_to(tmp_path / "missing")
    assert list_files(str(tmp_path / "models"), "models.m.path") == (File("1/2026/file", 2, file.changed),)


def test_a_file_replaced_by_another_of_the_same_time_and_size_has_changed(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("old")
    (before,) = list_files(str(tmp_path), "models.m.path")
    status = (tmp_path / "file").stat()
    (tmp_path / "new").write_text("new")
    while (tmp_path / "new").stat().st_ctime == before.changed:  # until the clock of the file system ticks
        os.utime(tmp_path / "new", ns=(status.st_atime_ns, status.st_mtime_ns))
    (tmp_path / "new").rename(tmp_path / "file")
    (after,) = list_files(str(tmp_path), "models.m.path")
    assert (after.name, after.size, after.changed > before.changed) == ("file", 3, True)


def test_the_files_below_a_directory_on_cloud_storage(bucket: Bucket) -> None:
    for name in ("models/[1]/b/c", "models/[1]/a", "models/[1]/", "models/[1]-old/a", "models/1/a"):
        bucket.put(name, name.encode())
    assert list_files("gs://bucket/models/[1]", "models.m.path") == (
        File("a", 12, START.timestamp() + 120),
        File("b/c", 14, START.timestamp() + 60),
    )


@pytest.mark.usefixtures("bucket")
@pytest.mark.parametrize("directory", ["gs://bucket/missing", "gs://missing/directory"])
def test_a_missing_directory_on_cloud_storage(directory: str) -> None:
    assert listing_mistake(directory) == (f"models.m.path: no directory {directory}; correct the path",)


@pytest.mark.usefixtures("bucket")
def test_a_directory_on_cloud_storage_that_may_not_be_listed() -> None:
    assert listing_mistake("gs://bucket/secret") == ("models.m.path: gs://bucket/secret cannot be listed: not yours",)


def test_a_missing_directory(tmp_path: Path) -> None:
    path = str(tmp_path / "missing")
    assert listing_mistake(path) == (f"models.m.path: no directory {path}; correct the path",)


def test_a_directory_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (line,) = listing_mistake(str(tmp_path / "file"))
    assert line == (f"models.m.path: {tmp_path}/file cannot be listed: [Errno 20] Not a directory: '{tmp_path}/file'")
