"""Letters on the Pub/Sub emulator: each once, held until they are done, and back at once when they are not."""

from __future__ import annotations

from uuid import uuid4

import pytest

from producers.replaying.letters_subscription import LetterSubscription
from streaming.endpoints import publisher_client, subscriber_client
from streaming.errors import Mistakes
from tests.integration.service import await_true

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("emulators")]

SECONDS = 5.0  # less than any acknowledgement deadline


@pytest.fixture
def name() -> str:
    """A subscription with letters of five messages."""
    topic, name = (f"projects/test/{kind}/t{uuid4().hex[:10]}" for kind in ("topics", "subscriptions"))
    with publisher_client() as publisher, subscriber_client() as subscriber:
        publisher.create_topic(name=topic)
        subscriber.create_subscription(name=name, topic=topic, ack_deadline_seconds=10)
        attributes = [{"error_stage": "decode", "error_message_id": str(number)} for number in range(5)]
        publisher.publish(topic=topic, messages=[{"data": b"x", "attributes": each} for each in attributes])
    return name


def waiting(name: str) -> list[str]:
    """The messages of the letters that another subscriber gets now."""
    with subscriber_client() as subscriber:
        request = {"subscription": name, "max_messages": 5, "return_immediately": True}
        received = subscriber.pull(request=request, timeout=SECONDS).received_messages
        return [each.message.attributes["error_message_id"] for each in received]


def test_letters_come_once_and_what_is_not_done_comes_back_at_once(name: str) -> None:
    with LetterSubscription(name, quiet=1.0) as source:
        letters = [letter for part in source for letter in part]
        assert sorted(letter.message_id for letter in letters) == ["0", "1", "2", "3", "4"]
        source.done([letter for letter in letters if letter.message_id in "012"])
    back: list[str] = []
    await_true(lambda: back.extend(waiting(name)) or len(back) >= 2, SECONDS)
    assert sorted(back) == ["3", "4"]


def test_letters_whose_leases_lapse_are_still_one_letter_each(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("producers.replaying.letters_subscription._EXTEND_SECONDS", 0.05)
    monkeypatch.setattr("producers.replaying.letters_subscription._LEASE_SECONDS", 0)  # they come again, and again
    with LetterSubscription(name, quiet=3.0) as source:
        parts = list(source)
        letters = [letter for part in parts for letter in part]
        assert sorted(letter.message_id for letter in letters) == ["0", "1", "2", "3", "4"]
        assert len(parts) > 1
        source.done(letters)
        assert [letter for part in source for letter in part] == []
    assert waiting(name) == []


def test_a_subscription_that_is_gone_is_said_in_one_line() -> None:
    missing = "projects/test/subscriptions/none"
    words = f"^--subscription {missing}: no such subscription; name one of the dead-letter topic$"
    with pytest.raises(Mistakes, match=words), LetterSubscription(missing) as source:
        next(iter(source))
