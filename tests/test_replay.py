"""Each message goes once and its letters are done with only then, whatever Pub/Sub says in between."""

import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from grpc import StatusCode

from producers.replaying.letters import Letter, Selection
from producers.replaying.outbox import Outbox
from producers.replaying.replay import ANSWERED, GONE, NOT_SELECTED, Replay
from producers.replaying.replay_summary import Held, Reason, Summary, Tally
from streaming.endpoints import publisher_client
from streaming.errors import JobError, PermanentError
from streaming.pubsub.publisher import Publisher
from tests.pubsub_publisher_server import Fail, PublisherServer

TOPIC = "projects/p/topics/in"
NOW = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)


class Waiting:
    """Letters in memory, in the parts in which they come."""

    def __init__(self, *parts: Sequence[Letter]) -> None:
        self._parts = parts
        self.acknowledged: list[str | None] = []

    def __iter__(self) -> Iterator[list[Letter]]:
        return iter([list(part) for part in self._parts])

    def done(self, letters: Sequence[Letter]) -> None:
        self.acknowledged += [letter.letter_id for letter in letters]


def letter(letter_id: str | None, message_id: str, model: str | None = None, **attributes: str) -> Letter:
    stage = f"infer:{model}" if model else "decode"
    return Letter(stage, "E", "words", model, message_id, NOW, b"x", attributes, letter_id)


@pytest.fixture
def server() -> Iterator[PublisherServer]:
    with PublisherServer() as server:
        yield server


@pytest.fixture
def outbox(server: PublisherServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Outbox]:
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", server.host)
    with publisher_client() as client:
        publisher = Publisher(client, backoff=(0.001, 0.002), retry_for=0.05)
        yield Outbox(publisher, TOPIC, None, threading.Event())
        publisher.close()


def run(source: Waiting, outbox: Outbox | None, **settings: Any) -> Summary:
    summary = Summary()
    Replay(source, outbox, summary, **settings).run()
    return summary


def sent(server: PublisherServer) -> list[str]:
    return [dict(message.attributes)["original_message_id"] for _, part in server.published for message in part]


def test_letters_of_one_message_go_as_one_and_are_all_acknowledged(server: PublisherServer, outbox: Outbox) -> None:
    again = letter("c", "2", original_message_id="1")
    source = Waiting([letter("a", "1", "m1"), letter("b", "1", "m2"), again], [letter("d", "1", "m3")])
    summary = run(source, outbox)
    assert sent(server) == ["1"]
    assert source.acknowledged == ["a", "b", "c", "d"]
    assert (summary.messages, summary.letters, summary.left_out) == (1, 4, {})
    assert summary.reasons[Reason("infer:m1", "E", "m1")] == Tally(1, NOW, NOW, "1: words")


def test_a_message_that_fails_again_meanwhile_keeps_its_letter(server: PublisherServer, outbox: Outbox) -> None:
    failed_again = letter("b", "2", original_message_id="1")
    source = Waiting([letter("a", "1")], [failed_again])
    summary = run(source, outbox)
    assert sent(server) == ["1"]
    assert source.acknowledged == ["a"]
    assert summary.left_out == {GONE: Held(1, ["2"])}


def test_two_failures_in_the_table_are_one_message(server: PublisherServer, outbox: Outbox) -> None:
    summary = run(Waiting([letter(None, "1")], [letter(None, "2", original_message_id="1")]), outbox)
    assert sent(server) == ["1"]
    assert (summary.messages, summary.letters, summary.left_out) == (1, 2, {})


def test_what_stays_is_not_acknowledged_and_counted_by_its_cause(server: PublisherServer, outbox: Outbox) -> None:
    source = Waiting([letter("a", "1", "m1"), letter("b", "2", "m2"), letter("c", "", "m1"), letter("d", "4", "m1")])
    answers = {"1": False, "4": True}
    summary = run(
        source,
        outbox,
        selection=Selection(model="m1"),
        answered=lambda letters: [answers[each.message_id] for each in letters],
    )
    assert sent(server) == ["1"]
    assert source.acknowledged == ["a"]
    assert summary.left_out == {
        NOT_SELECTED: Held(1, ["2"]),
        "of an event, not of a message": Held(1, ["c"]),
        ANSWERED: Held(1, ["4"]),
    }


def test_what_pubsub_refuses_is_not_acknowledged_and_not_sent_twice(server: PublisherServer, outbox: Outbox) -> None:
    server.refuse = lambda message: ("bad", "yes") in message.attributes
    source = Waiting([letter("a", "1"), letter("b", "2", bad="yes")], [letter("c", "2", "m1", bad="yes")])
    summary = run(source, outbox)
    assert sent(server) == ["1"]
    assert source.acknowledged == ["a"]
    assert summary.messages == 1
    assert summary.refused == {"InvalidArgument: One or more messages are bad.": Held(2, ["2"])}
    assert server.asked == [2, 1, 1]


def test_the_limit_counts_messages(server: PublisherServer, outbox: Outbox) -> None:
    source = Waiting([letter("a", "1"), letter("b", "2"), letter("c", "1"), letter("d", "3")], [letter("e", "4")])
    summary = run(source, outbox, limit=2)
    assert sent(server) == ["1", "2"]
    assert source.acknowledged == ["a", "c", "b"]
    assert (summary.messages, summary.letters, summary.left_out) == (2, 3, {})


def test_a_dry_run_counts_the_same_and_touches_nothing() -> None:
    source = Waiting([letter("a", "1"), letter("b", "1", "m1")], [letter("c", "1", "m2"), letter("d", "2")])
    summary = run(source, None)
    assert (summary.messages, summary.letters, source.acknowledged) == (2, 4, [])


def test_nothing_more_is_sent_once_it_is_to_stop(server: PublisherServer, outbox: Outbox) -> None:
    stop = threading.Event()
    source = Waiting([letter("a", "1")], [letter("b", "2")])
    assert run(source, outbox, stop=stop, on_progress=stop.set).messages == 1
    assert (sent(server), source.acknowledged) == (["1"], ["a"])


@pytest.mark.parametrize(
    ("code", "error", "words"),
    [
        (StatusCode.PERMISSION_DENIED, PermanentError, "topic projects/p/topics/in: no permission to publish; "),
        (StatusCode.UNAVAILABLE, JobError, "topic projects/p/topics/in: Pub/Sub did not take 1 messages, any of "),
    ],
)
def test_what_went_before_an_error_is_told(
    server: PublisherServer, outbox: Outbox, code: StatusCode, error: type[JobError], words: str
) -> None:
    source = Waiting([letter("a", "1")], [letter("b", "2")])
    summary = Summary()

    def fail_from_now() -> None:
        server.script.extend([Fail(code)] * 1000)

    with pytest.raises(error, match=words):
        Replay(source, outbox, summary, on_progress=fail_from_now).run()
    assert (summary.messages, source.acknowledged, sent(server)) == (1, ["a"], ["1"])
