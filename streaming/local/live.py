"""What a running job shows: what is read and written at the start, then a screen that keeps itself up, or lines."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from rich.console import Console, Group
from rich.live import Live as Redrawn
from rich.text import Text

from streaming.local.line import show_figures, show_line
from streaming.local.local_job import LocalJob
from streaming.monitoring.report import Report, Said
from streaming.monitoring.screen import render

LOG_EVERY = timedelta(seconds=10)
"""Between two lines where there is no terminal."""

_LEVEL = re.compile(r"(WARNING|ERROR|CRITICAL) \S+: ")


def banner(
    *,
    source: str,
    writes: Sequence[str | None],
    models: Sequence[str],
    workers: int,
    dead_letters: Sequence[str | None] = (),
    emulators: Mapping[str, str] | None = None,
    metrics: str | None = None,
) -> str:
    """What is read, written and where, a line each; what is not set has no line.

    Args:
        source: read from.
        writes: where predictions go.
        models: their names, in the order in which they run.
        workers: how many worker processes there are.
        dead_letters: where they go.
        emulators: variables that name emulators, with their values.
        metrics: where Prometheus finds the job's metrics.
    """
    rows = {
        "reads": source,
        "models": ", ".join(models),
        "writes": ", ".join(filter(None, writes)),
        "dead letters": ", ".join(filter(None, dead_letters)),
        "workers": str(workers),
        "emulators": ", ".join(f"{name}={host}" for name, host in (emulators or {}).items()),
        "metrics": metrics,
    }
    return "\n".join(f"{name:<13} {value}" for name, value in rows.items() if value)


def _unheard(_: Report) -> None:
    """Nobody else wants to know."""


class Live:
    """Shows a job while it runs: a screen that is redrawn on a terminal, else a line every ten seconds.

    A context manager. Everything goes to standard error unless `console` says otherwise.

    Attributes:
        job: what is shown; one without a name where none is given.
        on_look: called with each look at the job, once a second.
    """

    def __init__(self, console: Console | None = None, job: LocalJob | None = None) -> None:
        self.job = job or LocalJob("job", (), datetime.now(UTC))
        self._console = console or Console(stderr=True)
        self.on_look: Callable[[Report], None] = _unheard
        self._redrawn = Redrawn(console=self._console, auto_refresh=False)
        self._logged: datetime | None = None
        self._progress = ""

    def say(self, text: str) -> None:
        """A line of its own, above the screen."""
        self._console.print(Text(text), soft_wrap=True)

    def complain(self, text: str) -> None:
        """As `say`, of an error, which the screen shows for a while."""
        self.job.say(Said(datetime.now(UTC), is_error=True, text=text))
        self.say(text)

    def relay(self, line: str) -> None:
        """As `say`, of what a worker has logged; warnings and errors are shown on the screen, too."""
        if level := _LEVEL.match(line):
            self.job.say(Said(datetime.now(UTC), level[1] != "WARNING", line))
        self.say(line)

    def update(self, worker: int, snapshot: Mapping[str, Any]) -> None:
        """The latest `streaming.metrics.snapshot` of a worker."""
        self.job.totals.update(worker, snapshot, datetime.now(UTC))
        if "parts" in snapshot:
            self._progress = "{} of {} parts read".format(*snapshot["parts"])

    def stop(self) -> None:
        """All workers are asked to stop."""
        self.job.stop()

    def end(self, worker: int) -> None:
        """A worker has ended."""
        self.job.totals.end(worker)

    def forget(self, worker: int) -> None:
        """A worker has ended, and the next one will do all of its work again."""
        self.job.totals.forget(worker)

    def tick(self, now: datetime) -> None:
        """Show the job; call it every second."""
        report = self.job.look(now)
        self.on_look(report)
        if self._console.is_terminal:
            progress = self.progress()
            shown = [Text(progress, no_wrap=True, overflow="ellipsis")] if progress else []
            self._redrawn.update(Group(*shown, render(report, self._console.height - len(shown))), refresh=True)
        elif self._logged is None or now - self._logged >= LOG_EVERY:
            self._logged = now
            self.say(" | ".join(filter(None, [self.progress(), show_line(report, self.job.totals.counted())])))

    def progress(self) -> str:
        """What `tick` shows before all else: of a job over stored data, how much of it is read."""
        return self._progress

    def finish(self, now: datetime) -> None:
        """Show the last figures, once all workers have ended."""
        line = show_figures(self.job.look(now).figures, self.job.totals.counted())
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
