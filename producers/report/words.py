"""How a report says things: the verdict, and numbers as people read them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from producers.scoring.scores import Came, Kind, Score
from producers.truth_reader import CUT_OFF


def verdict(score: Score) -> str:
    """The outcome on one line."""
    if score.sent.ending == CUT_OFF:
        return f"The truth file is cut off: it has no end, and later messages may not be in it. {_outcome(score)}"
    return _outcome(score)


def _outcome(score: Score) -> str:
    if not score.ok:
        total = sum(score.wrong.values())
        kinds = ", ".join(f"{score.wrong[kind]:,} {_name(kind)}" for kind in Kind if kind in score.wrong)
        return f"{total:,} {'thing is' if total == 1 else 'things are'} wrong: {kinds}."
    if not score.sent.confirmed:
        return "No message was sent, so there is nothing to account for."
    if not score.knows_dead_letters:
        return "Every message that must be answered is; the dead letters were not looked at."
    return "Every message is accounted for."


def summary(score: Score) -> str:
    """What went in and came out, and how fast; nothing of a run that sent nothing."""
    if not score.sent.confirmed:
        return ""
    letters = sum(score.dead_letters.values())
    came = [*_predicted(score.came[:1]), *([f"{letters:,} dead letters"] if letters else [])]
    out = f"{' and '.join(came) or 'nothing'} came out."
    return f"{score.sent.confirmed:,} messages were sent; {out}{_pace(score.latency.percentiles)}"


def printable(text: str) -> str:
    r"""The text on one line, where what a terminal would obey is written out, as in `\x1b`."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def cut(text: str, length: int) -> str:
    """The text, printable, at most `length` characters of it."""
    text = printable(text)
    return text if len(text) <= length else f"{text[: length - 1]}…"


def number(value: float, digits: int = 3) -> str:
    """So many digits that count, and all those before the point of anything below a billion; `-` for NaN."""
    if math.isnan(value):
        return "-"
    return f"{value:,.0f}" if 10**digits <= abs(value) < 1e9 else f"{value:,.{digits}g}"


def percentile(percent: float) -> str:
    """The name of a percentile; that of 100 is the slowest."""
    return "slowest" if percent == 100 else f"p{percent:g}"


def moment(when: datetime) -> str:
    """A time in UTC, to the second."""
    return f"{when.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def period(start: datetime, end: datetime) -> str:
    """From when to when in UTC, and how long that is; the day of the end only where it is another."""
    first, last = start.astimezone(UTC), end.astimezone(UTC)
    until = f"{last:%H:%M:%S} UTC" if first.date() == last.date() else moment(last)
    return f"{first:%Y-%m-%d %H:%M:%S} to {until}, {number((end - start).total_seconds())} s"


def _name(kind: Kind) -> str:
    return kind.partition(":")[0]  # what follows the colon explains the word


def _predicted(came: Iterable[Came]) -> list[str]:
    """How many predictions of how many models came to each place."""
    return [f"{sum(each.predictions.values()):,} predictions of {_models(len(each.predictions))}" for each in came]


def _models(count: int) -> str:
    return f"{count} model{'' if count == 1 else 's'}"


def _pace(percentiles: Mapping[float, float]) -> str:
    if not percentiles:
        return ""
    return f" Half of the predictions came within {number(percentiles[50])} s, 99 % within {number(percentiles[99])} s."
