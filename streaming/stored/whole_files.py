"""Files that are there whole or not at all, local or on gs://.

A file is written under another name, and has its own once it is whole: nobody reads half of one.
"""

from __future__ import annotations

import errno
import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from pathlib import Path
from typing import Any, BinaryIO, Generic, Protocol, TypeVar

from google.api_core.exceptions import GoogleAPICallError, NotFound, RetryError
from google.auth.exceptions import GoogleAuthError
from requests import RequestException

from streaming.cloud_storage import blob
from streaming.errors import JobError, Mistakes, PermanentError
from streaming.service_errors import in_words, retry

_REMEDY = "it must be a directory that the job may write to and that has room; correct --output_files, or mend that"
_NOT_OURS = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND)

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
        self._scratch.unlink(missing_ok=True)  # not to share a file with another run that is still writing it
        self.file = begin(self._scratch)
        self._status = self._scratch.stat()

    def deliver(self) -> None:
        """Give it its name."""
        self.file.close()
        if not self._is_own():
            raise FileExistsError(errno.EEXIST, "another run of the job writes the same files")
        if _is_remote(self._path):
            _send(self._scratch, self._path)
            self._scratch.unlink()
        else:
            self._scratch.replace(self._path)

    def discard(self) -> None:
        """Drop it; what another run has begun in its place stays."""
        if self._is_own():
            self._scratch.unlink()

    def _is_own(self) -> bool:
        return self._scratch.exists() and os.path.samestat(self._scratch.stat(), self._status)


def _scratch(path: str) -> Path:
    """Where a file is written. It follows from the path, so that what a killed run has left there is found again."""
    if _is_remote(path):
        return Path(tempfile.gettempdir(), f".part-{hashlib.sha256(path.encode()).hexdigest()[:24]}")
    return Path(path).with_name(f".{Path(path).name}")


def make_directory(directory: str, place: str) -> None:
    """See, before the job starts, that files can be written to a directory, and make it where it is missing.

    Args:
        directory: local, or on gs://.
        place: the flag that names it, for the error message.

    Raises:
        Mistakes: they cannot.
    """
    directory = directory.rstrip("/")
    try:
        if _is_remote(directory):
            # An object of this name is a directory to the console.
            blob(f"{directory}/").upload_from_string(b"", retry=retry())
            return
        Path(directory).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory):
            pass
    except (OSError, GoogleAPICallError, GoogleAuthError, RetryError) as error:  # requests' errors are OSErrors
        wrong = f"cannot write to {directory}: {_said(error)}"
        raise Mistakes([f"{place}: {wrong}; name a directory that you may write to"]) from error


@contextmanager
def writing(directory: str) -> Iterator[None]:
    """Errors of the file system as the job's own. Arrow's are of the same class."""
    try:
        yield
    except OSError as error:
        raise PermanentError(f"cannot write to {directory}: {_said(error)}; {_REMEDY}") from error


def remove(path: str) -> None:
    """Remove what earlier runs have left of a file."""
    _scratch(path).unlink(missing_ok=True)
    if _is_remote(path):
        from google.cloud.storage.retry import DEFAULT_RETRY

        with _changing(path) as each, suppress(NotFound):
            each.delete(retry=DEFAULT_RETRY)
    else:
        Path(path).unlink(missing_ok=True)


def _send(scratch: Path, path: str) -> None:
    from google.cloud.storage.retry import DEFAULT_RETRY

    with _changing(path) as each:
        each.upload_from_filename(str(scratch), retry=DEFAULT_RETRY)


@contextmanager
def _changing(path: str) -> Iterator[Any]:
    """An object of Cloud Storage, which is there when all of it has come; errors as the job's own."""
    try:
        yield blob(path)
    except (GoogleAPICallError, GoogleAuthError, RetryError, RequestException) as error:
        kind = PermanentError if getattr(error, "code", None) in _NOT_OURS else JobError
        raise kind(f"cannot write {path}: {_said(error)}; {_REMEDY}") from error


def _is_remote(path: str) -> bool:
    return "://" in path


def _said(error: Exception) -> str:
    return getattr(error, "strerror", None) or in_words(error)
