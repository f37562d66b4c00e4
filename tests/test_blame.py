"""Blame by halves: how many calls it takes, and who is found guilty."""

from collections.abc import Collection

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.blame import GIVE_UP_AFTER, Blame, Verdict, by_halves


class BadRowError(Exception):
    """Raised for a range with a bad row in it."""


class Callee:
    """Answers with the rows it was called for; raises where a bad one is among them."""

    def __init__(self, bad: Collection[int]) -> None:
        self.bad = bad
        self.calls: list[tuple[int, int]] = []

    def __call__(self, start: int, length: int) -> list[int]:
        self.calls.append((start, length))
        wrong = [row for row in range(start, start + length) if row in self.bad]
        if wrong:
            raise BadRowError(f"bad: {wrong}")
        return list(range(start, start + length))


def blame(rows: int, bad: Collection[int]) -> Verdict[list[int]]:
    callee = Callee(bad)
    verdict = by_halves(rows, callee)
    assert verdict.calls == len(callee.calls)
    return verdict


def guilty(verdict: Verdict[list[int]]) -> list[tuple[int, str]]:
    return [(row, str(error)) for row, error in verdict.guilty]


def calls_of(bad: Collection[int], start: int, length: int) -> int:
    """How many calls it takes to find every bad row."""
    if length == 1 or not any(start <= row < start + length for row in bad):
        return 1
    half = length // 2
    return 1 + calls_of(bad, start, half) + calls_of(bad, start + half, length - half)


def test_no_rows_take_no_call() -> None:
    assert blame(0, []) == Verdict([], [], 0, hopeless=False)


def test_where_nothing_raises_one_call_answers_for_all() -> None:
    assert blame(5, []) == Verdict([(0, 5, [0, 1, 2, 3, 4])], [], 1, hopeless=False)


def test_one_row_alone() -> None:
    verdict = blame(1, [0])
    assert (verdict.answers, guilty(verdict), verdict.calls, verdict.hopeless) == ([], [(0, "bad: [0]")], 1, False)


@pytest.mark.parametrize("row", range(0, 256, 17))
def test_one_guilty_row_of_256_costs_17_calls(row: int) -> None:
    verdict = blame(256, [row])
    assert (verdict.calls, guilty(verdict), verdict.hopeless) == (17, [(row, f"bad: [{row}]")], False)
    assert [answered for _, _, rows in verdict.answers for answered in rows] == [n for n in range(256) if n != row]


def test_the_halves_are_called_for_from_the_left() -> None:
    callee = Callee([1])
    verdict = by_halves(5, callee)
    assert callee.calls == [(0, 5), (0, 2), (0, 1), (1, 1), (2, 3)]
    assert verdict.answers == [(0, 1, [0]), (2, 3, [2, 3, 4])]
    assert guilty(verdict) == [(1, "bad: [1]")]


def test_all_of_eight_rows_are_guilty_and_each_is_found() -> None:
    verdict = blame(GIVE_UP_AFTER, range(GIVE_UP_AFTER))
    assert (verdict.calls, verdict.hopeless) == (15, False)
    assert guilty(verdict) == [(row, f"bad: [{row}]") for row in range(8)]


@pytest.mark.parametrize(("rows", "calls"), [(9, 16), (256, 55), (1000, 67)])
def test_where_every_row_is_guilty_it_gives_up_after_eight_from_all_over(rows: int, calls: int) -> None:
    verdict = blame(rows, range(rows))
    assert (verdict.answers, len(verdict.guilty), verdict.hopeless) == ([], GIVE_UP_AFTER, True)
    assert verdict.calls == calls
    found = [row for row, _ in verdict.guilty]
    assert found == sorted(found)
    assert found[-1] >= rows * 3 // 4


@pytest.mark.parametrize(
    "bad",
    [
        range(0, 1000, 20),
        range(50),
        range(950, 1000),
        [*range(8), *range(500, 508)],
        range(500),
        range(999),
        range(1, 1000),
    ],
    ids=[
        "5 % at equal distances",
        "the first 5 %",
        "the last 5 %",
        "two bursts",
        "half",
        "but the last",
        "but the first",
    ],
)
def test_where_some_rows_are_good_exactly_the_guilty_are_found(bad: Collection[int]) -> None:
    verdict = blame(1000, bad)
    assert not verdict.hopeless
    assert [row for row, _ in verdict.guilty] == list(bad)
    assert [row for _, _, rows in verdict.answers for row in rows] == [row for row in range(1000) if row not in bad]
    assert verdict.calls == calls_of(bad, 0, 1000)


