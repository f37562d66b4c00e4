"""The summary of a replay as it is shown in a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from rich.console import Group, RenderableType
from rich.text import Text

from producers.replaying.replay_summary import NAMED, FailedAt, Held, Reason, Summary, Tally

_WIDTH = 80  # of a line with an example, at most


def render(summary: Summary, *, dry_run: bool) -> RenderableType:
    """The letters whose messages went, or would go, by their reason; totals; and what stays and why.

    Lines, which a narrow terminal does not break as it would a table's cells: stages are there to be copied.
    """
    return Group(
        *(Text(line) for reason, tally in _sorted(summary.reasons) for line in _block(reason, tally)),
        *(Text(line) for line in _lines(summary, dry_run=dry_run)),
    )


def _sorted(reasons: Mapping[Reason, Tally]) -> list[tuple[Reason, Tally]]:
    return sorted(reasons.items(), key=lambda item: (item[0].stage, item[0].error_class, str(item[0])))


def _block(reason: Reason, tally: Tally) -> Iterator[str]:
    yield f"{_stage(reason.stage, reason.model)}  {reason.error_class}"
    yield f"  {_count(tally.letters, 'dead letter')} from {_time(tally.oldest)} to {_time(tally.newest)}"
    yield _cut(f"  message {tally.example}")
    yield ""


def _lines(summary: Summary, *, dry_run: bool) -> Iterator[str]:
    verb = "would be published" if dry_run else "published"
    yield f"{_count(summary.messages, 'message')} {verb}, of {_count(summary.letters, 'dead letter')}."
    yield from _held(summary.refused.items(), "refused by Pub/Sub")
    yield from _held(summary.left_out.items(), "left out")
    if summary.unwanted:
        yield from _unwanted(summary.unwanted.items(), nothing_else=summary.matches_nothing)


def _held(causes: Iterable[tuple[str, Held]], what: str) -> Iterator[str]:
    for cause, held in causes:
        more = ", ..." if held.letters > NAMED == len(held.messages) else ""
        names = f" (messages {', '.join(held.messages)}{more})" if held.messages else ""
        yield f"{_count(held.letters, 'dead letter')} {what}: {cause}{names}"


def _unwanted(counts: Iterable[tuple[FailedAt, int]], *, nothing_else: bool) -> Iterator[str]:
    ordered = sorted(counts, key=lambda item: (-item[1], str(item[0])))
    total = _count(sum(count for _, count in ordered), "dead letter")
    yield f"Nothing matches; there are {total}:" if nothing_else else f"The filters leave out {total}:"
    yield from (f"  {count:,} of stage {_stage(*place)}" for place, count in ordered)


def _stage(stage: str, model: str | None) -> str:
    """The stage as --stage takes it; with the model, where it does not name that."""
    if not stage:
        return "none: not a dead letter"
    return stage if model is None or stage.endswith(f":{model}") else f"{stage}, model {model}"


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}" + ("" if number == 1 else "s")


def _cut(text: str) -> str:
    line = f"  {' '.join(text.split())}"
    return line if len(line) <= _WIDTH else f"{line[: _WIDTH - 1]}…"
