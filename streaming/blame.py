"""Blame by halves: which rows make a call raise, and the answers for all the others.

One guilty row of 256 costs 17 calls: the whole, then two halves at each of eight levels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")

GIVE_UP_AFTER = 8
"""So many rows alone, each of them guilty and no call ever answered: then it is not the rows."""

MOST_COSTLY = 3
"""So many costly failures are spent on finding the guilty; the part that fails then is guilty as a whole."""


@dataclass
class Verdict(Generic[T]):
    """What came of the rows.

    `answers` holds (start, length, answer) in row order; `guilty` (row, exception) in row order. Together they cover
    every row once, unless `hopeless`: then every call failed, of rows from all over, and the rest was not tried.
    `error` is the first exception, `halvings` how often a part was halved.
    """

    answers: list[tuple[int, int, T]] = field(default_factory=list)
    guilty: list[tuple[int, Exception]] = field(default_factory=list)
    calls: int = 0
    halvings: int = 0
    costly: int = 0
    hopeless: bool = False
    error: Exception | None = None


@dataclass(frozen=True)
class Blame:
    """How the guilty are looked for.

    Attributes:
        passing: exceptions that say nothing of the rows, and are raised.
        costly: exceptions that cost so much, a timeout for one, that only `MOST_COSTLY` of them are spent.
        at_once: most rows of one call; None for all.
    """

    passing: tuple[type[Exception], ...] = (MemoryError,)
    costly: tuple[type[Exception], ...] = ()
    at_once: int | None = None


def by_halves(rows: int, call: Callable[[int, int], T], blame: Blame = Blame()) -> Verdict[T]:
    """Call for all rows; where that raises, for each half, until the guilty rows are alone.

    Args:
        rows: how many there are; 0 makes no call.
        call: takes (start, length), gives an answer or raises.
        blame: how the guilty are looked for.
    """
    verdict: Verdict[T] = Verdict()
    waiting = _parts(rows, blame.at_once or rows)
    while waiting and not verdict.hopeless:
        start, length = waiting.pop()
        verdict.calls += 1
        try:
            verdict.answers.append((start, length, call(start, length)))
        except blame.passing:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a row provokes is that row's failure, by design
            verdict.error = verdict.error or error
            if isinstance(error, blame.costly):
                _spend(verdict, waiting, start, length, error)
            else:
                _blame(verdict, waiting, start, length, error)
    verdict.answers.sort(key=lambda answer: answer[0])
    verdict.guilty.sort(key=lambda guilt: guilt[0])
    return verdict


def _parts(rows: int, at_once: int) -> list[tuple[int, int]]:
    """The parts to begin with, the first one last."""
    return [(start, min(at_once, rows - start)) for start in range(0, rows, at_once or 1)][::-1]


def _halves(verdict: Verdict[T], start: int, length: int) -> list[tuple[int, int]]:
    verdict.halvings += 1
    half = length // 2
    return [(start, half), (start + half, length - half)]


def _blame(verdict: Verdict[T], waiting: list[tuple[int, int]], start: int, length: int, error: Exception) -> None:
    if length > 1:
        halves = _halves(verdict, start, length)
        waiting += halves if len(verdict.guilty) % 2 else reversed(halves)
        return
    verdict.guilty.append((start, error))
    if not verdict.answers:
        verdict.hopeless = bool(waiting) and len(verdict.guilty) >= GIVE_UP_AFTER
        # Guilty rows stand together, or at equal distances. Lest a few of them speak for the whole, go on in the
        # largest part that was not looked into, from its other end.
        waiting.sort(key=lambda part: part[1])


def _spend(verdict: Verdict[T], waiting: list[tuple[int, int]], start: int, length: int, error: Exception) -> None:
    """After a costly failure: halve while that is affordable, and look elsewhere before looking closer."""
    verdict.costly += 1
    if length > 1 and verdict.costly < MOST_COSTLY:
        waiting[:0] = reversed(_halves(verdict, start, length))
        return
    verdict.guilty += [(row, error) for row in range(start, start + length)]
    verdict.hopeless = not verdict.answers and verdict.costly >= MOST_COSTLY
