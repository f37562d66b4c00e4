"""What a running job shows: what is read and written at the start, then one line of figures that keeps itself up.

`Meter` computes, `show` words, `Live` draws.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from rich.console import Console
from rich.live import Live as Redrawn
from rich.text import Text

RATE_SPAN = 5.0  # seconds over which a rate is taken
LATENCY_SPAN = 10.0  # seconds over which percentiles are taken
LOG_EVERY = 10.0  # seconds between two lines where there is no terminal


@dataclass(frozen=True)
class Stats:
    """Totals since a worker's start.

    `latency` counts messages by the upper bound, in seconds, of how long they took from publishing until every sink
    had answered for them.
    """

    messages: int = 0
    predictions: int = 0
    dead_letters: int = 0
    latency: Counter[float] = field(default_factory=Counter)

    @classmethod
    def of(cls, snapshot: Mapping[str, Any]) -> Stats:
        """From a `streaming.metrics.snapshot`, in which the bound of the last bucket is None."""
        latency = {math.inf if bound is None else bound: count for bound, count in snapshot["latency"]}
        return cls(snapshot["messages_read"], snapshot["predictions"], snapshot["dead_letters"], Counter(latency))

    def in_hand(self) -> int:
        """So many messages at least are read and not answered: a dead letter may have no latency."""
        return max(0, self.messages - self.latency.total() - self.dead_letters)

    def __add__(self, other: Stats) -> Stats:
        return Stats(
            self.messages + other.messages,
            self.predictions + other.predictions,
            self.dead_letters + other.dead_letters,
            self.latency + other.latency,
        )


@dataclass(frozen=True)
class Figures:
    """What there is to show: totals, and what is known of rates (a second) and latency (seconds).

    `workers` counts those that run and have reported. `in_hand` is what `Stats.in_hand` says of these.
    """

    workers: int
    in_hand: int
    totals: Stats
    message_rate: float | None
    prediction_rate: float | None
    dead_letter_rate: float | None
    p50: float | None
    p99: float | None


class Meter:
    """Sums the workers' figures up. A restarted worker counts from zero again; the totals here do not."""

    def __init__(self) -> None:
        self._running: dict[int, Stats] = {}
        self._ended = Stats()
        self._history: deque[tuple[float, Stats]] = deque()

    def update(self, worker: int, stats: Stats) -> None:
        """The latest figures of a worker."""
        self._running[worker] = stats

    def end(self, worker: int) -> None:
        """A worker has ended: what it counted stays counted."""
        self._ended += self._running.pop(worker, Stats())

    def figures(self, now: float) -> Figures:
        """The figures at the time `now` (seconds on a clock that never goes back)."""
        totals = sum(self._running.values(), self._ended)
        self._history.append((now, totals))
        while self._history[0][0] < now - max(RATE_SPAN, LATENCY_SPAN):
            self._history.popleft()
        rate_start, before = self._since(now - RATE_SPAN)
        latency = totals.latency - self._since(now - LATENCY_SPAN)[1].latency
        seconds = now - rate_start
        return Figures(
            len(self._running),
            sum(each.in_hand() for each in self._running.values()),
            totals,
            _rate(totals.messages - before.messages, seconds),
            _rate(totals.predictions - before.predictions, seconds),
            _rate(totals.dead_letters - before.dead_letters, seconds),
            percentile(latency, 0.50),
            percentile(latency, 0.99),
        )

    def _since(self, start: float) -> tuple[float, Stats]:
        return next(sample for sample in self._history if sample[0] >= start)


def percentile(latency: Counter[float], share: float) -> float | None:
    """The upper bound of the bucket in which `share` of all messages is reached; None without messages."""
    wanted = share * latency.total()
    reached = 0
    for bound, count in sorted(latency.items()):
        reached += count
        if reached >= wanted:
            return bound
    return None


