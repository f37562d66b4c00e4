"""The mistakes found so far, and hints at what a wrong name was meant to be."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from typing import TypeVar

from streaming.errors import Mistakes

T = TypeVar("T")


class Findings:
    """Mistakes as they are found, each once: `<key's path in the job file>: <what is wrong>; <remedy>`."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def add(self, place: str, wrong: str) -> None:
        """One more mistake.

        Args:
            place: the key's path in the job file; empty where `wrong` begins with it.
            wrong: what is wrong there, and the remedy.
        """
        line = f"{place}: {wrong}" if place else wrong
        if line not in self.lines:
            self.lines.append(line)

    def tried(self, load: Callable[[], T], place: str = "") -> T | None:
        """What `load` gives, or None where it finds mistakes; `place` as `add` takes it."""
        try:
            return load()
        except Mistakes as error:
            for line in error.lines:
                self.add(place, line)
            return None


def hint(name: str, known: Iterable[str]) -> str:
    """What `name` may have been meant to be, or what there is."""
    names = sorted(set(known))
    near = difflib.get_close_matches(name, names, n=1)
    if near:
        return f"; did you mean {near[0]}?"
    return f"; there is {', '.join(names)}" if names else ""
