"""Files that are there whole or not at all, local or on gs://.

A file is written under another name, and has its own once it is whole: nobody reads half of one.
"""

from __future__ import annotations

import hashlib
import logging
import tempfile
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any, BinaryIO, Generic, Protocol, TypeVar
from uuid import uuid4

from google.api_core.exceptions import GoogleAPICallError, NotFound, RetryError
from google.auth.exceptions import GoogleAuthError
from requests import RequestException

from streaming.cloud_storage import blob, blobs
from streaming.errors import JobError, Mistakes, PermanentError
from streaming.service_errors import in_words, retry

_REMEDY = "it must be a directory that the job may write to and that has room; correct --output_files, or mend that"
_NOT_OURS = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND)
_REMOVED_AT_ONCE = 8  # objects; the client keeps ten connections
_OTHERS = (
    "%s: %s holds what another version of the job file has made of the same input, in %s and the like (%d files); it "
    "stays beside what this one makes: remove it if this takes its place"
)
_LOG = logging.getLogger(__name__)

Content_contra = TypeVar("Content_contra", contravariant=True)


class FileFormat(Protocol[Content_contra]):
    """A file under way."""

    def write(self, content: Content_contra, /) -> object:
        """Add to it."""

    def close(self) -> None:
        """Write what is left; then it is whole."""


def open_bytes(path: Path) -> BinaryIO:
    """A file of bytes as they come."""
    return path.open("wb")


class WholeFile(Generic[Content_contra]):
    """A file under way. Until it is whole it lies beside its place, hidden; one for gs:// lies on this machine.

    Args:
        path: its own, local or on gs://.
        begin: opens a new file at a path.

    Raises:
        OSError: it cannot be written; `writing` makes it the job's own.
        JobError: Cloud Storage does not take it; a `PermanentError` where it never will.
    """

    def __init__(self, path: str, begin: Callable[[Path], FileFormat[Content_contra]]) -> None:
        self._path = path
        self._scratch = _scratch(path)
        self._scratch.parent.mkdir(parents=True, exist_ok=True)
        self.file = begin(self._scratch)

    def deliver(self) -> None:
        """Give it its name."""
        self.file.close()
        if not self._scratch.exists():
            gone = "what was written of it is gone: another run has begun with the same --output_files, or somebody"
            raise PermanentError(f"cannot write {self._path}: {gone} removed it; start the job again, alone")
        if _is_remote(self._path):
            _send(self._scratch, self._path)
            self._scratch.unlink()
        else:
            self._scratch.replace(self._path)

    def discard(self) -> None:
        """Drop it."""
        self._scratch.unlink(missing_ok=True)


def _scratch(path: str) -> Path:
    """Where a file is written, and by nobody else."""
    directory, _, name = path.rpartition("/")
    place, mark = _scratches(directory)
    return place / f"{mark}{name}.{uuid4().hex[:8]}"


def _scratches(directory: str) -> tuple[Path, str]:
    """Where the files of a directory are written, and what stands before their names there.

    It follows from the directory, so that what a killed run has left there is found again.
    """
    if _is_remote(directory):
        return Path(tempfile.gettempdir()), f".{hashlib.sha256(directory.encode()).hexdigest()[:24]}-"
    return Path(directory), "."


def make_directory(directory: str, place: str) -> None:
    """See, before the job starts, that files can be written to a directory, and make it where it is missing.

    Args:
        directory: local, or on gs://.
        place: the flag that names it, for the error message.

    Raises:
        Mistakes: they cannot.
    """
    directory = directory.rstrip("/")
    with _as_mistakes(directory, place):
        if _is_remote(directory):
            probe = blob(f"{directory}/")
            probe.upload_from_string(b"", retry=retry())
            _delete(probe)  # to write a part anew takes as much
        else:
            Path(directory).mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=directory):
                pass


def clear(directory: str, stems: Collection[str], place: str) -> None:
    """Remove, before the job starts, the files that it writes anew, and what killed runs have left of such.

    What another version of the job file has made of the same input stays, and is warned of.

    Args:
        directory: local, or on gs://; it need not be there.
        stems: what their names begin with, up to the last hyphen; up to the one before, other versions' do, too.
        place: the flag that names it, for the error message.

    Raises:
        Mistakes: it cannot be listed, or one of them cannot be removed.
    """
    others, inputs = [], {_stem(each) for each in stems}
    with _as_mistakes(directory, place), ThreadPoolExecutor(_REMOVED_AT_ONCE) as threads:
        removing = []
        for name, remove in _files(directory):
            if _stem(name) in stems:
                removing.append(threads.submit(remove))
            elif _stem(_stem(name)) in inputs:
                others.append(name)
        for each in removing:
            each.result()
    if others:
        _LOG.warning(_OTHERS, place, directory, min(others), len(others))


def _files(directory: str) -> Iterator[tuple[str, Callable[[], None]]]:
    """The files of a directory and those that killed runs have left of it: their own names, and what removes them."""
    place, mark = _scratches(directory)
    for path in place.iterdir() if place.is_dir() else ():
        yield path.name.removeprefix(mark), partial(path.unlink, missing_ok=True)
    if _is_remote(directory):
        for each in blobs(directory):
            yield each.name.rpartition("/")[2], partial(_delete, each)


def _stem(name: str) -> str:
    return name.rpartition("-")[0]


def _delete(each: Any) -> None:
    with suppress(NotFound):
        each.delete(retry=retry())


@contextmanager
def _as_mistakes(directory: str, place: str) -> Iterator[None]:
    try:
        yield
    except (OSError, GoogleAPICallError, GoogleAuthError, RetryError) as error:  # requests' errors are OSErrors
        remedy = "name a directory that you may write to, on gs:// with roles/storage.objectUser"
        raise Mistakes([f"{place}: cannot write to {directory}: {_said(error)}; {remedy}"]) from error


@contextmanager
def writing(directory: str) -> Iterator[None]:
    """Errors of the file system as the job's own. Arrow's are of the same class."""
    try:
        yield
    except OSError as error:
        raise PermanentError(f"cannot write to {directory}: {_said(error)}; {_REMEDY}") from error


def _send(scratch: Path, path: str) -> None:
    """To Cloud Storage, where an object is there when all of it has come; errors as the job's own."""
    from google.cloud.storage.retry import DEFAULT_RETRY

    try:
        blob(path).upload_from_filename(str(scratch), retry=DEFAULT_RETRY)
    except (GoogleAPICallError, GoogleAuthError, RetryError, RequestException) as error:
        kind = PermanentError if getattr(error, "code", None) in _NOT_OURS else JobError
        raise kind(f"cannot write {path}: {_said(error)}; {_REMEDY}") from error


def _is_remote(path: str) -> bool:
    return "://" in path


def _said(error: Exception) -> str:
    return getattr(error, "strerror", None) or in_words(error)
