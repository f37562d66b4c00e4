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


@dataclass
class Verdict(Generic[T]):
    """What came of the rows.

    `answers` holds (start, length, answer) in row order; `guilty` (row, exception) in row order. Together they cover
    every row once, unless `hopeless`: then every call failed, of rows from all over, and the rest was not tried.
    """

    answers: list[tuple[int, int, T]] = field(default_factory=list)
    guilty: list[tuple[int, Exception]] = field(default_factory=list)
    calls: int = 0
    hopeless: bool = False


def by_halves(rows: int, call: Callable[[int, int], T]) -> Verdict[T]:
    """Call for all rows; where that raises, for each half, until the guilty rows are alone.

    Args:
        rows: how many there are; 0 makes no call.
        call: takes (start, length), gives an answer or raises. A MemoryError says nothing of rows and passes through.
    """
    verdict: Verdict[T] = Verdict()
    waiting = [(0, rows)] if rows else []
    while waiting and not verdict.hopeless:
        start, length = waiting.pop()
        verdict.calls += 1
        try:
            verdict.answers.append((start, length, call(start, length)))
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a row provokes is that row's failure, by design
            _blame(verdict, waiting, start, length, error)
    verdict.answers.sort(key=lambda answer: answer[0])
    verdict.guilty.sort(key=lambda guilt: guilt[0])
    return verdict


def _blame(verdict: Verdict[T], waiting: list[tuple[int, int]], start: int, length: int, error: Exception) -> None:
    if length > 1:
        half = length // 2
        halves = [(start, half), (start + half, length - half)]
        waiting += halves if len(verdict.guilty) % 2 else reversed(halves)
        return
    verdict.guilty.append((start, error))
    if not verdict.answers:
        verdict.hopeless = bool(waiting) and len(verdict.guilty) >= GIVE_UP_AFTER
        # Guilty rows stand together, or at equal distances. Lest a few of them speak for the whole, go on in the
        # largest part that was not looked into, from its other end.
        waiting.sort(key=lambda part: part[1])
