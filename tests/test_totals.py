"""What workers have counted, summed up."""

from __future__ import annotations

from collections import Counter

import pytest

from streaming.local.totals import Counted, Totals
from streaming.monitoring.report import Reason
from streaming.tally import MOST_REASONS
from tests.local_snapshots import after, reason, snapshot


def read(totals: Totals) -> int:
    return totals.counted().counters["messages_read"]


def test_nothing_is_counted_at_first() -> None:
    totals = Totals()
    assert (totals.counted(), totals.in_hand(), totals.heard(), totals.reasons()) == (Counted(), 0, {}, ())


def test_workers_add_up_and_what_is_zero_stays() -> None:
    totals = Totals()
    totals.update(1, {"counters": {"a": 1, "b": 0}, "fine": {"h": 2}, "reasons": []}, after(0))
    totals.update(2, {"counters": {"a": 4, "c": 0}, "fine": {"i": 5}, "reasons": []}, after(1))
    assert totals.counted() == Counted(Counter({"a": 5, "b": 0, "c": 0}), Counter({"h": 2, "i": 5}))
    assert {*totals.counted().counters} == {"a", "b", "c"}
    assert totals.heard() == {1: after(0), 2: after(1)}


def test_counters_that_are_named_are_there_from_the_beginning() -> None:
    totals = Totals(["a", "b"])
    totals.update(1, {"counters": {"b": 2}, "fine": {}, "reasons": []}, after(0))
    assert {**totals.counted().counters} == {"a": 0, "b": 2}


def test_a_restart_takes_nothing_away() -> None:
    totals = Totals()
    totals.update(1, snapshot(1000), after(0))
    totals.end(1)
    assert (read(totals), totals.heard()) == (1000, {})
    totals.update(1, snapshot(100), after(1))
    assert (read(totals), totals.heard()) == (1100, {1: after(1)})


def test_a_worker_that_never_reported_may_end() -> None:
    totals = Totals()
    totals.end(1)
    assert totals.counted() == Counted()


@pytest.mark.parametrize(
    ("counters", "fine", "in_hand"),
    [
        ({}, {}, 0),
        ({"messages_read": 10}, {}, 10),
        (
            {"messages_read": 10, "latency_ms_bucket_1000": 6},
            {"latency_ms_bucket_101": 4, "latency_ms_bucket_206": 2},
            4,
        ),
        ({"messages_read": 10, "dead_letters_decode": 1, "dead_letters_infer_m": 2}, {}, 7),
        ({"messages_read": 10, "dead_letters_infer_m": 8}, {"latency_ms_bucket_101": 6}, 0),
    ],
)
def test_messages_are_in_hand_that_have_neither_a_latency_nor_a_dead_letter(
    counters: dict[str, int], fine: dict[str, int], in_hand: int
) -> None:
    assert Counted(Counter(counters), Counter(fine)).in_hand() == in_hand


def test_what_a_worker_had_in_hand_when_it_ended_is_in_nobodys() -> None:
    totals = Totals()
    totals.update(1, snapshot(10), after(0))
    totals.update(2, snapshot(3), after(0))
    totals.end(1)
    assert totals.in_hand() == 3


def test_reasons_of_all_workers_the_latest_first_and_equal_ones_once() -> None:
    totals = Totals()
    totals.update(1, snapshot(0, reasons=[reason("old", 1), reason("same", 2)]), after(9))
    totals.update(2, snapshot(0, reasons=[reason("same", 5), reason("new", 7)]), after(9))
    totals.update(1, snapshot(0, reasons=[reason("old", 1), reason("same", 2)]), after(10))
    expected = [("new", 7), ("same", 5), ("old", 1)]
    assert totals.reasons() == tuple(Reason(after(at), "decode", "AvroError", words) for words, at in expected)


def test_only_the_latest_reasons_are_kept() -> None:
    totals = Totals()
    for second in range(MOST_REASONS + 5):
        totals.update(1, snapshot(0, reasons=[reason(f"{second}", second)]), after(second))
    assert [int(each.message) for each in totals.reasons()] == [*range(MOST_REASONS + 4, 4, -1)]
