"""How far publishing has come: a line that is redrawn on a terminal, else a line every ten seconds."""

from __future__ import annotations

from collections import deque
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from producers.publishing.sending import Totals

RATE_SECONDS = 5.0
"""The rate is taken over so long."""

LOG_SECONDS = 10.0
"""Between two lines where there is no terminal."""


class PublishProgress:
    """Shows the totals of a sending. A context manager.

    Args:
        messages: how many there will be; None where there is no end.
        console: where; standard error by default.
    """

    def __init__(self, messages: int | None, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True)
        self._history: deque[Totals] = deque([Totals()])
        self._logged = 0.0
        bar = [BarColumn()] if messages else []
        words = TextColumn("{task.description}", markup=False)
        self._progress = Progress(
            SpinnerColumn(),
            *bar,
            words,
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        self._task = self._progress.add_task("checking", total=messages)

    def say(self, text: str) -> None:
        """A line of its own, above the one that is redrawn."""
        self._console.print(Text(text), soft_wrap=True)

    def update(self, totals: Totals) -> None:
        """Show these totals, which never fall."""
        self._history.append(totals)
        while self._history[0].seconds < totals.seconds - RATE_SECONDS:
            self._history.popleft()
        words = show(totals, self._history[0])
        self._progress.update(self._task, completed=totals.messages, description=words)
        if not self._console.is_terminal and totals.seconds - self._logged >= LOG_SECONDS:
            self._logged = totals.seconds
            self.say(words)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()


def show(totals: Totals, before: Totals) -> str:
    """The totals in words, and the rate since `before`."""
    seconds = totals.seconds - before.seconds
    rate = f" ({show_rate((totals.published - before.published) / seconds)})" if seconds > 0 else ""
    others = {"refused": totals.refused, "under way": totals.unknown}
    return " | ".join(
        [f"{totals.published:,} published{rate}", *(f"{count:,} {name}" for name, count in others.items() if count)]
    )


def show_rate(rate: float) -> str:
    """As in `0.05/s`, `7.25/s`, `100/s` and `20,000/s`."""
    return f"{rate:.3g}/s" if rate < 100 else f"{rate:,.0f}/s"
