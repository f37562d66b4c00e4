"""Files on this machine and on Cloud Storage: under their names when they are whole, and not before."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from streaming.errors import Mistakes, PermanentError
from streaming.stored.whole_files import WholeFile, clear, make_directory, open_bytes
from tests.cloud_storage_server import Bucket

REFUSED = (
    "--output_files: cannot write to {}: not yours; name a directory that you may write to, on gs:// with "
    "roles/storage.objectUser"
)


@pytest.fixture
def bucket(bucket: Bucket, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Bucket:
    """The bucket, for which the files under way lie in `tmp_path`."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return bucket


def under_way(path: Path | str, content: bytes = b"new") -> WholeFile[bytes]:
    file = WholeFile(str(path), open_bytes)
    file.file.write(content)
    return file


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def test_a_file_has_its_name_when_it_is_whole(tmp_path: Path) -> None:
    file = under_way(tmp_path / "new" / "a.txt")
    (hidden,) = names(tmp_path / "new")
    assert hidden.startswith(".a.txt.")
    file.deliver()
    assert names(tmp_path / "new") == ["a.txt"]
    assert (tmp_path / "new" / "a.txt").read_bytes() == b"new"


def test_an_object_is_there_when_it_is_whole(bucket: Bucket, tmp_path: Path) -> None:
    file = under_way("gs://bucket/out/a.txt")
    assert (bucket.objects, len(names(tmp_path))) == ({}, 1)
    file.deliver()
    assert (bucket.objects, names(tmp_path)) == ({"out/a.txt": b"new"}, [])


def test_two_runs_that_write_a_file_do_not_disturb_each_other(tmp_path: Path) -> None:
    first, second = under_way(tmp_path / "a.txt", b"first"), under_way(tmp_path / "a.txt", b"second")
    second.deliver()
    assert (tmp_path / "a.txt").read_bytes() == b"second"
    first.deliver()
    assert names(tmp_path) == ["a.txt"]
    assert (tmp_path / "a.txt").read_bytes() == b"first"


def test_a_file_under_way_that_another_run_has_removed_is_told_of(tmp_path: Path) -> None:
    first = under_way(tmp_path / "part-a-b-1.txt")
    clear(str(tmp_path), {"part-a-b"}, "--output_files")
    with pytest.raises(PermanentError) as caught:
        first.deliver()
    assert str(caught.value) == (
        f"cannot write {tmp_path}/part-a-b-1.txt: what was written of it is gone: another run has begun with the same "
        "--output_files, or somebody removed it; start the job again, alone"
    )
    first.discard()
    assert names(tmp_path) == []


def test_of_a_file_that_is_discarded_nothing_is_left(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("before")
    under_way(tmp_path / "a.txt").discard()
    assert names(tmp_path) == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "before"


def test_files_are_removed_with_what_killed_runs_have_left_of_them(tmp_path: Path) -> None:
    for name in ("part-a-j-1.txt", "part-a-j-2.txt", "part-b-j-1.txt", "part-aa-j-1.txt", "part-a.txt", ".other"):
        (tmp_path / name).write_text("before")
    under_way(tmp_path / "part-a-j-1.txt").file.close()
    under_way(tmp_path / "part-a-j-3.txt").file.close()
    for _ in range(2):
        clear(str(tmp_path), {"part-a-j", "part-c-j"}, "--output_files")
        assert names(tmp_path) == [".other", "part-a.txt", "part-aa-j-1.txt", "part-b-j-1.txt"]
    clear(f"{tmp_path}/missing", {"part-a-j"}, "--output_files")


def test_what_another_version_of_the_job_has_made_of_the_same_is_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("part-a-i-2.txt", "part-a-i-1.txt", "part-b-i-1.txt"):
        (tmp_path / name).write_text("before")
    clear(str(tmp_path), {"part-a-j"}, "--output_files")
    assert names(tmp_path) == ["part-a-i-1.txt", "part-a-i-2.txt", "part-b-i-1.txt"]
    assert caplog.messages == [
        f"--output_files: {tmp_path} holds what another version of the job file has made of the same input, in "
        "part-a-i-1.txt and the like (2 files); it stays beside what this one makes: remove it if this takes its place"
    ]


def test_objects_are_removed_with_what_killed_runs_have_left_of_them(bucket: Bucket, tmp_path: Path) -> None:
    left = {"out/part-b-j-1.txt": b"", "out/part-a.txt": b"", "other/part-a-j-1.txt": b"", "outer/part-a-j-1.txt": b""}
    for name in ("out/part-a-j-1.txt", "out/part-a-j-2.txt", *left):
        bucket.put(name, b"")
    under_way("gs://bucket/out/part-a-j-3.txt").file.close()
    kept = under_way("gs://bucket/other/part-a-j-1.txt", b"kept")
    for _ in range(2):
        clear("gs://bucket/out", {"part-a-j", "part-c-j"}, "--output_files")
        assert bucket.objects == left
    kept.deliver()
    assert (bucket.objects, names(tmp_path)) == (left | {"other/part-a-j-1.txt": b"kept"}, [])


def test_a_directory_is_made_before_the_start(tmp_path: Path) -> None:
    make_directory(f"{tmp_path}/new/er/", "--output_files")
    assert list((tmp_path / "new" / "er").iterdir()) == []


def test_a_directory_that_cannot_be_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Mistakes) as caught:
        make_directory(f"{tmp_path}/file/below", "--output_files")
    assert caught.value.lines == (
        f"--output_files: cannot write to {tmp_path}/file/below: Not a directory; "
        "name a directory that you may write to, on gs:// with roles/storage.objectUser",
    )


def test_a_directory_of_a_bucket_is_made_before_the_start(bucket: Bucket) -> None:
    make_directory("gs://bucket/out/", "--output_files")
    assert bucket.objects == {}


@pytest.mark.usefixtures("bucket")
def test_a_directory_of_a_bucket_that_is_not_ours_is_a_mistake() -> None:
    with pytest.raises(Mistakes) as caught:
        make_directory("gs://bucket/secret", "--output_files")
    assert caught.value.lines == (REFUSED.format("gs://bucket/secret"),)


@pytest.mark.parametrize("look", [make_directory, lambda *given: clear(given[0], (), given[1])])
def test_objects_that_may_only_be_created_are_a_mistake(bucket: Bucket, look: Callable[[str, str], None]) -> None:
    bucket.only_creates = True
    with pytest.raises(Mistakes) as caught:
        look("gs://bucket/out", "--output_files")
    assert caught.value.lines == (REFUSED.format("gs://bucket/out"),)
