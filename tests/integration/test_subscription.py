"""A subscription on the Pub/Sub emulator."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest
from google.api_core.exceptions import DeadlineExceeded
from google.pubsub_v1.types import PubsubMessage

from streaming.endpoints import publisher_client, subscriber_client
from streaming.errors import PermanentError
from streaming.pubsub.subscription import Subscription

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("emulators")]

SIZE = 8_000_000
SECONDS = 20.0


class Topic:
    """A topic with one subscription."""

    def __init__(self) -> None:
        name = f"t{uuid4().hex[:10]}"
        self.topic = f"projects/test/topics/{name}"
        self.subscription = f"projects/test/subscriptions/{name}"
        with publisher_client() as publisher, subscriber_client() as subscriber:
            publisher.create_topic(name=self.topic)
            subscriber.create_subscription(name=self.subscription, topic=self.topic, ack_deadline_seconds=10)

    def publish(self, *payloads: bytes) -> list[str]:
        with publisher_client() as publisher:
            messages = [{"data": payload, "attributes": {"site": "north"}} for payload in payloads]
            return list(publisher.publish(topic=self.topic, messages=messages).message_ids)

    def waiting(self, seconds: float) -> list[bytes]:
        """What another subscriber gets within so many seconds."""
        with subscriber_client() as subscriber:
            try:
                answer = subscriber.pull(subscription=self.subscription, max_messages=100, timeout=seconds, retry=None)
            except DeadlineExceeded:
                return []
            return [received.message.data for received in answer.received_messages]


@pytest.fixture
def topic() -> Topic:
    return Topic()


@pytest.fixture
def subscription(topic: Topic) -> Iterator[Subscription]:
    made = Subscription(topic.subscription, 2000, 2 * SIZE)
    yield made
    made.stop()


def take_all(subscription: Subscription, count: int) -> dict[str, bytes]:
    """So many messages, as ack id -> payload."""
    taken = {}
    while len(taken) < count:
        received = subscription.take(count - len(taken), SIZE, SECONDS, 0.05)
        assert received
        taken |= {each.ack_id: PubsubMessage.deserialize(each.message).data for each in received}
    return taken


def test_messages_come_whole(topic: Topic, subscription: Subscription) -> None:
    (message_id,) = topic.publish(b"payload")
    (received,) = subscription.take(10, SIZE, SECONDS, 0.0)
    message = PubsubMessage.deserialize(received.message)
    assert (message.message_id, message.data, dict(message.attributes)) == (message_id, b"payload", {"site": "north"})
    assert message.publish_time is not None


def test_a_batch_closes_at_its_count_and_at_its_size(topic: Topic, subscription: Subscription) -> None:
    topic.publish(*[b"small"] * 5)
    assert len(subscription.take(3, SIZE, SECONDS, SECONDS)) == 3
    assert len(subscription.take(2, SIZE, SECONDS, SECONDS)) == 2
    topic.publish(*[b"x" * 1000] * 5)
    assert len(subscription.take(5, 1500, SECONDS, SECONDS)) == 2


def test_nothing_to_take_is_an_empty_list(subscription: Subscription) -> None:
    assert subscription.take(10, SIZE, 0.0, 0.0) == []


def test_what_is_in_hand_is_leased_beyond_its_deadline_and_gone_once_acknowledged(topic: Topic) -> None:
    subscription = Subscription(topic.subscription, 2000, 2 * SIZE)
    topic.publish(b"one", b"two")
    taken = take_all(subscription, 2)
    subscription.stop()  # so that only the leases keep the messages from others
    assert topic.waiting(seconds=13.0) == []
    subscription.acknowledge(list(taken))
    assert topic.waiting(seconds=11.0) == []


def test_what_is_given_back_comes_again_at_once(topic: Topic, subscription: Subscription) -> None:
    topic.publish(b"one")
    taken = take_all(subscription, 1)
    subscription.give_back(list(taken))
    assert list(take_all(subscription, 1).values()) == [b"one"]


def test_stopping_gives_back_what_nobody_has_taken(topic: Topic) -> None:
    subscription = Subscription(topic.subscription, 2000, 2 * SIZE)
    topic.publish(*[b"%d" % number for number in range(10)])
    taken = take_all(subscription, 1)
    subscription.stop()
    assert subscription.take(10, SIZE, SECONDS, SECONDS) == []
    subscription.acknowledge(list(taken))
    other = Subscription(topic.subscription, 2000, 2 * SIZE)
    rest = take_all(other, 9)
    other.stop()
    assert sorted([*taken.values(), *rest.values()]) == [b"%d" % number for number in range(10)]


def test_a_subscription_that_is_not_there_is_a_permanent_error() -> None:
    subscription = Subscription("projects/test/subscriptions/nothing", 10, SIZE)
    with pytest.raises(
        PermanentError, match=r"^input_subscription projects/test/subscriptions/nothing cannot be pulled"
    ):
        subscription.take(10, SIZE, SECONDS, 0.0)
    subscription.stop()
