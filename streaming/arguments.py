"""The flags of a command line, however they are written, and what their values mean."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import TypeVar

from streaming.errors import Mistakes

T = TypeVar("T")


def flags(argv: Sequence[str], booleans: Collection[str]) -> Iterator[tuple[str, str | None, list[str]]]:
    """Each flag of `argv`: `--name=value` or `--name value`, the name in snake_case or kebab-case.

    Args:
        argv: the arguments.
        booleans: the flags, in snake_case, that mean `true` where no `=` follows them.

    Yields:
        (name in snake_case, value if any, the arguments it was given by); the name is empty for a stray word.
    """
    waiting = list(argv)
    while waiting:
        first = waiting.pop(0)
        if not first.startswith("--"):
            yield "", None, [first]
            continue
        flag, equals, value = first[2:].partition("=")
        name = flag.replace("-", "_")
        if equals:
            yield name, value, [first]
        elif waiting and not waiting[0].startswith("--") and name not in booleans:
            yield name, (second := waiting.pop(0)), [first, second]
        else:
            yield name, "true" if name in booleans else None, [first]


def value_of(flag: str, text: str, parse: Callable[[str], T]) -> T:
    """What the value of a flag means.

    Raises:
        Mistakes: nothing: `parse` raises ValueError.
    """
    try:
        return parse(text)
    except ValueError as error:
        raise Mistakes([f"{flag}: {error}"]) from error


def wrong_value(flag: str, text: str | None, parse: Callable[[str], object]) -> Iterator[str]:
    """What is wrong with the value of a flag, if it is given and `value_of` would raise."""
    try:
        if text is not None:
            value_of(flag, text, parse)
    except Mistakes as error:
        yield from error.lines
