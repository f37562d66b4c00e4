"""Tasks of one lane in order, lanes side by side, and no more of them than there is room for."""

import threading
from collections.abc import Iterator
from functools import partial

import pytest

from streaming.pubsub.lanes import Lanes


@pytest.fixture
def lanes() -> Iterator[Lanes]:
    lanes = Lanes(4, "test")
    yield lanes
    lanes.close()


def test_tasks_of_a_lane_are_done_one_after_the_other_in_order() -> None:
    lanes, running = Lanes(4, "test"), threading.Lock()
    done: list[int] = []

    def task(number: int) -> None:
        assert running.acquire(blocking=False)
        done.append(number)
        running.release()

    for number in range(100):
        lanes.submit("lane", partial(task, number))
    lanes.close()
    assert done == list(range(100))


def test_lanes_run_side_by_side(lanes: Lanes) -> None:
    met = threading.Barrier(5)
    for lane in range(4):
        lanes.submit(lane, lambda: met.wait(60))
    met.wait(60)


def test_submitting_waits_while_there_is_no_room(lanes: Lanes) -> None:
    may_end, submitted = threading.Event(), threading.Event()
    for _ in range(4):
        lanes.submit("lane", lambda: may_end.wait(60))

    def submit_one_more() -> None:
        lanes.submit("other", lambda: None)
        submitted.set()

    threading.Thread(target=submit_one_more).start()
    assert not submitted.wait(0.05)
    may_end.set()
    assert submitted.wait(60)


def test_a_task_that_raises_does_not_hold_up_its_lane(lanes: Lanes) -> None:
    done = threading.Event()
    lanes.submit("lane", lambda: 1 // 0)
    lanes.submit("lane", done.set)
    assert done.wait(60)


def test_closed_lanes_take_no_more_tasks() -> None:
    lanes = Lanes(1, "test")
    lanes.close()
    with pytest.raises(RuntimeError, match="the lanes are closed"):
        lanes.submit("lane", lambda: None)
