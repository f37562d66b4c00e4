"""What the workers of a job have counted, all together."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from streaming.monitoring.report import Reason
from streaming.tally import MOST_REASONS


@dataclass(frozen=True)
class Counted:
    """What processes have counted, by the names of `streaming.metrics`.

    Attributes:
        counters: totals.
        fine: of histograms, the buckets by which quantiles can be told; see `streaming.tally`.
    """

    counters: Counter[str] = field(default_factory=Counter)
    fine: Counter[str] = field(default_factory=Counter)

    def __add__(self, other: Counted) -> Counted:
        return Counted(_sum(self.counters, other.counters), _sum(self.fine, other.fine))

    def beginning(self, prefix: str) -> dict[str, int]:
        """The totals whose names begin so, by the rest of their names."""
        return _beginning(self.counters, prefix)

    def in_hand(self) -> int:
        """So many messages at least are read and not answered: a dead letter may have no latency."""
        answered = sum(_beginning(self.fine, "latency_ms_bucket_").values())
        return max(0, self.counters["messages_read"] - answered - sum(self.beginning("dead_letters_").values()))


@dataclass(frozen=True)
class _Heard:
    """What a worker has reported last, and when."""

    at: datetime
    counted: Counted


class Totals:
    """Sums the workers up. A restarted worker counts from zero again; the totals here do not.

    It may be read on other threads than the one on which it is updated.
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        """Without any worker; counters of these names are zero, and others are not there, until they are counted."""
        self._lock = threading.Lock()
        self._running: dict[int, _Heard] = {}
        self._ended = Counted(Counter(dict.fromkeys(names, 0)))
        self._reasons: dict[tuple[str, str, str], Reason] = {}

    def update(self, worker: int, snapshot: Mapping[str, Any], at: datetime) -> None:
        """The latest `streaming.metrics.snapshot` of a worker."""
        counted = Counted(Counter(snapshot["counters"]), Counter(snapshot["fine"]))
        with self._lock:
            self._running[worker] = _Heard(at, counted)
            self._remember(snapshot["reasons"])

    def end(self, worker: int) -> None:
        """A worker has ended: what it counted stays counted."""
        with self._lock:
            if worker in self._running:
                self._ended += self._running.pop(worker).counted

    def forget(self, worker: int) -> None:
        """A worker has ended, and all that it did will be done again: it has counted nothing."""
        with self._lock:
            self._running.pop(worker, None)

    def counted(self) -> Counted:
        """The sum of all workers, of those that have ended, too."""
        with self._lock:
            return sum((each.counted for each in self._running.values()), self._ended)

    def in_hand(self) -> int:
        """What `Counted.in_hand` says of the workers that run."""
        with self._lock:
            return sum(each.counted.in_hand() for each in self._running.values())

    def heard(self) -> Mapping[int, datetime]:
        """The workers that run and have reported, and when they last did."""
        with self._lock:
            return {worker: each.at for worker, each in self._running.items()}

    def reasons(self) -> tuple[Reason, ...]:
        """Of the latest dead letters that differ, the latest first."""
        with self._lock:
            return tuple(sorted(self._reasons.values(), key=lambda reason: reason.at, reverse=True))

    def _remember(self, reasons: Sequence[Mapping[str, Any]]) -> None:
        for each in reasons:
            at = datetime.fromtimestamp(each["at"], UTC)
            reason = Reason(at, each["stage"], each["error_class"], each["message"])
            key = (reason.stage, reason.error_class, reason.message)
            if key not in self._reasons or self._reasons[key].at < at:
                self._reasons[key] = reason
        for oldest in sorted(self._reasons, key=lambda key: self._reasons[key].at)[:-MOST_REASONS]:
            del self._reasons[oldest]


def _sum(one: Counter[str], other: Counter[str]) -> Counter[str]:
    """Unlike `+`, which forgets what is zero."""
    total = Counter(one)
    total.update(other)
    return total


def _beginning(counters: Mapping[str, int], prefix: str) -> dict[str, int]:
    return {name.removeprefix(prefix): count for name, count in counters.items() if name.startswith(prefix)}
