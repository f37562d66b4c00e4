"""How jobs are found: their files, who may read them, and what is left of those that were killed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from streaming.errors import JobError
from streaming.local.published import published, read_report, running
from streaming.monitoring.series import Reading
from tests.local_snapshots import publishing
from tests.monitoring_points import NOW
from tests.monitoring_reports import healthy, troubled, unknown


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where jobs are found, with nothing in it."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path / "pubsub-inference"


@pytest.fixture
def other() -> Iterator[subprocess.Popen[str]]:
    with publishing() as process:
        yield process


@pytest.mark.parametrize("report", [healthy(), troubled(), unknown()], ids=["healthy", "troubled", "unknown"])
def test_a_report_comes_out_as_it_went_in(report: object) -> None:
    with published() as publish:
        publish(report)
        assert read_report(running()[os.getpid()]) == report


def test_what_no_bucket_holds_stays_above_all(directory: Path) -> None:
    known = {"latency_p99": {"": Reading(float("inf"), NOW)}}
    report = replace(healthy(), figures=replace(healthy().figures, known=known))
    with published() as publish:
        publish(report)
        assert read_report(running()[os.getpid()]) == report


def test_a_job_is_found_while_it_runs_and_leaves_nothing_behind(directory: Path) -> None:
    assert running() == {}
    with published() as publish:
        path = running()[os.getpid()]
        assert read_report(path) is None
        publish(healthy())
        assert sorted(each.name for each in directory.iterdir()) == [f"{os.getpid()}.json", f"{os.getpid()}.lock"]
    assert running() == {}
    assert read_report(path) is None
    assert list(directory.iterdir()) == []


def test_nobody_else_may_read(directory: Path) -> None:
    before = os.umask(0)
    try:
        with published() as publish:
            publish(healthy())
            assert directory.stat().st_mode & 0o777 == 0o700
            assert running()[os.getpid()].stat().st_mode & 0o777 == 0o600
    finally:
        os.umask(before)


def test_of_a_job_that_was_killed_nothing_is_found_and_the_next_one_cleans_up(
    directory: Path, other: subprocess.Popen[str]
) -> None:
    assert {*running()} == {other.pid}
    other.send_signal(signal.SIGKILL)
    other.wait()
    assert running() == {}
    assert sorted(each.name for each in directory.iterdir()) == [f"{other.pid}.json", f"{other.pid}.lock"]
    with published():
        assert [each.name for each in directory.iterdir()] == [f"{os.getpid()}.lock"]


def test_jobs_do_not_clean_each_other_up(other: subprocess.Popen[str]) -> None:
    with published():
        assert {*running()} == {other.pid, os.getpid()}
        assert read_report(running()[other.pid]) == healthy()


def test_without_a_session_a_directory_of_this_user_does(
    directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    with published():
        path = running()[os.getpid()]
        assert path.parent == tmp_path / f"pubsub-inference-{os.getuid()}"
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
        assert running() == {os.getpid(): path}  # by a shell with a session


@pytest.mark.parametrize("made", ["open", "link"])
def test_a_directory_that_others_can_reach_is_not_used(
    directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: str
) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    place = tmp_path / f"pubsub-inference-{os.getuid()}"
    if made == "open":
        place.mkdir()
        place.chmod(0o777)
    else:
        (tmp_path / "elsewhere").mkdir(mode=0o700)
        place.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(PermissionError, match=f"^{place} is not a directory of this user alone$"), published():
        pass
    assert running() == {}


def test_a_job_goes_on_whose_directory_somebody_has_removed(directory: Path) -> None:
    with published() as publish:
        publish(healthy())
        shutil.rmtree(directory)
        publish(troubled())
        assert running() == {}


def test_a_report_of_another_version_is_said_to_be_one(tmp_path: Path) -> None:
    for text in ("{}", "", "[1"):
        (tmp_path / "1.json").write_text(text)
        with pytest.raises(JobError, match=r"1\.json: cannot be read; the job may be run by another version"):
            read_report(tmp_path / "1.json")
