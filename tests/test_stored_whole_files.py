"""Files on this machine and on Cloud Storage: under their names when they are whole, and not before."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from streaming.errors import Mistakes, PermanentError
from streaming.stored.whole_files import WholeFile, make_directory, open_bytes, remove, writing
from tests.cloud_storage_server import Bucket


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
    assert names(tmp_path / "new") == [".a.txt"]
    file.deliver()
    assert names(tmp_path / "new") == ["a.txt"]
    assert (tmp_path / "new" / "a.txt").read_bytes() == b"new"


def test_an_object_is_there_when_it_is_whole(bucket: Bucket, tmp_path: Path) -> None:
    file = under_way("gs://bucket/out/a.txt")
    assert (bucket.objects, len(names(tmp_path))) == ({}, 1)
    file.deliver()
    assert (bucket.objects, names(tmp_path)) == ({"out/a.txt": b"new"}, [])


@pytest.mark.usefixtures("bucket")
@pytest.mark.parametrize("path", ["{}/a.txt", "gs://bucket/a.txt"])
def test_a_file_is_begun_anew_in_the_place_of_what_a_killed_run_has_left(path: str, tmp_path: Path) -> None:
    killed = under_way(path.format(tmp_path), b"a longer one")
    killed.file.close()
    (left,) = tmp_path.iterdir()
    again = under_way(path.format(tmp_path))
    again.file.close()
    assert list(tmp_path.iterdir()) == [left]
    assert left.read_bytes() == b"new"


def test_a_file_that_two_runs_write_is_whole_and_the_later_one_s(tmp_path: Path) -> None:
    first, second = under_way(tmp_path / "a.txt", b"first"), under_way(tmp_path / "a.txt", b"second")
    told = "^cannot write to there: another run of the job writes the same files; it must"
    with pytest.raises(PermanentError, match=told), writing("there"):
        first.deliver()
    first.discard()
    assert names(tmp_path) == [".a.txt"]
    second.deliver()
    assert names(tmp_path) == ["a.txt"]
    assert (tmp_path / "a.txt").read_bytes() == b"second"


def test_of_a_file_that_is_discarded_nothing_is_left(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("before")
    under_way(tmp_path / "a.txt").discard()
    assert names(tmp_path) == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "before"


def test_a_file_is_removed_with_what_a_killed_run_has_left_of_it(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("before")
    under_way(tmp_path / "a.txt").file.close()
    for _ in range(2):
        remove(f"{tmp_path}/a.txt")
        assert names(tmp_path) == []
    remove(f"{tmp_path}/missing/a.txt")


def test_an_object_is_removed_with_what_a_killed_run_has_left_of_it(bucket: Bucket, tmp_path: Path) -> None:
    bucket.put("a.txt", b"before")
    bucket.put("b.txt", b"other")
    under_way("gs://bucket/a.txt").file.close()
    for _ in range(2):
        remove("gs://bucket/a.txt")
        assert (bucket.objects, names(tmp_path)) == ({"b.txt": b"other"}, [])


@pytest.mark.usefixtures("bucket")
def test_an_object_that_may_not_be_removed_is_told() -> None:
    with pytest.raises(PermanentError, match=r"^cannot write gs://bucket/secret/a.txt: .*not yours.*; it must"):
        remove("gs://bucket/secret/a.txt")


def test_a_directory_is_made_before_the_start(tmp_path: Path) -> None:
    make_directory(f"{tmp_path}/new/er/", "--output_files")
    assert list((tmp_path / "new" / "er").iterdir()) == []


def test_a_directory_that_cannot_be_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Mistakes) as caught:
        make_directory(f"{tmp_path}/file/below", "--output_files")
    assert caught.value.lines == (
        f"--output_files: cannot write to {tmp_path}/file/below: Not a directory; "
        "name a directory that you may write to",
    )


def test_a_directory_of_a_bucket_is_made_before_the_start(bucket: Bucket) -> None:
    make_directory("gs://bucket/out/", "--output_files")
    assert bucket.objects == {"out/": b""}


@pytest.mark.usefixtures("bucket")
def test_a_directory_of_a_bucket_that_is_not_ours_is_a_mistake() -> None:
    with pytest.raises(Mistakes, match=r"^--output_files: cannot write to gs://bucket/secret: .*not yours.*; name a"):
        make_directory("gs://bucket/secret", "--output_files")
