"""Why messages are refused, and which of them have a fault that explains it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from producers.messages import Fault

_NOT_DECODED = "decode"
_OTHER_SCHEMA = Fault.SCHEMA_CHANGE.value


class Refused:
    """Counts the messages that are refused; for one thread at a time.

    Attributes:
        planted: how many have a fault for which the schema of a topic refuses them.
    """

    def __init__(self) -> None:
        self.planted = 0
        self._reasons: Counter[str] = Counter()
        self._spoilt: set[int] = set()  # of the messages that are not answered yet

    @property
    def reason(self) -> str:
        """Why most of them were; empty where none was."""
        return next((reason for reason, _ in self._reasons.most_common(1)), "")

    def sending(self, rows: pa.RecordBatch) -> None:
        """Messages with these rows of `Messages` are sent next."""
        self._spoilt.update(rows.filter(_spoilt(rows)).column("number").to_pylist())

    def taken(self, numbers: Iterable[int]) -> None:
        """These are not refused."""
        self._spoilt.difference_update(numbers)

    def refused(self, numbers: Sequence[int], reason: str) -> None:
        """These are."""
        self._reasons[reason] += len(numbers)
        self.planted += len(self._spoilt.intersection(numbers))
        self._spoilt.difference_update(numbers)


def _spoilt(rows: pa.RecordBatch) -> pa.BooleanArray:
    """The messages whose payload is not one of the job's schema."""
    unreadable, changed = pc.equal(rows.column("stage"), _NOT_DECODED), pc.equal(rows.column("fault"), _OTHER_SCHEMA)
    return pc.or_(unreadable.fill_null(False), changed.fill_null(False))
