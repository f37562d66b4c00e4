"""What one process has counted: totals by name, fine histograms, and the latest reasons of dead letters."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

FINE_BOUNDS = np.unique(np.floor(np.geomspace(1, 3_600_000, 160)))
"""Upper bounds of a process's own histograms, 10 % apart: fine enough to show a p99. The last one is an hour in ms."""

MOST_REASONS = 10
MOST_WORDS = 300
"""Characters of a reason's message that are kept."""


@dataclass(frozen=True)
class Reason:
    """Why a message became a dead letter: `at` seconds since 1970."""

    stage: str
    error_class: str
    message: str
    at: float


class Tally:
    """Counts over all threads of a process.

    Attributes:
        ready: set once models are loaded and messages are being read.
    """

    def __init__(self) -> None:
        self.ready = threading.Event()
        self._lock = threading.Lock()
        self._totals: Counter[str] = Counter()
        self._owed: Counter[str] = Counter()
        self._fine: dict[str, np.ndarray] = {}
        self._fractions: dict[str, float] = {}
        self._reasons: dict[tuple[str, str, str], Reason] = {}

    def add(self, amounts: Mapping[str, int]) -> None:
        """Add to the totals of these names; one of zero is there from then on."""
        with self._lock:
            for name, amount in amounts.items():
                self._totals[name] += amount

    def observe(self, name: str, values: np.ndarray) -> int:
        """Sort values into the fine histogram `name`; by how much the sum of whole numbers grows.

        Fractions are carried over to the next values, lest a thousand calls of 0.4 ms take no time.
        """
        buckets = np.bincount(FINE_BOUNDS.searchsorted(values), minlength=len(FINE_BOUNDS) + 1)
        with self._lock:
            self._fine[name] = self._fine.get(name, 0) + buckets
            whole, self._fractions[name] = divmod(self._fractions.get(name, 0.0) + float(values.sum()), 1)
        return int(whole)

    def owe(self, name: str, amount: int) -> None:
        """Note a count that the runner is yet to be told."""
        with self._lock:
            self._owed[name] += amount

    def owed(self) -> Mapping[str, int]:
        """What was owed until now; from now on it is not."""
        with self._lock:
            owed, self._owed = self._owed, Counter()
        return owed

    def remember(self, reasons: Sequence[Reason]) -> None:
        """Keep the latest reasons, equal ones once."""
        with self._lock:
            for reason in reasons:
                key = (reason.stage, reason.error_class, reason.message[:MOST_WORDS])
                self._reasons.pop(key, None)
                self._reasons[key] = Reason(*key, reason.at)
            for oldest in list(self._reasons)[:-MOST_REASONS]:
                del self._reasons[oldest]

    def snapshot(self) -> dict[str, Any]:
        """The numbers since the process's start, as JSON takes them.

        `counters`: all totals, by the names that Beam's counters have. `fine`: of each histogram the buckets that hold
        any, as `<name>_bucket_<bound>` and `<name>_bucket_above`, 10 % apart; they count again what the wide buckets of
        the same histogram among `counters` do. `reasons`: of the latest dead letters that differ, the latest last.
        """
        with self._lock:
            return {
                "counters": dict(self._totals),
                "fine": {each: count for name, counts in self._fine.items() for each, count in _filled(name, counts)},
                "reasons": [asdict(reason) for reason in self._reasons.values()],
            }


def _filled(name: str, counts: np.ndarray) -> list[tuple[str, int]]:
    bounds = [*map(int, FINE_BOUNDS), "above"]
    return [(f"{name}_bucket_{bounds[bucket]}", int(counts[bucket])) for bucket in np.flatnonzero(counts).tolist()]
