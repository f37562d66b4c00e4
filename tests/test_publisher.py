"""Messages arrive whole and in order for each key, whatever the service does meanwhile."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from google.api_core.exceptions import FailedPrecondition, RetryError
from grpc import StatusCode

from streaming.endpoints import publisher_client
from streaming.errors import PermanentError
from streaming.pubsub.publisher import Publisher, output_message
from streaming.refusals import Refusal
from tests.pubsub_publisher_server import Fail, Message, PublisherServer, Wait

TOPIC = "projects/p/topics/predictions"
TRANSIENT = (
    StatusCode.ABORTED,
    StatusCode.CANCELLED,
    StatusCode.DEADLINE_EXCEEDED,
    StatusCode.INTERNAL,
    StatusCode.RESOURCE_EXHAUSTED,
    StatusCode.UNAVAILABLE,
    StatusCode.UNKNOWN,
)

Make = Callable[..., Publisher]


@pytest.fixture
def server() -> Iterator[PublisherServer]:
    with PublisherServer() as server:
        yield server


@pytest.fixture
def make(server: PublisherServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """Makes publishers that hardly wait between attempts, and closes them."""
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", server.host)
    made: list[Publisher] = []

    def make(**parameters: Any) -> Publisher:
        made.append(Publisher(publisher_client(), **{"backoff": (0.001, 0.01), **parameters}))
        return made[-1]

    yield make
    for publisher in made:
        publisher.close()


def texts(first: int, count: int, key: str = "") -> list[Any]:
    return [output_message(str(number).encode(), {}, key) for number in range(first, first + count)]


def numbers(messages: list[Message]) -> list[int]:
    return [int(message.data) for message in messages]


def answer(future: Future[list[Refusal]]) -> list[Refusal]:
    return future.result(10)


def test_a_message_arrives_with_its_attributes_and_key(server: PublisherServer, make: Make) -> None:
    messages = [
        output_message(b"\x00\xff", {"b": "ü", "a": ""}, "device-1"),
        output_message(b"", {"only": "attribute"}),
    ]
    assert answer(make().publish(TOPIC, messages)) == []
    assert sorted(server.published, key=str) == [
        (TOPIC, [Message(b"", (("only", "attribute"),))]),
        (TOPIC, [Message(b"\x00\xff", (("a", ""), ("b", "ü")), "device-1")]),
    ]
    assert server.routes == {"topic=projects/p/topics/predictions"}


def test_no_messages_are_answered_without_a_request(server: PublisherServer, make: Make) -> None:
    assert answer(make().publish(TOPIC, [])) == []
    assert server.asked == []


def test_a_thousand_messages_are_the_most_of_a_request(server: PublisherServer, make: Make) -> None:
    assert answer(make().publish(TOPIC, texts(0, 2500))) == []
    assert sorted(server.asked) == [500, 1000, 1000]
    assert sorted(n for _, messages in server.published for n in numbers(messages)) == list(range(2500))


def test_a_request_has_at_most_nine_and_a_half_megabytes(server: PublisherServer, make: Make) -> None:
    sizes = [4_000_000, 4_000_000, 4_000_000, 9_900_000, 1]
    assert answer(make().publish(TOPIC, [output_message(b"x" * size, {}, "k") for size in sizes])) == []
    assert [[len(message.data) for message in messages] for _, messages in server.published] == [
        [4_000_000, 4_000_000],
        [4_000_000],
        [9_900_000],
        [1],
    ]


def test_each_key_has_requests_of_its_own_in_its_order(server: PublisherServer, make: Make) -> None:
    messages = [output_message(str(n).encode(), {}, f"key-{n % 3}") for n in range(3000)]
    publisher = make()
    futures = [publisher.publish(TOPIC, messages[start : start + 600]) for start in range(0, 3000, 600)]
    assert [answer(future) for future in futures] == [[]] * 5
    for key in range(3):
        of_key = [numbers(ms) for _, ms in server.published if ms[0].ordering_key == f"key-{key}"]
        assert sum(of_key, []) == list(range(key, 3000, 3))  # noqa: RUF017
    assert {len({message.ordering_key for message in messages}) for _, messages in server.published} == {1}


def test_the_same_key_of_another_topic_does_not_wait(server: PublisherServer, make: Make) -> None:
    gate = threading.Event()
    server.script.append(Wait(gate))
    publisher = make()
    waiting = publisher.publish(TOPIC, texts(0, 1, "k"))
    server.await_asked(1)
    assert answer(publisher.publish("projects/p/topics/other", texts(1, 1, "k"))) == []
    assert not waiting.done()
    gate.set()
    assert answer(waiting) == []


@pytest.mark.parametrize("code", TRANSIENT)
def test_a_passing_fault_is_logged_and_tried_again(
    code: StatusCode, server: PublisherServer, make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    server.script.extend([Fail(code), Fail(code)])
    retries: list[str] = []
    assert answer(make().publish(TOPIC, texts(0, 3), lambda: retries.append("again"))) == []
    assert retries == ["again"] * 2
    assert [message.partition(":")[0] for message in caplog.messages] == ["Sending a publish request again"] * 2
    assert [(topic, numbers(messages)) for topic, messages in server.published] == [(TOPIC, [0, 1, 2])]


def test_the_order_of_a_key_survives_passing_faults(server: PublisherServer, make: Make) -> None:
    server.script.extend([Fail(StatusCode.UNAVAILABLE), Fail(StatusCode.UNAVAILABLE, published=True)])
    publisher = make()
    futures = [publisher.publish(TOPIC, texts(start, 2, "k")) for start in (0, 2, 4)]
    assert [answer(future) for future in futures] == [[]] * 3
    assert [numbers(messages) for _, messages in server.published] == [[0, 1], [0, 1], [2, 3], [4, 5]]


def test_a_fault_that_stays_is_the_future_s_in_the_end(server: PublisherServer, make: Make) -> None:
    server.script.extend([Fail(StatusCode.UNAVAILABLE)] * 1000)
    error = make(retry_for=0.05).publish(TOPIC, texts(0, 1)).exception(10)
    assert isinstance(error, RetryError)
    assert error.__notes__ == [f"while publishing to {TOPIC}"]
    assert server.published == []


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        (StatusCode.NOT_FOUND, "no such topic; create it with gcloud pubsub topics create (404 scripted)"),
        (
            StatusCode.PERMISSION_DENIED,
            "no permission to publish; grant roles/pubsub.publisher on it (403 scripted)",
        ),
        (
            StatusCode.UNAUTHENTICATED,
            "no valid credentials; check the job's account and start the job again (401 scripted)",
        ),
    ],
)
def test_what_somebody_has_to_mend_is_named_with_the_topic(
    code: StatusCode, remedy: str, server: PublisherServer, make: Make
) -> None:
    server.script.append(Fail(code))
    error = make().publish(TOPIC, texts(0, 1)).exception(10)
    assert type(error) is PermanentError
    assert str(error) == f"topic {TOPIC}: {remedy}"


def test_any_other_fault_is_the_future_s_as_it_is(server: PublisherServer, make: Make) -> None:
    server.script.append(Fail(StatusCode.FAILED_PRECONDITION))
    assert type(make().publish(TOPIC, texts(0, 1)).exception(10)) is FailedPrecondition


def test_after_a_failed_request_the_rest_of_its_key_is_not_sent(server: PublisherServer, make: Make) -> None:
    server.script.append(Fail(StatusCode.NOT_FOUND))
    publisher = make()
    error = publisher.publish(TOPIC, texts(0, 2500, "k")).exception(10)
    assert type(error) is PermanentError
    publisher.close()
    assert server.asked == [1000]


def test_the_guilty_messages_are_found_by_halves_and_the_others_published_in_order(
    server: PublisherServer, make: Make
) -> None:
    bad = {3, 700, 701, 999}
    server.refuse = lambda message: int(message.data) in bad
    words = "One or more messages are bad."
    assert answer(make().publish(TOPIC, texts(0, 1000, "k"))) == [
        Refusal(n, "InvalidArgument", words) for n in sorted(bad)
    ]
    published = [n for _, messages in server.published for n in numbers(messages)]
    assert published == [n for n in range(1000) if n not in bad]
    assert len(server.asked) < 80


def test_messages_over_a_limit_are_refused_without_a_request(server: PublisherServer, make: Make) -> None:
    messages = [
        output_message(b"first", {}),
        output_message(b"x", {f"a{n}": "" for n in range(101)}),
        output_message(b"x", {"a": "ü" * 513}),
        output_message(b"last", {}),
    ]
    refusals = answer(make().publish(TOPIC, messages))
    assert [(refusal.row, refusal.error_class) for refusal in refusals] == [
        (1, "TooManyAttributes"),
        (2, "AttributeValueTooLarge"),
    ]
    assert server.published == [(TOPIC, [Message(b"first"), Message(b"last")])]


def test_threads_get_their_own_answers(server: PublisherServer, make: Make) -> None:
    server.refuse = lambda message: int(message.data) % 100 == 17
    publisher = make()

    def publish(thread: int) -> list[list[int]]:
        futures = [publisher.publish(TOPIC, texts(1000 * thread + 100 * n, 50 + n)) for n in range(10)]
        return [[refusal.row for refusal in answer(future)] for future in futures]

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(publish, range(4))) == [[[17]] * 10] * 4


def test_publish_waits_while_eight_requests_are_under_way(server: PublisherServer, make: Make) -> None:
    gate, ninth = threading.Event(), threading.Event()
    server.script.extend([Wait(gate)] * 8)
    publisher = make()
    futures = [publisher.publish(TOPIC, texts(n, 1)) for n in range(8)]
    server.await_asked(8)

    def publish_ninth() -> list[Refusal]:
        future = publisher.publish(TOPIC, texts(8, 1))
        ninth.set()
        return answer(future)

    with ThreadPoolExecutor(1) as threads:
        last = threads.submit(publish_ninth)
        assert not ninth.wait(0.05)
        gate.set()
        assert [answer(future) for future in futures] == [[]] * 8
        assert answer(last) == []
    assert server.most_under_way == 8


def test_a_closed_publisher_has_published_everything_and_takes_no_more(server: PublisherServer, make: Make) -> None:
    publisher = make()
    future = publisher.publish(TOPIC, texts(0, 3))
    publisher.close()
    assert future.done()
    with pytest.raises(RuntimeError, match="closed"):
        publisher.publish(TOPIC, texts(0, 1))
