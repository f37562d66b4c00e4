"""Attempts are held back only while most of them fail, and never for long."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from streaming.models.attempts import Throttler
from streaming.stopping import stop_asked

NOW = 1e12  # milliseconds since 1970


@pytest.fixture
def stop() -> Iterator[None]:
    stop_asked.set()
    yield
    stop_asked.clear()


def test_attempts_under_way_hold_nothing_back() -> None:
    throttler = Throttler("test")
    for answered in [True] * 5 + [False] * 5:
        throttler.over(NOW, answered)

    assert [throttler.throttle_request(NOW) for _ in range(100)] == [False] * 100


def test_a_few_failures_hold_nothing_back() -> None:
    throttler = Throttler("test")
    for _ in range(4):
        throttler.over(NOW, answered=False)

    assert [throttler.throttle_request(NOW) for _ in range(100)] == [False] * 100


def test_a_hiccup_of_a_service_in_use_holds_nothing_back() -> None:
    throttler = Throttler("test")
    for answered in [True] * 10 + [False] * 10:
        throttler.over(NOW, answered)

    assert [throttler.throttle_request(NOW + 2000) for _ in range(100)] == [False] * 100


def test_a_service_that_stays_away_is_left_alone_for_a_second_at_a_time() -> None:
    throttler = Throttler("test")
    for _ in range(1000):
        throttler.over(NOW, answered=False)

    assert [throttler.throttle_request(NOW) for _ in range(100)].count(True) > 90
    assert throttler.throttle_delay_secs == 1


def test_nothing_is_held_back_when_stopping(stop: None) -> None:
    throttler = Throttler("test")
    for _ in range(1000):
        throttler.over(NOW, answered=False)

    assert [throttler.throttle_request(NOW) for _ in range(100)] == [False] * 100


def test_a_service_that_is_back_is_asked_again() -> None:
    throttler = Throttler("test")
    for _ in range(1000):
        throttler.over(NOW, answered=False)

    assert [throttler.throttle_request(NOW + 10_000) for _ in range(100)] == [False] * 100


def test_threads_do_not_lose_each_others_attempts() -> None:
    throttler = Throttler("test")

    def use() -> None:
        for _ in range(500):
            throttler.throttle_request(NOW)
            throttler.over(NOW, answered=True)

    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(use) for _ in range(8)]:
            done.result()

    assert (throttler._all_requests.sum(NOW), throttler._successful_requests.sum(NOW)) == (4000, 4000)