def show(figures: Figures) -> str:
    """The figures as one line; `-` stands for what is not known."""
    totals = figures.totals
    return " | ".join(
        [
            f"messages {totals.messages:,} ({_show_rate(figures.message_rate)})",
            f"predictions {totals.predictions:,} ({_show_rate(figures.prediction_rate)})",
            f"dead letters {totals.dead_letters:,} ({_show_rate(figures.dead_letter_rate)})",
            f"latency p50 {_show_seconds(figures.p50)} p99 {_show_seconds(figures.p99)}",
        ]
    )


def show_idle(figures: Figures) -> str:
    """Why no messages come in, or nothing when they do."""
    if figures.workers == 0:
        return " | starting"
    if figures.message_rate != 0:
        return ""
    return " | messages in hand are not answered yet" if figures.in_hand else " | no messages are coming in"


def banner(
    *,
    subscription: str,
    table: str,
    models: Sequence[str],
    workers: int,
    topic: str | None = None,
    deadletter_table: str | None = None,
    deadletter_topic: str | None = None,
    emulators: Mapping[str, str] | None = None,
) -> str:
    """What is read, written and where, a line each; what is not set has no line.

    Args:
        subscription: read from.
        table: predictions go to.
        models: their names, in the order in which they run.
        workers: how many worker processes there are.
        topic: predictions go to, too.
        deadletter_table: dead letters go to.
        deadletter_topic: dead letters go to, too.
        emulators: variables that name emulators, with their values.
    """
    rows = {
        "reads": subscription,
        "models": ", ".join(models),
        "writes": ", ".join(filter(None, [table, topic])),
        "dead letters": ", ".join(filter(None, [deadletter_table, deadletter_topic])),
        "workers": str(workers),
        "emulators": ", ".join(f"{name}={host}" for name, host in (emulators or {}).items()),
    }
    return "\n".join(f"{name:<13} {value}" for name, value in rows.items() if value)


class Live:
    """Shows a job while it runs: a line that is redrawn on a terminal, else a line every ten seconds.

    A context manager. Everything goes to standard error unless `console` says otherwise.
    """

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True)
        self._meter = Meter()
        self._redrawn = Redrawn(console=self._console, auto_refresh=False)
        self._logged: float | None = None
        self._stopping = False

    def say(self, text: str) -> None:
        """A line of its own, above the live line."""
        self._console.print(Text(text), soft_wrap=True)

    def update(self, worker: int, snapshot: Mapping[str, Any]) -> None:
        """The latest `streaming.metrics.snapshot` of a worker."""
        self._meter.update(worker, Stats.of(snapshot))

    def stop(self) -> None:
        """All workers are asked to stop: from now on nothing is waited for."""
        self._stopping = True

    def end(self, worker: int) -> None:
        """A worker has ended."""
        self._meter.end(worker)

    def tick(self, now: float) -> None:
        """Show the figures at the time `now` (seconds on a clock that never goes back); call it every second."""
        line = self.line(self._meter.figures(now))
        if self._console.is_terminal:
            self._redrawn.update(Text(line, no_wrap=True, overflow="ellipsis"), refresh=True)
        elif self._logged is None or now - self._logged >= LOG_EVERY:
            self._logged = now
            self.say(line)

    def line(self, figures: Figures) -> str:
        """What `tick` shows."""
        return show(figures) + (" | stopping" if self._stopping else show_idle(figures))

    def finish(self, now: float) -> None:
        """Show the last figures, once all workers have ended."""
        line = show(self._meter.figures(now))
        if self._console.is_terminal:
            self._redrawn.update(Text(line, no_wrap=True, overflow="ellipsis"), refresh=True)
        else:
            self.say(line)

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._redrawn.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._redrawn.stop()


def _rate(count: int, seconds: float) -> float | None:
    return count / seconds if seconds > 0 else None


def _show_rate(rate: float | None) -> str:
    if rate is None:
        return "-"
    return f"{rate:.1f}/s" if 0 < rate < 10 else f"{rate:,.0f}/s"


def _show_seconds(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    if math.isinf(seconds):
        return "over 1 h"  # the last bound of the workers' histograms
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
