"""RFC 3339 texts such as `2026-01-31T12:00:00.5Z`, to microseconds since 1970, and columns of times to such texts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from streaming.batches import TIMESTAMP

PER_SECOND: Mapping[str, int] = {"s": 1, "ms": 1000, "us": 10**6, "ns": 10**9}
"""How many of each of Arrow's units of time make a second."""

_CLOCK = r"(\d{4})-(\d{2})-(\d{2})[Tt ](\d{2}):(\d{2}):(\d{2})(?:\.(\d+))?"
_LOCAL = re.compile(_CLOCK, re.ASCII)
_ZONED = re.compile(_CLOCK + r"(?:[Zz]|([+-])(\d{2}):(\d{2}))", re.ASCII)
# What Arrow's own parser reads as `parse` does: years from 1000, no leap second, no hour 24, at most six decimals.
_PLAIN = (
    r"^[1-9]\d{3}-\d\d-\d\dT([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?"
    r"(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$"
)
_EPOCH = datetime(1970, 1, 1)
_MICROSECOND = timedelta(microseconds=1)
_SECOND = timedelta(seconds=1)
_FIRST, _LAST = (datetime.min - _EPOCH) // _SECOND, (datetime.max - _EPOCH) // _SECOND


def parse(text: str) -> int | None:
    """The microseconds since 1970 that `text` names, or None if it is no RFC 3339 time with a zone.

    Digits after the sixth decimal are cut off. A leap second (`:60`) is not read: no clock here has one.
    """
    match = _ZONED.fullmatch(text)
    if match is None:
        return None
    sign, hours, minutes = match[8] or "+", int(match[9] or 0), int(match[10] or 0)
    clock = _clock(match)
    if clock is None or hours > 23 or minutes > 59:
        return None
    offset = (hours * 60 + minutes) * 60_000_000
    return clock + offset if sign == "-" else clock - offset


def parse_local(text: str) -> int | None:
    """As `parse`, for a text without a zone: the microseconds from 1970-01-01T00:00:00 on the same clock."""
    match = _LOCAL.fullmatch(text)
    return None if match is None else _clock(match)


def parse_column(texts: pa.StringArray) -> pa.TimestampArray:
    """`parse` of each text, as `timestamp[us, UTC]`; null where the text is null or cannot be read."""
    if pc.all(pc.match_substring_regex(texts, _PLAIN)).as_py() is not False:
        try:
            return texts.cast(TIMESTAMP)
        except pa.ArrowInvalid:  # a 30th of February somewhere
            pass
    return pa.array([None if text is None else parse(text) for text in texts.to_pylist()], TIMESTAMP)


def writable(times: pa.TimestampArray) -> pa.TimestampArray:
    """The times, of any unit; null for those beyond the years 1 to 9999, which no RFC 3339 text or `datetime` has."""
    seconds = times.view(pa.int64()).fill_null(0).to_numpy() // PER_SECOND[times.type.unit]
    known = (seconds >= _FIRST) & (seconds <= _LAST)
    return times if known.all() else pc.if_else(pa.array(known), times, None)


def show_column(times: pa.TimestampArray) -> pa.StringArray:
    """Each time of any unit as a text in UTC, with the unit's decimals; null where it is null or not writable."""
    few = times.dictionary_encode()  # most columns of times hold few
    # With a zone, writing one out costs 30 times as much.
    naive = writable(few.dictionary).view(pa.timestamp(times.type.unit))
    clock = pc.replace_substring(naive.cast(pa.string()), " ", "T")
    return pc.binary_join_element_wise(clock, "Z", "").take(few.indices)


def _clock(match: re.Match[str]) -> int | None:
    year, month, day, hour, minute, second = (int(match[group]) for group in range(1, 7))
    fraction = (match[7] or "")[:6].ljust(6, "0")
    try:
        moment = datetime(year, month, day, hour, minute, second, int(fraction))
    except ValueError:
        return None
    return (moment - _EPOCH) // _MICROSECOND
