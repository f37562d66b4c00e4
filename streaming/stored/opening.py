"""Files that a glob finds, local or on gs://, and their bytes as a stream."""

from __future__ import annotations

import glob
import stat
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from streaming.errors import Mistakes, one_line
from streaming.files import remote_files


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


def _local(pattern: str) -> Iterator[StoredFile]:
    for path in glob.iglob(pattern, recursive=True):  # noqa: PTH207 - Path takes no absolute pattern
        status = Path(path).stat()
        if stat.S_ISREG(status.st_mode):
            yield StoredFile(path, status.st_size, status.st_mtime_ns // 1000)


def _remote(pattern: str) -> Iterator[StoredFile]:
    for file in remote_files(pattern):
        yield StoredFile(file.path, file.size_in_bytes, round(file.last_updated_in_seconds * 1_000_000))
