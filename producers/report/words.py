"""How a report says things: the verdict, and numbers as people read them."""

from __future__ import annotations

import math
from datetime import UTC, datetime

from producers.scoring.scores import Kind, Score


def verdict(score: Score) -> str:
    """The outcome on one line."""
    if not score.ok:
        total = sum(score.wrong.values())
        kinds = ", ".join(f"{score.wrong[kind]:,} {_name(kind)}" for kind in Kind if kind in score.wrong)
        return f"{total:,} {'thing is' if total == 1 else 'things are'} wrong: {kinds}."
    if not score.sent.confirmed:
        return "No message was sent, so there is nothing to account for."
    return "Every message is accounted for."


def printable(text: str) -> str:
    r"""The text on one line, where what a terminal would obey is written out, as in `\x1b`."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def cut(text: str, length: int) -> str:
    """The text, printable, at most `length` characters of it."""
    text = printable(text)
    return text if len(text) <= length else f"{text[: length - 1]}…"


def number(value: float) -> str:
    """Four digits that count, and all those before the point of anything below a billion; `-` for NaN."""
    if math.isnan(value):
        return "-"
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e9 else f"{value:,.4g}"


def percentile(percent: float) -> str:
    """The name of a percentile; that of 100 is the slowest."""
    return "slowest" if percent == 100 else f"p{percent:g}"


def moment(when: datetime) -> str:
    """A time in UTC, to the second."""
    return f"{when.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _name(kind: Kind) -> str:
    return kind.partition(":")[0]  # what follows the colon explains the word