@pytest.mark.parametrize("distance", [2, 4, 8, 16, 32])
@pytest.mark.parametrize("first", [0, 1])
def test_rows_at_equal_distances_do_not_look_like_all_rows(distance: int, first: int) -> None:
    bad = range(first, 1024, distance)
    verdict = blame(1024, bad)
    assert not verdict.hopeless
    assert [row for row, _ in verdict.guilty] == list(bad)


@given(st.integers(1, 300).flatmap(lambda rows: st.tuples(st.just(rows), st.sets(st.integers(0, rows - 1)))))
def test_the_verdict_is_that_of_one_call_for_each_row(case: tuple[int, set[int]]) -> None:
    rows, bad = case
    verdict = blame(rows, bad)
    found = {row for row, _ in verdict.guilty}
    if verdict.hopeless:
        assert (verdict.answers, len(found), found <= bad) == ([], GIVE_UP_AFTER, True)
        return
    covered = [(row, False) for _, _, answered in verdict.answers for row in answered] + [(row, True) for row in found]
    assert sorted(covered) == [(row, row in bad) for row in range(rows)]
    assert [row for row, _ in verdict.guilty] == sorted(bad)
    assert [(start, length) for start, length, _ in verdict.answers] == sorted(
        (answered[0], len(answered)) for _, _, answered in verdict.answers
    )
    assert verdict.calls == calls_of(bad, 0, rows)


@pytest.mark.parametrize("error", [MemoryError, KeyboardInterrupt])
def test_what_says_nothing_about_rows_passes_through(error: type[BaseException]) -> None:
    def call(start: int, length: int) -> None:
        raise error

    with pytest.raises(error):
        by_halves(4, call)


class SlowError(Exception):
    """Raised for a range with a slow row in it: a costly failure."""


def costly(rows: int, bad: Collection[int], at_once: int | None = None) -> tuple[Verdict[int], list[tuple[int, int]]]:
    calls: list[tuple[int, int]] = []

    def call(start: int, length: int) -> int:
        calls.append((start, length))
        if any(start <= row < start + length for row in bad):
            raise SlowError(f"{start} to {start + length}")
        return length

    return by_halves(rows, call, Blame(costly=(SlowError,), at_once=at_once)), calls


@pytest.mark.parametrize(
    ("bad", "calls", "guilty_rows"),
    [
        (3, [(0, 256), (0, 128), (128, 128), (0, 64), (64, 64)], range(64)),
        (200, [(0, 256), (0, 128), (128, 128), (128, 64), (192, 64)], range(192, 256)),
    ],
)
def test_only_three_costly_failures_are_spent_and_the_part_of_the_last_is_guilty(
    bad: int, calls: list[tuple[int, int]], guilty_rows: range
) -> None:
    verdict, made = costly(256, [bad])
    assert made == calls
    assert [row for row, _ in verdict.guilty] == list(guilty_rows)
    assert (sum(n for _, n, _ in verdict.answers), verdict.hopeless, verdict.halvings) == (192, False, 2)


def test_after_three_costly_failures_without_an_answer_it_is_not_the_rows() -> None:
    verdict, calls = costly(1000, range(1000))
    assert calls == [(0, 1000), (0, 500), (500, 500)]
    assert (verdict.hopeless, str(verdict.error)) == (True, "0 to 1000")


def test_a_costly_row_alone_is_guilty() -> None:
    verdict, calls = costly(1, [0])
    assert (calls, [row for row, _ in verdict.guilty], verdict.hopeless) == ([(0, 1)], [0], False)


def test_rows_are_called_for_in_parts_of_at_most_so_many() -> None:
    verdict, calls = costly(7, [], at_once=3)
    assert calls == [(0, 3), (3, 3), (6, 1)]
    assert (verdict.answers, verdict.calls, verdict.halvings) == ([(0, 3, 3), (3, 3, 3), (6, 1, 1)], 3, 0)


def test_what_passes_is_raised() -> None:
    def call(start: int, length: int) -> int:
        raise SlowError

    with pytest.raises(SlowError):
        by_halves(2, call, Blame(passing=(SlowError,)))
