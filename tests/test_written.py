"""Files that commands write: what is there is told, what is not their own stays, and every refusal is one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from streaming.dataflow.written import Written, read_if_there, read_there, to_write, wrong_path
from streaming.errors import Mistakes, PermanentError
from tests.cloud_storage_server import Bucket

MINE, OTHER = b"mine: 1", b"of somebody else"


def is_mine(content: bytes) -> bool:
    return content.startswith(b"mine")


@pytest.mark.parametrize(
    ("before", "told"),
    [
        (None, "written"),
        (b"mine: 0", "replaced, as it had other content"),
        (MINE, "is as it should be already"),
    ],
)
def test_a_local_file_is_written_and_what_has_become_of_it_is_told(
    before: bytes | None, told: str, tmp_path: Path
) -> None:
    path = tmp_path / "file"
    if before is not None:
        path.write_bytes(before)
    planned = to_write(str(path), "--output", MINE, is_mine)
    assert planned == Written(str(path), "--output", MINE, before)
    assert (planned.write(), path.read_bytes()) == (f"{path}: {told}", MINE)


def test_an_object_is_written_and_what_has_become_of_it_is_told(bucket: Bucket) -> None:
    path = "gs://bucket/file"
    told = [to_write(path, "--output", content, is_mine).write() for content in (b"mine: 0", MINE, MINE)]
    said = ["written", "replaced, as it had other content", "is as it should be already"]
    assert told == [f"{path}: {each}" for each in said]
    assert bucket.objects == {"file": MINE}


def test_a_file_that_is_not_the_command_s_own_stays(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(OTHER)
    with pytest.raises(Mistakes) as caught:
        to_write(str(path), "--output", MINE, is_mine)
    line = f"--output: {path} is there, and not by this command; remove it, or name another path"
    assert (caught.value.lines, path.read_bytes()) == ((line,), OTHER)


def test_what_is_there_is_read(bucket: Bucket, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(MINE)
    bucket.put("file", OTHER)
    paths = (f"{tmp_path}/file", "gs://bucket/file", f"{tmp_path}/none", "gs://bucket/none")
    assert [read_if_there(path, "--template") for path in paths] == [MINE, OTHER, None, None]
    assert read_there("gs://bucket/file", "--template", "make it") == OTHER
    with pytest.raises(Mistakes) as caught:
        read_there("gs://bucket/none", "--template", "make it")
    assert caught.value.lines == ("--template: no file gs://bucket/none; make it",)


@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        (None, None),
        ("file", None),
        ("gs://bucket/file", None),
        ("", "names no file; write a path"),
        ("DIR", "DIR is a directory; name a file in it"),
        ("DIR/none/file", "no directory DIR/none; make it, or correct the path"),
        ("gs://bucket/", "gs://bucket/ is no file on Cloud Storage; write gs://BUCKET/PATH"),
        ("s3://bucket/file", "s3://bucket/file is no file on Cloud Storage; write gs://BUCKET/PATH"),
    ],
)
def test_what_can_be_said_against_a_path(path: str | None, wrong: str | None, tmp_path: Path) -> None:
    named = None if path is None else path.replace("DIR", str(tmp_path))
    lines = [line.replace(str(tmp_path), "DIR") for line in wrong_path(named, "--output")]
    assert lines == ([] if wrong is None else [f"--output: {wrong}"])


def test_a_path_of_no_file_is_not_read() -> None:
    with pytest.raises(Mistakes) as caught:
        read_if_there("gs://bucket", "--template")
    assert caught.value.lines == ("--template: gs://bucket is no file on Cloud Storage; write gs://BUCKET/PATH",)


def test_what_this_machine_refuses_is_the_user_s_to_mend(tmp_path: Path) -> None:
    path = f"{tmp_path}/none/file"
    with pytest.raises(Mistakes) as caught:
        Written(path, "--output", MINE, None).write()
    assert caught.value.lines == (f"--output: {path} cannot be written: No such file or directory; correct the path",)


@pytest.mark.usefixtures("bucket")
def test_what_cloud_storage_refuses_is_told_in_its_words() -> None:
    refused = "see to the bucket, and to who may read and write there"
    with pytest.raises(PermanentError) as unread:
        read_if_there("gs://bucket/secret", "--template")
    assert str(unread.value) == f"--template: gs://bucket/secret cannot be read: not yours; {refused}"
    with pytest.raises(PermanentError) as unwritten:
        Written("gs://other/file", "--output", MINE, None).write()
    assert str(unwritten.value) == f"--output: gs://other/file cannot be written: no such bucket; {refused}"
