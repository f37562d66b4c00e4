"""The clock of a sending."""

import threading

from producers.publishing.pace import TICK_SECONDS, Pace


def test_what_is_late_is_not_waited_for() -> None:
    pace = Pace(threading.Event())
    assert not pace.waits(0.0)
    assert not pace.waits(-10.0)


def test_a_long_wait_is_told_in_ticks() -> None:
    pace = Pace(threading.Event())
    assert pace.waits(3600.0)
    assert pace.seconds() >= TICK_SECONDS
    assert not pace.waits(pace.seconds() + 0.001)


def test_a_stop_ends_the_wait() -> None:
    pace = Pace(threading.Event())
    pace.stop.set()
    assert not pace.waits(3600.0)


def test_the_last_time_is_when_the_next_would_be_due() -> None:
    pace = Pace(threading.Event())
    assert pace.until_last() == 0.0
    pace.sends(3600.0)
    assert 3600.0 <= pace.until_last() < 3610.0
