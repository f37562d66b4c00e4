"""A process's tally: totals, fine histograms and reasons, over all threads, as JSON takes them."""

from __future__ import annotations

import itertools
import json
import threading

import numpy as np

from streaming.tally import FINE_BOUNDS, MOST_REASONS, MOST_WORDS, Reason, Tally


def test_nothing_is_counted_at_first() -> None:
    assert Tally().snapshot() == {"counters": {}, "fine": {}, "reasons": []}


def test_the_snapshot_has_totals_buckets_and_reasons() -> None:
    tally = Tally()
    tally.add({"messages_read": 5, "redeliveries": 0})
    tally.add({"messages_read": 2})
    assert tally.observe("latency_ms", np.array([0.0, 1.0, 2.0, 3_600_000.0, 3_600_001.0])) == 7_200_004
    tally.remember([Reason("decode", "AvroError", "cut off", 7.5)])
    expected = {
        "counters": {"messages_read": 7, "redeliveries": 0},
        "fine": {
            "latency_ms_bucket_1": 2,
            "latency_ms_bucket_2": 1,
            "latency_ms_bucket_3600000": 1,
            "latency_ms_bucket_above": 1,
        },
        "reasons": [{"stage": "decode", "error_class": "AvroError", "message": "cut off", "at": 7.5}],
    }
    assert tally.snapshot() == json.loads(json.dumps(tally.snapshot())) == expected


def test_fractions_are_carried_over() -> None:
    tally = Tally()
    assert [tally.observe("model_ms_a", np.array([0.5])) for _ in range(4)] == [0, 1, 0, 1]
    assert tally.observe("model_ms_b", np.array([0.5])) == 0


def test_the_fine_bounds_are_a_tenth_apart() -> None:
    bounds = FINE_BOUNDS.tolist()
    assert (bounds[0], bounds[-1]) == (1, 3_600_000)
    assert all(after <= 1.1 * before + 1 for before, after in itertools.pairwise(bounds))


def test_what_is_owed_is_told_once() -> None:
    tally = Tally()
    tally.owe("sink_retries_table", 1)
    tally.owe("sink_retries_table", 2)
    assert [tally.owed(), tally.owed()] == [{"sink_retries_table": 3}, {}]


def test_the_latest_reasons_that_differ_are_kept_and_cut() -> None:
    tally = Tally()
    tally.remember([Reason("decode", "Error", f"no {number}", number) for number in range(MOST_REASONS + 2)])
    tally.remember([Reason("decode", "Error", "no 5", 100.0), Reason("publish", "Error", "x" * 1000, 101.0)])
    kept = [(each["message"], each["at"]) for each in tally.snapshot()["reasons"]]
    assert kept == [
        *((f"no {number}", number) for number in range(3, MOST_REASONS + 2) if number != 5),
        ("no 5", 100.0),
        ("x" * MOST_WORDS, 101.0),
    ]


def test_several_threads_count() -> None:
    tally = Tally()

    def work() -> None:
        for _ in range(500):
            tally.add({"messages_read": 1})
            tally.observe("latency_ms", np.array([1.0]))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    snapshot = {"counters": {"messages_read": 2000}, "fine": {"latency_ms_bucket_1": 2000}, "reasons": []}
    assert tally.snapshot() == snapshot
