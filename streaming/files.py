"""Small files, local or on gs://."""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path

from streaming.errors import Mistakes, one_line


def read_file(path: str, place: str) -> bytes:
    """The content of the file at `path`.

    Args:
        path: a local path, or a URL that Beam's file systems know, such as gs://.
        place: the flag or key that names the file, for the error message.

    Raises:
        Mistakes: there is no such file, or it cannot be read.
    """
    try:
        if "://" not in path:
            return Path(path).read_bytes()
        from apache_beam.io.filesystems import FileSystems  # costs seconds, and only remote files need it

        with FileSystems.open(path) as file:
            return bytes(file.read())
    except Exception as error:  # every file system has its own errors; all mean: not readable, for this reason
        if isinstance(error, FileNotFoundError) or getattr(error, "code", None) == HTTPStatus.NOT_FOUND:
            raise Mistakes([f"{place}: no file {path}"]) from error
        raise Mistakes([f"{place}: {path} cannot be read: {one_line(error)}"]) from error
