"""Reports before somebody's eyes: on a terminal one screen that keeps itself up, elsewhere one after the other."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from rich.console import Console
from rich.live import Live
from rich.rule import Rule
from rich.text import Text

from streaming.monitoring.as_json import to_json
from streaming.monitoring.report import Report
from streaming.monitoring.screen import render
from streaming.monitoring.verdict import Health

Look = Callable[[], Report]
"""Gives a report each time it is called."""


@dataclass(frozen=True)
class Watching:
    """How reports are shown.

    Attributes:
        every: the time from one look to the next; None: there is only one.
        as_json: as documents for machines, in place of screens; of several each is on a line of its own.
    """

    every: timedelta | None
    as_json: bool = False

    def show(self, look: Look, console: Console) -> Health:
        """Show reports until Ctrl-C, or one; the health that the last one tells.

        Raises:
            KeyboardInterrupt: Ctrl-C came before the first report.
        """
        health: Health | None = None
        try:
            with self._shown(console) as show:
                for report in self._reports(look):
                    show(report)
                    health = report.verdicts[0].health
        except KeyboardInterrupt:
            if health is None:
                raise
        assert health is not None  # there is a first report, or an exception
        return health

    def _reports(self, look: Look) -> Iterator[Report]:
        yield look()
        while self.every is not None:
            time.sleep(self.every.total_seconds())
            yield look()

    @contextmanager
    def _shown(self, console: Console) -> Iterator[Callable[[Report], None]]:
        if self.as_json:
            indent = 2 if self.every is None else None
            yield lambda report: _write(json.dumps(to_json(report), indent=indent, ensure_ascii=False), console)
        elif self.every is not None and console.file.isatty():  # colours may be forced without a terminal
            with Live(Text("looking at the job"), console=console, auto_refresh=False) as live:
                yield lambda report: live.update(render(report, console.height), refresh=True)
        else:
            yield _Printed(console)


class _Printed:
    """Screens one below the other."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._is_first = True

    def __call__(self, report: Report) -> None:
        if not self._is_first:
            self._console.print(Rule())
        self._is_first = False
        self._console.print(render(report))
        self._console.file.flush()


def _write(line: str, console: Console) -> None:
    console.file.write(f"{line}\n")
    console.file.flush()
