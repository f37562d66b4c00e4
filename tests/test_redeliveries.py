"""Redeliveries: what is seen again, as far as it is remembered."""

from __future__ import annotations

from streaming.redeliveries import Redeliveries


def test_what_comes_again_is_counted_in_a_batch_and_between_batches() -> None:
    seen = Redeliveries()
    assert [seen.among(ids) for ids in (["a", "b"], ["c", "c"], ["a", "c", "d"], [], ["a", "a"])] == [0, 1, 2, 0, 2]


def test_the_older_generation_is_forgotten() -> None:
    seen = Redeliveries(remembered=3)
    assert seen.among(["a", "b"]) == 0
    assert seen.among(["c", "a"]) == 1  # a, b and c are the older generation from now on
    assert seen.among(["b"]) == 1
    assert seen.among(["d", "e"]) == 0  # b, d and e are: a and c are forgotten
    assert seen.among(["a"]) == 0
    assert seen.among(["b", "a"]) == 2


def test_no_more_than_two_generations_and_a_batch_are_remembered() -> None:
    seen = Redeliveries(remembered=10)
    for start in range(0, 1000, 7):
        assert seen.among(str(number) for number in range(start, start + 7)) == 0
    assert len(seen._older) + len(seen._newer) <= 2 * 10 + 7
