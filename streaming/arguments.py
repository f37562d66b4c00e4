"""The flags of a command line, however they are written."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence


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
