"""The thread that looks for generations."""

from __future__ import annotations

import logging
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta

import pytest

from streaming.models import hot
from streaming.models.hot import HotModel
from streaming.predictors import News
from streaming.savedmodel.generations import Generation
from streaming.wiring import SavedModelCall
from tests.builders import plan
from tests.versions import Versions, ask

PATIENCE = 60


@pytest.fixture(autouse=True)
def _logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "streaming.models")


class Awaited(logging.Handler):
    """Sets an event when a message with these words is logged."""

    def __init__(self, words: str) -> None:
        super().__init__()
        self._words = words
        self.event = threading.Event()

    def emit(self, record: logging.LogRecord) -> None:
        if self._words in record.getMessage():
            self.event.set()


@pytest.fixture
def logged() -> Iterator[Callable[[str], threading.Event]]:
    """Makes the event of a message that is still to be logged."""
    with ExitStack() as stack:

        def event(words: str) -> threading.Event:
            handler = Awaited(words)
            log = logging.getLogger("streaming.models.hot")
            log.addHandler(handler)
            stack.callback(log.removeHandler, handler)
            return handler.event

        yield event


def watched(versions: Versions, within: timedelta = timedelta(milliseconds=20)) -> HotModel:
    return HotModel(plan(call=SavedModelCall(str(versions.directory), watch=within)))


def watcher() -> threading.Thread:
    (thread,) = (thread for thread in threading.enumerate() if thread.name == "watch-times5")
    return thread


def test_a_thread_looks_until_the_model_is_closed(versions: Versions, logged: Callable[[str], threading.Event]) -> None:
    versions.upload("1")
    model, thread = watched(versions), watcher()
    taken_up = logged("generation 2 takes over from 1")
    versions.upload("2", "times10")
    assert taken_up.wait(PATIENCE)
    assert (ask(model.current()), model.news()) == (("2", [[20.0]]), [News("2")])
    model.close()
    thread.join(PATIENCE)
    assert not thread.is_alive()


def test_the_thread_does_not_keep_the_model_alive(versions: Versions, logged: Callable[[str], threading.Event]) -> None:
    versions.upload("1")
    model, thread = watched(versions), watcher()
    taken_up = logged("generation 2 takes over from 1")
    versions.upload("2", "times10")
    assert taken_up.wait(PATIENCE)
    gone = weakref.ref(model)
    del model
    thread.join(PATIENCE)
    assert (thread.is_alive(), gone()) == (False, None)


def test_the_thread_ends_with_the_model_however_seldom_it_looks(versions: Versions) -> None:
    versions.upload("1")
    model, thread = watched(versions, timedelta(days=1)), watcher()
    del model
    thread.join(PATIENCE)
    assert not thread.is_alive()


def test_the_thread_survives_whatever_a_look_raises(
    versions: Versions, logged: Callable[[str], threading.Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    versions.upload("1")
    model = watched(versions)
    failed = logged("looking for another generation has failed; the next look is in 0.01 s")
    taken_up = logged("generation 2 takes over from 1")

    def raising(path: str, place: str) -> Generation:
        raise RuntimeError(path)

    with monkeypatch.context() as patch:
        patch.setattr(hot, "current", raising)
        assert failed.wait(PATIENCE)
    versions.upload("2", "times10")
    assert taken_up.wait(PATIENCE)
    model.close()
