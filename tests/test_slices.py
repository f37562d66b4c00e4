"""What goes together in one request."""

import pytest

from streaming.slices import slices


@pytest.mark.parametrize(
    ("sizes", "parts"),
    [
        ([], []),
        ([1], [(0, 1)]),
        ([4, 6, 1], [(0, 2), (2, 3)]),
        ([1, 1, 1, 1], [(0, 3), (3, 4)]),
        ([11, 1, 11], [(0, 1), (1, 2), (2, 3)]),
        ([1, 10, 1], [(0, 1), (1, 2), (2, 3)]),
        ([0, 0, 0], [(0, 3)]),
    ],
    ids=["nothing", "one", "by bytes", "by number", "too large", "full", "empty ones"],
)
def test_three_at_most_and_ten_bytes(sizes: list[int], parts: list[tuple[int, int]]) -> None:
    assert [(part.start, part.stop) for part in slices(sizes, 3, 10)] == parts
