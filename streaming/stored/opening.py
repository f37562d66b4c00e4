"""Files that a glob finds, local or on gs://, and their bytes as a stream, unzipped where they are gzipped."""

from __future__ import annotations

import glob
import gzip
import stat
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from streaming.errors import Mistakes, one_line
from streaming.files import remote_files

ReadOn = Callable[[int], tuple[bytes, str | None]]
"""Reads about so many bytes, none at the end; and says why none can follow, where the file is no whole gzip file."""

_NO_GZIP = (EOFError, gzip.BadGzipFile, zlib.error)


@dataclass(frozen=True, order=True)
class StoredFile:
    """A file. `changed` is when it last was, in microseconds since 1970."""

    path: str
    size: int
    changed: int


def matching(pattern: str, place: str) -> tuple[StoredFile, ...]:
    """The files that a glob finds, by path; `**` stands for any depth.

    Args:
        pattern: a local one, or a URL that Beam's file systems know, such as gs://bucket/2026/*.avro.
        place: the flag that gives it, for the error message.

    Raises:
        Mistakes: it cannot be listed.
    """
    try:
        return tuple(sorted(_remote(pattern) if "://" in pattern else _local(pattern)))
    except Exception as error:  # every file system has its own errors; all mean: not listable, for this reason
        raise Mistakes([f"{place}: {pattern} cannot be listed: {one_line(error)}"]) from error


def open_file(path: str) -> AbstractContextManager[BinaryIO]:
    """The bytes of a file as they are stored, from the first on, seekable."""
    if "://" not in path:
        return Path(path).open("rb")
    from apache_beam.io.filesystem import CompressionTypes
    from apache_beam.io.filesystems import FileSystems  # costs seconds, and only remote files need it

    opened = FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED)
    return cast("AbstractContextManager[BinaryIO]", opened)


@contextmanager
def open_unzipped(path: str) -> Iterator[ReadOn]:
    """The bytes of a file; what is in it, where its name ends in .gz."""
    with open_file(path) as file:
        yield _Unzipped(file).read if path.lower().endswith(".gz") else lambda size: (file.read(size), None)


class _Unzipped:
    """What a gzipped file holds."""

    def __init__(self, file: BinaryIO) -> None:
        self._stream = gzip.GzipFile(fileobj=file)

    def read(self, size: int) -> tuple[bytes, str | None]:
        """As `ReadOn`."""
        pieces, missing = [], size
        try:
            while missing > 0 and (piece := self._stream.read1(missing)):  # `read` would lose what precedes an error
                pieces.append(piece)
                missing -= len(piece)
        except _NO_GZIP as error:
            return b"".join(pieces), f"the file is no whole gzip file: {error}"
        return b"".join(pieces), None


def _local(pattern: str) -> Iterator[StoredFile]:
    for path in glob.iglob(pattern, recursive=True):  # noqa: PTH207 - Path takes no absolute pattern
        status = Path(path).stat()
        if stat.S_ISREG(status.st_mode):
            yield StoredFile(path, status.st_size, status.st_mtime_ns // 1000)


def _remote(pattern: str) -> Iterator[StoredFile]:
    for file in remote_files(pattern):
        yield StoredFile(file.path, file.size_in_bytes, round(file.last_updated_in_seconds * 1_000_000))
