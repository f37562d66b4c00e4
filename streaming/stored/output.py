"""For each part of the input, a file of what has come of it.

A file's name follows from its part's first record, so that a part that is read again replaces what it has left, and
adds nothing. A file of each bundle would not do: in what order and in which bundles a runner reads the parts is never
the same twice. It begins with what all parts of a file or table have in common, by which another run finds and removes
them before it writes them anew: it may divide the same input otherwise.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import Generic, TypeVar
from uuid import uuid4

from streaming.batches import Batch
from streaming.stored.whole_files import FileFormat, WholeFile, writing

Content = TypeVar("Content")

_STREAM = re.compile(r"/\d+$")  # of a table: no file's path ends so, but in what tells its format


class PartWriter(Generic[Content]):
    """Writes batches, part after part: a file in a directory for each part of the input that anything comes of.

    Args:
        directory: local, or on gs://.
        ending: of the files' names, as in `parquet`.
        salt: tells this job's parts from another's.
        contents: what comes of a batch, in pieces.
        begin: opens a new file at a path.
        starts: the message ids that parts begin with, of origins that have several.

    Raises:
        PermanentError: a file cannot be written, and somebody must mend that.
        JobError: it cannot be written now.
    """

    def __init__(
        self,
        directory: str,
        ending: str,
        salt: str,
        contents: Callable[[Batch], Iterable[Content]],
        begin: Callable[[Path], FileFormat[Content]],
        starts: Collection[str] = (),
    ) -> None:
        self._directory = directory.rstrip("/")
        self._ending = ending
        self._salt = salt
        self._contents = contents
        self._begin = begin
        self._starts = starts
        self._first: str | None = None
        self._under_way: WholeFile[Content] | None = None

    def write(self, batch: Batch) -> None:
        """Write what comes of a batch, if anything does. Where a part begins, the last one is through.

        Batches come in the order in which they were read, and a part is read in one go.
        """
        first = first_id(batch)
        if first is not None and self._begins(first):
            self.close()
            self._first = first
        for content in self._contents(batch):
            with writing(self._directory):
                if self._under_way is None:
                    self._under_way = WholeFile(self._path(), self._begin)
                self._under_way.file.write(content)

    def close(self) -> None:
        """The part is through: what has come of it is there from now on."""
        if self._under_way is not None:
            with writing(self._directory):
                self._under_way.deliver()
        self._first = self._under_way = None

    def discard(self) -> None:
        """Drop what is written of an unfinished part."""
        if self._under_way is not None:
            self._under_way.discard()
        self._first = self._under_way = None

    def _begins(self, first: str) -> bool:
        """Whether a part begins with this record."""
        return self._first is None or _origin(first) != _origin(self._first) or first in self._starts

    def _path(self) -> str:
        first = self._first or uuid4().hex  # of events alone, which are of no message
        common = stem(self._salt, _STREAM.sub("", _origin(first)))
        return f"{self._directory}/{common}-{_digest(first)}.{self._ending}"


def stem(salt: str, origin: str) -> str:
    """What the names of all files of a file's or table's parts begin with, up to the last hyphen.

    Up to the one before, those of other salts do, too.

    Args:
        salt: as `PartWriter` has it.
        origin: the file's path, or the table's id.
    """
    return f"part-{_digest(origin)}-{_digest(salt)}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _origin(message_id: str) -> str:
    return message_id.rpartition("#")[0]


def first_id(batch: Batch) -> str | None:
    """The message id of the batch's first record, whether it was rejected or not; None where it has none."""
    columns = [records.column("message_id").drop_null() for records in (batch.rows, batch.failures)]
    ids = [*columns[0][:1].to_pylist(), *columns[1].to_pylist()]  # rows are in order, failures by their stages
    return min(ids, key=_number, default=None)


def _number(message_id: str) -> int:
    number = message_id.rpartition("#")[2]
    return int(number) if number.isdecimal() else 0  # ids that are not of stored records have no order
