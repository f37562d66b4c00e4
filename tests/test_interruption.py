"""Ctrl-C asks for an orderly end first, and then is Ctrl-C."""

import signal

import pytest

from producers.interruption import stop_on_signal


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_asks_to_stop_and_the_second_ends_the_process(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    said: list[str] = []
    with stop_on_signal(said.append) as stop:
        assert not stop.is_set()
        signal.raise_signal(number)
        assert stop.wait(10)
        assert [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)] == [signal.SIG_DFL] * 2
    assert said == ["stopping: waiting for the answers under way; Ctrl-C again ends at once"]
    assert signal.getsignal(number) is before


def test_without_a_signal_nothing_is_said() -> None:
    said: list[str] = []
    with stop_on_signal(said.append) as stop:
        pass
    assert (stop.is_set(), said) == (False, [])


def test_signals_that_are_not_asked_for_are_left_alone() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with stop_on_signal(lambda _: None, (signal.SIGINT,)) as stop:
        assert signal.getsignal(signal.SIGTERM) is before
        signal.raise_signal(signal.SIGINT)
        assert stop.wait(10)
        assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == (signal.SIG_DFL, before)
