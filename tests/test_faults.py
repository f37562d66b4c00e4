"""Each fault comes at its rate, shifts what it must, and duplicates repeat what was before them."""

from collections import Counter
from datetime import timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from producers.devices.slots import Slots
from producers.messages import Fault
from producers.scenario import Faults
from producers.synthesis.faults import Drawn, FaultPlan, with_repetitions
from streaming.job import EventTime
from tests.stream_cases import FAULTS

ALL = Faults.model_validate(FAULTS)
CODES = {fault: code for code, fault in enumerate(Fault)}


def slots(first: int, count: int, rate: float = 1000) -> Slots:
    """One device's messages, sent as they are measured."""
    numbers = np.arange(first, first + count)
    due = numbers / rate
    return Slots(numbers, due, np.zeros(count, np.int64), due, np.zeros(count))


def drawn(*faults: Fault | None) -> Drawn:
    return Drawn(np.array([-1 if fault is None else CODES[fault] for fault in faults]))


def test_each_fault_comes_at_its_rate() -> None:
    plan = FaultPlan(ALL, seed=3)
    counts: Counter[str | None] = Counter()
    for first in range(1000, 101_000, 1000):
        counts.update(plan.draw(slots(first, 1000)).names().to_pylist())
    for fault, rate in ALL.rates().items():
        deviation = (100_000 * rate * (1 - rate)) ** 0.5
        assert abs(counts[fault.value] - 100_000 * rate) < 4 * deviation
    assert sum(counts.values()) == 100_000


def test_a_seed_gives_the_same_faults_for_ever() -> None:
    names = FaultPlan(ALL, seed=1).draw(slots(1000, 200)).names().to_pylist()
    assert Counter(names) == {
        None: 90,
        "late": 13,
        "out_of_order": 5,
        "clock_skew": 13,
        "duplicated": 16,
        "truncated": 17,
        "wrong_schema": 14,
        "schema_change": 6,
        "missing_key": 9,
        "out_of_range_event_time": 4,
        "poison": 13,
    }


@pytest.mark.parametrize("fault", ["truncated", "missing_key"])
def test_a_rate_of_one_leaves_no_message_out_and_of_zero_takes_none(fault: str) -> None:
    every = Faults.model_validate({"wrong_schema": {"rate": 0.0}, fault: {"rate": 1.0}})
    assert set(FaultPlan(every, seed=1).draw(slots(0, 500)).names().to_pylist()) == {fault}


def test_without_faults_there_are_none() -> None:
    assert FaultPlan(Faults(), seed=1).draw(slots(0, 3)).names().to_pylist() == [None] * 3


def test_the_first_message_of_all_is_no_duplicate() -> None:
    plan = FaultPlan(Faults.model_validate({"duplicated": {"rate": 1.0}}), seed=1)
    assert plan.draw(slots(0, 3)).names().to_pylist() == [None, "duplicated", "duplicated"]
    assert plan.draw(slots(3, 2)).names().to_pylist() == ["duplicated"] * 2


def test_the_schema_changes_from_its_moment_on() -> None:
    change = {"schema_change": {"rate": 1.0, "schema": "newer.avsc", "after": "2s"}}
    names = FaultPlan(Faults.model_validate(change), seed=1).draw(slots(0, 4, rate=1)).names().to_pylist()
    assert names == [None, None, "schema_change", "schema_change"]


def test_delays_shift_the_measuring_and_skews_the_clock() -> None:
    faults = Faults.model_validate({name: FAULTS[name] for name in ("late", "out_of_order", "clock_skew")})
    which = drawn(*[Fault.LATE, Fault.OUT_OF_ORDER, Fault.CLOCK_SKEW, None] * 100)
    before = slots(5000, 400)
    after = FaultPlan(faults, seed=1).shifted(before, which)
    delays = (before.measured - after.measured).reshape(100, 4).T
    clocks = after.clocks.reshape(100, 4).T
    assert 60 <= delays[0].min() < 400 < 1500 < delays[0].max() <= 1800
    assert 1 <= delays[1].min() < 1.2 < 2.8 < delays[1].max() <= 3
    assert not delays[2:].any()
    assert not clocks[[0, 1, 3]].any()
    assert 10 <= np.abs(clocks[2]).min() < np.abs(clocks[2]).max() <= 120
    assert 30 < (clocks[2] > 0).sum() < 70
    assert (after.due is before.due, after.numbers is before.numbers) == (True, True)


def test_times_are_what_the_clocks_say_or_years_out_of_range() -> None:
    which = drawn(*[Fault.OUT_OF_RANGE_EVENT_TIME, None] * 200)
    numbers, now = np.arange(400), np.zeros(400)
    block = Slots(numbers, now, numbers, now - 3.0, now + 0.5)
    limits = EventTime(field="at", max_past=timedelta(days=10), max_future=timedelta(days=2))
    times = FaultPlan(Faults(), seed=1).times(block, which, limits).reshape(200, 2).T
    assert set(times[1]) == {-2.5}
    days = times[0] / 86_400
    assert (-days[days < 0] > 375).all()
    assert (days[days > 0] > 367).all()
    assert (np.abs(days) < 10 + 5 * 365).all()
    assert 70 < (days < 0).sum() < 130


def rows(numbers: list[int], faults: list[str | None], **more: list[Any]) -> pa.RecordBatch:
    """Rows whose text is their number, of which only `number` to `duplicate_of` need names of the module's."""
    texts = [str(number) for number in numbers]
    columns = {
        "number": pa.array(numbers),
        "text": pa.array(texts),
        "fault": pa.array(faults, pa.string()),
        "duplicate_of": pa.array(more.get("of") or [None] * len(numbers), pa.int64()),
    }
    return pa.RecordBatch.from_pydict(columns)


def test_duplicates_say_what_the_message_before_them_does() -> None:
    block = with_repetitions(rows([4, 5, 6, 7], ["late", "duplicated", "duplicated", None]), None)
    assert block.to_pydict() == {
        "number": [4, 5, 6, 7],
        "text": ["4", "4", "4", "7"],
        "fault": ["late", "duplicated", "duplicated", None],
        "duplicate_of": [None, 4, 4, None],
    }


@pytest.mark.parametrize(("previous_of", "first"), [(None, 3), (2, 2)])
def test_a_blocks_first_duplicate_repeats_the_block_before(previous_of: int | None, first: int) -> None:
    previous = rows([3], ["duplicated" if previous_of else None], of=[previous_of])
    block = with_repetitions(rows([4, 5, 6], ["duplicated", "duplicated", None]), previous)
    assert block.column("text").to_pylist() == ["3", "3", "6"]
    assert block.column("duplicate_of").to_pylist() == [first, first, None]
    assert block.column("number").to_pylist() == [4, 5, 6]


def test_a_block_without_duplicates_is_left_alone() -> None:
    block = rows([0, 1], [None, "late"])
    assert with_repetitions(block, None) is block
