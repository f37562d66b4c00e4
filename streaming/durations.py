"""Durations as people write them: `500ms`, `30s`, `5m`, `1h`, `7d`."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

PATTERN = r"^[0-9]+(ms|s|m|h|d)$"
_UNITS = {"ms": "milliseconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def parse_duration(text: object) -> timedelta:
    """The duration that `text` names.

    Raises:
        ValueError: not a number followed by ms, s, m, h or d; or not above zero; or above 10,000 days.
    """
    if isinstance(text, timedelta):
        return text
    match = re.fullmatch(r"([0-9]{1,12})(ms|s|m|h|d)", str(text))
    if not match:
        raise ValueError(f"{text!r} is not a duration; write a number and ms, s, m, h or d, as in 60s")
    number, unit = int(match[1]), _UNITS[match[2]]
    longest = timedelta(days=10_000)
    if not 0 < number <= longest / timedelta(**{unit: 1}):
        raise ValueError(f"{text!r} is not between 1ms and {longest.days}d")
    return timedelta(**{unit: number})


def show_duration(duration: timedelta) -> str:
    """The shortest way to write `duration`; the inverse of `parse_duration`."""
    milliseconds = duration // timedelta(milliseconds=1)
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)):
        if milliseconds % size == 0:
            return f"{milliseconds // size}{unit}"
    return f"{milliseconds}ms"


Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    PlainSerializer(show_duration),
    WithJsonSchema({"type": "string", "pattern": PATTERN}),
]
