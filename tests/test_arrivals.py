"""Arrivals: every message has a device that is there, at the time at which it is due."""

from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from producers.devices.arrivals import Arrivals
from producers.devices.lives import Lives
from producers.devices.slots import Slots
from producers.scenario_parts import Devices, Life, Silence

SILENCE = Silence(every=timedelta(seconds=20), lasts=timedelta(seconds=4), burst=timedelta(seconds=2))
LIFE = Life(mean=timedelta(hours=20), spread=0.2, downtime=timedelta(hours=5), modes={"worn": 1.0})
FIELDS = ("numbers", "due", "devices", "measured", "clocks")


def slots(first: int = 0, count: int = 20_000, rate: float = 100.0, seed: int = 1, **fleet: Any) -> Slots:
    devices = Devices(**fleet)
    lives = Lives(devices.life, devices.devices, seed) if devices.life else None
    return Arrivals(devices, lives, seed, rate).slots(first, count)


def same(one: Slots, other: Slots) -> bool:
    return all(getattr(one, name).tolist() == getattr(other, name).tolist() for name in FIELDS)


def test_messages_are_due_one_after_the_other_at_the_rate() -> None:
    block = slots(first=50, count=4, rate=20.0)
    assert block.numbers.tolist() == [50, 51, 52, 53]
    assert block.due == pytest.approx([2.5, 2.55, 2.6, 2.65])
    assert block.measured.tolist() == block.due.tolist()
    assert block.clocks.tolist() == [0.0] * 4


def test_a_block_of_no_messages_is_empty() -> None:
    assert [getattr(slots(count=0), name).tolist() for name in FIELDS] == [[]] * 5


def test_all_devices_send_as_much() -> None:
    assert np.bincount(slots(devices=10).devices) == pytest.approx([2000] * 10, rel=0.1)


def test_devices_join_one_by_one() -> None:
    block = slots(devices=10, joining=timedelta(seconds=100))
    joined = [block.due[block.devices == device].min() for device in range(10)]
    assert joined == pytest.approx(range(0, 100, 10), abs=1.5)
    assert (block.due >= block.devices * 10.0).all()


def test_a_whole_run_in_one_block_has_its_first_messages_from_the_first_device() -> None:
    block = slots(devices=1000, joining=timedelta(seconds=200))
    assert (block.due >= block.devices * 0.2).all()
    assert block.devices[:20].tolist() == [0] * 20


def test_silent_devices_send_nothing_and_then_catch_up_in_order() -> None:
    block = slots(count=40_000, devices=8, silence=SILENCE, seed=2)
    for device in range(8):
        own = block.devices == device
        due, measured = block.due[own], block.measured[own]
        silences = due[1:][np.diff(due) > 3.5]  # the ends of those that began in the run
        assert len(silences) in (19, 20)
        assert np.diff(silences) == pytest.approx([20.0] * (len(silences) - 1), abs=0.4)
        assert (np.diff(measured) >= 0).all()
        first = measured[np.isin(due, silences)]
        assert silences - first == pytest.approx([4.0] * len(silences), abs=0.4)


def test_nothing_is_measured_after_it_is_sent_or_before_the_run() -> None:
    block = slots(devices=8, silence=SILENCE, joining=timedelta(seconds=10))
    assert (block.measured <= block.due).all()
    assert (block.measured >= 0).all()


def test_devices_in_repair_send_nothing() -> None:
    fleet: dict[str, Any] = {"devices": 40, "life": LIFE, "speed": 3600.0, "silence": SILENCE}
    block = slots(**fleet)
    lives = Lives(LIFE, 40, 1)
    assert lives.working(block.devices, block.due * 3600).all()
    assert lives.working(block.devices, block.measured * 3600).all()
    everyone, then = np.tile(np.arange(40), 200), np.repeat(np.arange(200.0), 40)
    assert lives.working(everyone, then * 3600).mean() == pytest.approx(0.8, abs=0.03)  # 20 of 25 hours


def test_an_only_device_sends_whatever_happens() -> None:
    block = slots(devices=1, silence=SILENCE, life=LIFE, speed=3600.0)
    assert block.devices.tolist() == [0] * 20_000


def test_where_most_are_in_repair_the_few_others_send_and_where_all_are_anyone() -> None:
    often = Life(mean=timedelta(hours=1), spread=0.2, downtime=timedelta(hours=99), modes={"worn": 1.0})
    block = slots(count=2000, devices=400, life=often, speed=360.0)
    working = Lives(often, 400, 1).working(block.devices, block.due * 360)
    anyone = Lives(often, 400, 1).working(np.tile(np.arange(400), 2000), np.repeat(block.due * 360, 400))
    assert working.tolist() == anyone.reshape(2000, 400).any(axis=1).tolist()
    assert 0.1 < working.mean() < 0.9


def test_clocks_are_off_by_device() -> None:
    block = slots(devices=3000, clock_spread=timedelta(seconds=2))
    clocks = dict(zip(block.devices.tolist(), block.clocks.tolist(), strict=True))
    assert [clocks[device] for device in block.devices.tolist()] == block.clocks.tolist()
    assert np.std(list(clocks.values())) == pytest.approx(2.0, rel=0.06)


def test_a_block_is_the_same_alone_as_after_others() -> None:
    fleet: dict[str, Any] = {"devices": 30, "silence": SILENCE, "life": LIFE, "speed": 3600.0}
    devices = Devices(**fleet)
    used = Arrivals(devices, Lives(LIFE, 30, 1), 1, 100.0)
    used.slots(90_000, 500)
    used.slots(0, 500)
    assert same(used.slots(500, 500), slots(500, 500, **fleet))
    assert not same(slots(500, 500, **fleet), slots(500, 500, seed=2, **fleet))


def test_the_share_of_a_device_does_not_suffer_from_its_silences() -> None:
    block = slots(count=40_000, devices=20, silence=SILENCE)
    assert np.bincount(block.devices) == pytest.approx([2000] * 20, rel=0.1)
