"""A score as tables in a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from producers.report.sections import Section, findings, quality, run, totals
from producers.report.words import summary, verdict
from producers.scoring.scores import Score

EXAMPLES = 5
"""Findings of one kind that are shown."""


def render(score: Score) -> RenderableType:
    """The verdict, what was sent, what came out and how fast, and what is wrong; for a console of 100 columns."""
    sections = [run(score.sent), *totals(score), *quality(score), *findings(score, EXAMPLES)]
    first = Text(verdict(score), style="bold green" if score.ok else "bold red")
    said = [Text(summary(score))] if summary(score) else []
    return Group(first, *said, *(part for section in sections for part in _parts(section)))


def _parts(section: Section) -> Iterator[RenderableType]:
    yield Text()
    yield Text(section.title, style="bold")
    if section.rows:
        yield Padding(_table(section), (0, 0, 0, 2), expand=False)
    if section.note:
        yield Padding(Text(section.note), (0, 0, 0, 2), expand=False)


def _table(section: Section) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=bool(section.head))
    for position, name in enumerate(section.head or section.rows[0]):
        if position in section.numbers:
            table.add_column(Text(name), justify="right", no_wrap=True)
        else:
            table.add_column(Text(name), overflow="fold")
    for row in section.rows:
        table.add_row(*(Text(cell) for cell in row))  # names may hold what rich takes for styles
    return table
