"""The summary of a replay as it is shown in a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from producers.replaying.replay_summary import NAMED, Held, Reason, Summary, Tally

_COLUMNS = ("stage", "error class", "model", "letters", "oldest", "newest", "example")
_EXAMPLE = 100  # characters


def render(summary: Summary, *, dry_run: bool) -> RenderableType:
    """A table of the letters whose messages went, or would go, by their reason; totals; and what stays and why."""
    lines = [Text(line) for line in _lines(summary, dry_run=dry_run)]
    return Group(_table(summary.reasons), *lines) if summary.reasons else Group(*lines)


def _table(reasons: Mapping[Reason, Tally]) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in _COLUMNS:
        table.add_column(column, justify="right" if column == "letters" else "left", overflow="fold")
    for reason, tally in sorted(reasons.items(), key=lambda item: (item[0].stage, item[0].error_class, str(item[0]))):
        cells = (reason.stage, reason.error_class, reason.model or "", f"{tally.letters:,}", *_times(tally))
        table.add_row(*(Text(cell) for cell in (*cells, _cut(tally.example))))
    return table


def _lines(summary: Summary, *, dry_run: bool) -> Iterator[str]:
    verb = "would be published" if dry_run else "published"
    yield f"{_count(summary.messages, 'message')} {verb}, of {_count(summary.letters, 'dead letter')}."
    yield from _held(summary.refused.items(), "refused by Pub/Sub")
    yield from _held(summary.left_out.items(), "left out")


def _held(causes: Iterable[tuple[str, Held]], what: str) -> Iterator[str]:
    for cause, held in causes:
        more = ", ..." if held.letters > NAMED == len(held.messages) else ""
        names = f" (messages {', '.join(held.messages)}{more})" if held.messages else ""
        yield f"{_count(held.letters, 'dead letter')} {what}: {cause}{names}"


def _times(tally: Tally) -> tuple[str, str]:
    return _time(tally.oldest), _time(tally.newest)


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}" + ("" if number == 1 else "s")


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _EXAMPLE else f"{line[: _EXAMPLE - 1]}…"
