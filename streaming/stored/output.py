"""Files that are there whole or not at all: each holds what came of one part of the input.

A file is written under another name, and has its own once its part is through: nobody reads half of one. Its name
follows from the part's first record, so that a part that is read again replaces what it has left, and adds nothing.
A file of each bundle would not do: in what order and in which bundles a runner reads the parts is never the same twice.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar
from uuid import uuid4

from google.api_core.exceptions import GoogleAPICallError, RetryError
from google.auth.exceptions import GoogleAuthError
from requests import RequestException

from streaming.batches import Batch
from streaming.errors import JobError, Mistakes, PermanentError
from streaming.service_errors import in_words, retry

_REMEDY = "it must be a directory that the job may write to and that has room; correct --output_files, or mend that"
_NOT_OURS = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND)

Content_contra = TypeVar("Content_contra", contravariant=True)


class FileFormat(Protocol[Content_contra]):
    """A file under way."""

    def write(self, content: Content_contra) -> None:
        """Add to it."""

    def close(self) -> None:
        """Write what is left; then it is whole."""


class OutputPart(Generic[Content_contra]):
    """The file that a part of the input adds to a directory, if it has anything to add. One serves part after part.

    Args:
        directory: local, or on gs://.
        ending: of the part's name, as in `parquet`.
        salt: tells this job's parts from another's.
        begin: opens a new file at a path.
        starts: the message ids that parts begin with, but for those that are the first of their file or table.

    Raises:
        PermanentError: a file cannot be written, and somebody must mend that.
        JobError: it cannot be written now.
    """

    def __init__(
        self,
        directory: str,
        ending: str,
        salt: str,
        begin: Callable[[Path], FileFormat[Content_contra]],
        starts: Collection[str] = (),
    ) -> None:
        self._directory = directory.rstrip("/")
        self._ending = ending
        self._salt = salt
        self._begin = begin
        self._starts = starts
        self._first: str | None = None
        self._under_way: tuple[Path, FileFormat[Content_contra]] | None = None

    def follow(self, batch: Batch) -> None:
        """Take note of a batch, whether or not anything is written of it. Where a part begins, the last one is through.

        Batches come in the order in which they were read, and a part is read in one go.
        """
        first = first_id(batch)
        if first is not None and (self._first is None or first.endswith("#1") or first in self._starts):
            self.close()
            self._first = first

    def write(self, content: Content_contra) -> None:
        """Add to the file of the part that is followed."""
        with _writing(self._directory):
            if self._under_way is None:
                scratch = self._scratch()
                self._under_way = (scratch, self._begin(scratch))
            self._under_way[1].write(content)

    def close(self) -> None:
        """The part is through: its file is there from now on."""
        if self._under_way is not None:
            scratch, file = self._under_way
            with _writing(self._directory):
                file.close()
                _deliver(scratch, f"{self._directory}/{self._name()}")
        self._first = self._under_way = None

    def discard(self) -> None:
        """Drop what is written of an unfinished part."""
        if self._under_way is not None:
            self._under_way[0].unlink(missing_ok=True)
        self._first = self._under_way = None

    def _name(self) -> str:
        first = self._first or uuid4().hex  # of events alone, which are of no message
        return f"part-{hashlib.sha256(f'{self._salt}/{first}'.encode()).hexdigest()[:24]}.{self._ending}"

    def _scratch(self) -> Path:
        """Where the part is written: beside its place, hidden; a remote one on this machine, to be sent in one go."""
        directory = Path(tempfile.gettempdir() if _is_remote(self._directory) else self._directory)
        directory.mkdir(parents=True, exist_ok=True)
        return directory / f".part-{uuid4().hex}.{self._ending}"


def first_id(batch: Batch) -> str | None:
    """The message id of the batch's first record, whether it was rejected or not; None where it has none."""
    columns = [records.column("message_id").drop_null() for records in (batch.rows, batch.failures)]
    ids = [*columns[0][:1].to_pylist(), *columns[1].to_pylist()]  # rows are in order, failures by their stages
    return min(ids, key=_number, default=None)


def _number(message_id: str) -> int:
    number = message_id.rpartition("#")[2]
    return int(number) if number.isdecimal() else 0  # ids that are not of stored records have no order


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
            _blob(f"{directory}/").upload_from_string(b"", retry=retry())
            return
        Path(directory).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory):
            pass
    except (OSError, GoogleAPICallError, GoogleAuthError, RetryError) as error:  # requests' errors are OSErrors
        wrong = f"cannot write to {directory}: {_said(error)}"
        raise Mistakes([f"{place}: {wrong}; name a directory that you may write to"]) from error


@contextmanager
def _writing(directory: str) -> Iterator[None]:
    """Errors of the file system as the job's own. Arrow's are of the same class."""
    try:
        yield
    except JobError:
        raise
    except OSError as error:
        raise PermanentError(f"cannot write to {directory}: {_said(error)}; {_REMEDY}") from error


def _deliver(scratch: Path, path: str) -> None:
    if not _is_remote(path):
        scratch.replace(path)
        return
    from google.cloud.storage.retry import DEFAULT_RETRY

    try:
        _blob(path).upload_from_filename(str(scratch), retry=DEFAULT_RETRY)
    except (GoogleAPICallError, GoogleAuthError, RetryError, RequestException) as error:
        kind = PermanentError if getattr(error, "code", None) in _NOT_OURS else JobError
        raise kind(f"cannot write {path}: {_said(error)}; {_REMEDY}") from error
    scratch.unlink()


def _blob(path: str) -> Any:
    """An object of Cloud Storage, which is there when all of it has come.

    Not by way of Beam's file systems, whose writers do not say why they are refused.
    """
    from google.cloud.storage import Client

    bucket, _, name = path.removeprefix("gs://").partition("/")
    return Client(project=None).bucket(bucket).blob(name)


def _is_remote(path: str) -> bool:
    return "://" in path


def _said(error: Exception) -> str:
    return getattr(error, "strerror", None) or in_words(error)
