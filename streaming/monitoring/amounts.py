"""How figures are written for people: numbers, rates, spans of time, ages, times of day."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

UNKNOWN = "-"


def show_count(count: float | None) -> str:
    """A whole number."""
    return UNKNOWN if count is None else f"{count:,.0f}"


def show_rate(rate: float | None) -> str:
    """So many a second; small ones with a decimal."""
    if rate is None:
        return UNKNOWN
    return f"{rate:.1f}/s" if 0 < abs(rate) < 9.95 else f"{rate:,.0f}/s"


def show_byte_rate(rate: float | None) -> str:
    """So many bytes a second, in the greatest unit."""
    if rate is None:
        return UNKNOWN
    power = min(3, int(math.log(rate, 1000))) if rate >= 1 else 0
    return f"{rate / 1000**power:.{1 if power else 0}f} {('B', 'kB', 'MB', 'GB')[power]}/s"


def show_seconds(seconds: float | None) -> str:
    """A span of time, in the unit that tells most."""
    if seconds is None:
        return UNKNOWN
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 120:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:,.1f} h"


def show_share(share: float | None) -> str:
    """A part of a whole, in percent."""
    return UNKNOWN if share is None else f"{100 * share:.0f} %"


def show_time(time: datetime, now: datetime) -> str:
    """The time of day in UTC; the date, too, where it is not that of the last day."""
    is_recent = timedelta(0) <= now - time < timedelta(days=1)
    return f"{time.astimezone(UTC):{'%H:%M:%S' if is_recent else '%Y-%m-%d %H:%M:%S'}}"
