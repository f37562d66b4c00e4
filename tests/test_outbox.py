"""A rate cuts messages into blocks that keep it evenly."""

import threading

import pytest

from producers.replaying.outbox import Outbox
from streaming.endpoints import publisher_client
from streaming.pubsub.publisher import Publisher, output_message
from tests.pubsub_publisher_server import Message, PublisherServer


@pytest.mark.parametrize(
    ("rate", "count", "sizes"),
    [(None, 2500, [2500]), (None, 0, []), (0.5, 3, [1, 1, 1]), (100, 12, [5, 5, 2]), (1e6, 2500, [1000, 1000, 500])],
)
def test_blocks_are_a_twentieth_of_a_second(
    rate: float | None, count: int, sizes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    with PublisherServer() as server:
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", server.host)
        with publisher_client() as client:
            publisher = Publisher(client)
            outbox = Outbox(publisher, "projects/p/topics/t", rate, threading.Event())
            assert [block.stop - block.start for block in outbox.blocks(count)] == sizes
            publisher.close()


def test_a_wish_to_stop_ends_the_wait_for_the_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    stop = threading.Event()
    with PublisherServer() as server:
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", server.host)
        with publisher_client() as client:
            publisher = Publisher(client)
            outbox = Outbox(publisher, "projects/p/topics/t", 0.001, stop)
            assert outbox.send([output_message(b"1", {})]) == []
            stop.set()
            assert outbox.send([output_message(b"2", {})]) == []  # due in a thousand seconds
            publisher.close()
        assert [messages for _, messages in server.published] == [[Message(b"1")], [Message(b"2")]]
