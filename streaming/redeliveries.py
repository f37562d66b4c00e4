"""Messages that a process has seen before, as far as it remembers."""

from __future__ import annotations

import threading
from collections.abc import Iterable

REMEMBERED = 100_000


class Redeliveries:
    """A bounded memory of message ids, for all threads: hashes in two generations, the older of which is forgotten.

    Args:
        remembered: so many ids at least, once as many have come; never more than twice as many and a batch.
    """

    def __init__(self, remembered: int = REMEMBERED) -> None:
        self._remembered = remembered
        self._lock = threading.Lock()
        self._older: set[int] = set()
        self._newer: set[int] = set()

    def among(self, message_ids: Iterable[str]) -> int:
        """How many of these are repeated, here or from before; from now on all of them are known."""
        hashes = [hash(each) for each in message_ids]
        distinct = set(hashes)
        with self._lock:
            before = len((distinct & self._newer) | (distinct & self._older))
            self._newer |= distinct
            if len(self._newer) >= self._remembered:
                self._older, self._newer = self._newer, set()
        return len(hashes) - len(distinct) + before
