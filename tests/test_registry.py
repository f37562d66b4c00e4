"""One thing a process: made once, by whoever asks first."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from streaming import registry
from streaming.registry import forget, shared


@pytest.fixture(autouse=True)
def _empty_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_slots", {})


def test_the_same_key_gives_the_same_thing() -> None:
    assert shared(("client", 1), object) is shared(("client", 1), object)


def test_another_key_gives_another_thing() -> None:
    assert shared("a", object) is not shared("b", object)


def test_a_thing_that_is_none_or_false_is_made_once() -> None:
    made: list[str] = []
    assert [shared("none", lambda: made.append("made")) for _ in range(2)] == [None, None]
    assert made == ["made"]


def test_threads_that_ask_at_once_get_one_thing_that_was_made_once() -> None:
    asking, making, made = threading.Barrier(8), threading.Event(), []

    def make() -> object:
        assert making.wait(60)
        made.append(object())
        return made[-1]

    def ask() -> object:
        asking.wait(60)
        return shared("slow", make)

    with ThreadPoolExecutor(8) as threads:
        asked = [threads.submit(ask) for _ in range(8)]
        making.set()
        assert {id(answer.result(5)) for answer in asked} == {id(made[0])}
    assert len(made) == 1


def test_a_slow_make_does_not_hold_up_another_key() -> None:
    making, may_end = threading.Event(), threading.Event()

    def make() -> str:
        making.set()
        assert may_end.wait(60)
        return "slow"

    with ThreadPoolExecutor(1) as threads:
        slow = threads.submit(shared, "slow", make)
        assert making.wait(60)
        assert shared("quick", lambda: "quick") == "quick"
        may_end.set()
        assert slow.result(5) == "slow"


def test_making_may_ask_for_another_key() -> None:
    assert shared("connection", lambda: ("connection", shared("client", lambda: "client"))) == ("connection", "client")


def test_what_failed_to_be_made_is_made_at_the_next_call() -> None:
    with pytest.raises(ZeroDivisionError):
        shared("key", lambda: 1 // 0)
    assert shared("key", lambda: "made") == "made"


def test_a_forgotten_key_is_made_anew() -> None:
    before: object = shared("key", object)
    forget("key")
    assert shared("key", object) is not before


def test_forgetting_what_was_never_made_is_nothing() -> None:
    forget("never")
    assert shared("never", lambda: 1) == 1
