"""Small files and the directories they lie in, local or on gs://."""

from __future__ import annotations

import glob
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

from streaming.errors import Mistakes, PermanentError, no_credentials
from streaming.registry import shared

if TYPE_CHECKING:
    from apache_beam.io.filesystem import FileMetadata

CREDENTIALS = "google_credentials"
"""Under which a process holds that it has them."""


@dataclass(frozen=True, order=True)
class File:
    """A file below a directory.

    Attributes:
        name: its path from there, with `/` between the parts.
        size: in bytes.
        changed: when it last was, in seconds since 1970.
    """

    name: str
    size: int
    changed: float


def read_file(path: str, place: str, remedy: str = "") -> bytes:
    """The content of the file at `path`.

    Args:
        path: a local path, or a URL that Beam's file systems know, such as gs://.
        place: the flag or key that names the file, for the error message.
        remedy: what that message says of a file that is not there, beside its name.

    Raises:
        Mistakes: there is no such file, or it cannot be read.
    """
    try:
        if "://" not in path:
            return Path(path).read_bytes()
        from apache_beam.io.filesystems import FileSystems  # costs seconds, and only remote files need it

        _see_credentials(path)
        with FileSystems.open(path) as file:
            return bytes(file.read())
    except Exception as error:  # every file system has its own errors; all mean: not readable, for this reason
        if is_missing(error):
            raise Mistakes([f"{place}: no file {path}{remedy and f'; {remedy}'}"]) from error
        raise Mistakes([f"{place}: {path} cannot be read: {_in_words(error)}"]) from error


def list_files(directory: str, place: str) -> tuple[File, ...]:
    """All files below `directory`, at any depth, by name; what lies behind symbolic links as well.

    Args:
        directory: a local path, or a URL that Beam's file systems know, such as gs://.
        place: the flag or key that names the directory, for the error message.

    Raises:
        Mistakes: there is no such directory (on gs://, one without files does not exist), or it cannot be listed.
    """
    try:
        files = tuple(sorted(_remote_files(directory) if "://" in directory else _local_files(directory)))
    except Exception as error:  # as in `read_file`
        if is_missing(error):
            raise Mistakes([f"{place}: no directory {directory}; correct the path"]) from error
        raise Mistakes([f"{place}: {directory} cannot be listed: {_in_words(error)}"]) from error
    if not files and "://" in directory:
        raise Mistakes([f"{place}: no directory {directory}; correct the path"])
    return files


def remote_files(pattern: str) -> Iterator[FileMetadata]:
    """The files that a glob finds, a URL such as gs://bucket/2026/**, as Beam describes them.

    Raises:
        Exception: they cannot be listed; it is the file system's own error, without those that Beam wraps around it.
    """
    from apache_beam.io.filesystem import BeamIOError
    from apache_beam.io.filesystems import FileSystems

    _see_credentials(pattern)
    logging.getLogger("apache_beam.io.gcp.gcsio").setLevel(logging.WARNING)  # two lines of INFO for each listing
    try:
        (found,) = FileSystems.match([pattern])
    except BeamIOError as error:
        raise _cause(error) from None
    for file in found.metadata_list:
        if not file.path.endswith("/"):  # the objects that consoles make to show a directory
            yield file


def _see_credentials(path: str) -> None:
    """See that there are credentials for a file on gs://: without any, Beam's file systems try for minutes.

    Raises:
        PermanentError: there are none; the message has the remedy.
    """
    if path.startswith("gs://"):
        import google.auth
        from google.auth.exceptions import GoogleAuthError

        try:
            shared(CREDENTIALS, google.auth.default)  # finding them takes long: it may ask gcloud
        except GoogleAuthError as error:
            raise PermanentError(no_credentials(error)) from error


def _in_words(error: Exception) -> str:
    from streaming.service_errors import in_words  # costs a second, and only what has failed needs it

    return in_words(error)


def _cause(error: Exception) -> Exception:
    """What is left when the errors that Beam's file systems wrap around another are taken off."""
    while details := getattr(error, "exception_details", None):
        error = next(iter(details.values()))
    return error


def is_missing(error: Exception) -> bool:
    """Whether a file system says that there is no such file."""
    return isinstance(error, FileNotFoundError) or getattr(error, "code", None) == HTTPStatus.NOT_FOUND


def _local_files(directory: str) -> Iterator[File]:
    with os.scandir(directory):  # which raises where os.walk finds nothing
        pass
    for root, inner, names in os.walk(directory, followlinks=True):
        here = Path(root).resolve()
        inner[:] = [name for name in inner if not here.is_relative_to(Path(root, name).resolve())]  # no endless circle
        for path in (Path(root, name) for name in names):
            try:
                status = path.stat()
            except FileNotFoundError:
                continue  # removed since, or a link to nothing
            # The time of the inode, as copies often keep the other one.
            yield File(path.relative_to(directory).as_posix(), status.st_size, status.st_ctime)


def _remote_files(directory: str) -> Iterator[File]:
    for file in remote_files(f"{glob.escape(directory)}/**"):
        yield File(file.path.removeprefix(f"{directory}/"), file.size_in_bytes, file.last_updated_in_seconds)
