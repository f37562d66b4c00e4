"""How jobs on this machine are found: each keeps its latest report in a file that its user alone may read.

Each job has two files in a directory of its user: `PID.json`, which is replaced whole, and `PID.lock`, which the
process holds locked for as long as it lives, however it ends: so a number that another process has got meanwhile is not
mistaken for the job's.
"""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from streaming.errors import JobError
from streaming.monitoring.report import Report

_REPORTS = TypeAdapter(Report)


@contextmanager
def published() -> Iterator[Callable[[Report], None]]:
    """What makes this process's job known while it is open: call it with each report.

    Raises:
        OSError: there is no directory that is this user's alone.
    """
    directory = _made()
    _clean(directory)
    path, lock = _files(directory, os.getpid())
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        try:
            yield lambda report: _write(path, report)
        finally:
            for each in (path, path.with_suffix(".new"), lock):
                each.unlink(missing_ok=True)


def running() -> dict[int, Path]:
    """The files of the jobs that run on this machine under this user, by process id."""
    directories = [each for each in _candidates() if _is_ours(each)]
    return dict(found for directory in directories for found in _living(directory))


def read_report(path: Path) -> Report | None:
    """The report in a file; None if there is none, as after the job's end.

    Raises:
        JobError: it cannot be read.
    """
    try:
        return _REPORTS.validate_python(json.loads(path.read_bytes()))
    except FileNotFoundError:
        return None
    except (OSError, ValidationError, ValueError) as error:
        raise JobError(f"{path}: cannot be read; the job may be run by another version of this program") from error


def _write(path: Path, report: Report) -> None:
    """Replace the file. Where that fails, as on a full disk, the report before it stays, and its age shows."""
    new = path.with_suffix(".new")
    with suppress(OSError):
        new.touch(mode=0o600)
        new.write_text(json.dumps(_REPORTS.dump_python(report, mode="json")))  # it knows infinity, unlike `dump_json`
        new.replace(path)


def _candidates() -> list[Path]:
    """Where the directory may be; a shell without a session, as one of cron, knows the last alone."""
    at_home = [Path(each) for each in [os.environ.get("XDG_RUNTIME_DIR")] if each]
    return [
        *(each / "pubsub-inference" for each in at_home),
        Path(tempfile.gettempdir(), f"pubsub-inference-{os.getuid()}"),
    ]


def _made() -> Path:
    for directory in _candidates():
        try:
            directory.mkdir(mode=0o700, exist_ok=True)
        except OSError:
            continue
        if _is_ours(directory) and os.access(directory, os.W_OK):
            return directory
    raise PermissionError(f"{_candidates()[-1]} is not a directory of this user alone")


def _is_ours(directory: Path) -> bool:
    """Whether nobody else can write or read there: in a shared directory others may have made it first."""
    try:
        found = directory.lstat()
    except OSError:
        return False
    return (
        directory.is_dir() and not directory.is_symlink() and (found.st_uid, found.st_mode & 0o077) == (os.getuid(), 0)
    )


def _files(directory: Path, pid: int) -> tuple[Path, Path]:
    return directory / f"{pid}.json", directory / f"{pid}.lock"


def _living(directory: Path) -> Iterator[tuple[int, Path]]:
    for lock in directory.glob("*.lock"):
        if lock.stem.isdecimal() and _is_held(lock):
            yield int(lock.stem), _files(directory, int(lock.stem))[0]


def _is_held(lock: Path) -> bool:
    try:
        with lock.open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    return False


def _clean(directory: Path) -> None:
    """Remove what processes have left behind that were killed."""
    living = dict(_living(directory))
    for path in directory.iterdir():
        if path.stem.isdecimal() and int(path.stem) not in living:
            path.unlink(missing_ok=True)
