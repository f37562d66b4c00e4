"""Requests of bounded size: which of many rows or messages go together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence


def slices(sizes: Sequence[int], most: int, most_bytes: int) -> Iterator[slice]:
    """Slices of things of these sizes, as few as their order allows; one too large for any goes alone.

    Args:
        sizes: in bytes.
        most: how many may go together.
        most_bytes: how many bytes of them.
    """
    start, total = 0, 0
    for index, size in enumerate(sizes):
        if index > start and (total + size > most_bytes or index - start == most):
            yield slice(start, index)
            start, total = index, 0
        total += size
    if sizes:
        yield slice(start, len(sizes))
