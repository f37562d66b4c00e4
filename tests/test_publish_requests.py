"""What comes of each message of a publish request, whatever the service does."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from google.api_core.exceptions import FailedPrecondition, RetryError
from grpc import StatusCode

from streaming.endpoints import publisher_client
from streaming.errors import PermanentError
from streaming.pubsub.publish_requests import Failed, Request, Requests, Taken, requests
from streaming.pubsub.publisher import output_message
from streaming.refusals import Refusal
from tests.pubsub_publisher_server import Fail, PublisherServer

TOPIC = "projects/p/topics/readings"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[PublisherServer]:
    with PublisherServer() as server:
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", server.host)
        yield server


def request_of(count: int) -> Request:
    """Messages 100, 101 and so on, which say their numbers."""
    numbers = range(100, 100 + count)
    return Request("", numbers, [output_message(str(number).encode(), {}) for number in numbers])


def outcomes(count: int, retry_for: float = 10.0) -> list[Taken | Refusal | Failed]:
    service = Requests(publisher_client(), retry_for=retry_for, backoff=(0.001, 0.01))
    return list(service.outcomes(TOPIC, request_of(count)))


def test_messages_that_are_taken_have_ids(server: PublisherServer) -> None:
    assert outcomes(3) == [Taken(range(100, 103), ["0", "1", "2"], attempts=1)]


def test_every_call_of_a_request_counts(server: PublisherServer) -> None:
    server.script.extend([Fail(StatusCode.UNAVAILABLE), Fail(StatusCode.ABORTED, published=True)])
    assert outcomes(1) == [Taken(range(100, 101), ["0"], attempts=3)]


def test_only_the_guilty_messages_are_refused(server: PublisherServer) -> None:
    server.refuse = lambda message: message.data in (b"101", b"104")
    assert outcomes(5) == [
        Taken(range(100, 101), ["0"], 1),
        Refusal(101, "InvalidArgument", "One or more messages are bad."),
        Taken(range(102, 103), ["0"], 1),
        Taken(range(103, 104), ["0"], 1),
        Refusal(104, "InvalidArgument", "One or more messages are bad."),
    ]


def test_after_a_failure_nothing_more_is_asked(server: PublisherServer) -> None:
    server.script.extend([Fail(StatusCode.INVALID_ARGUMENT), Fail(StatusCode.NOT_FOUND)])
    (failed,) = outcomes(4)
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, PermanentError)
    assert (failed.numbers, failed.attempts, failed.perhaps_taken) == (range(100, 102), 1, False)
    assert server.asked == [4, 2]


def test_what_is_answered_before_a_failure_is_kept(server: PublisherServer) -> None:
    server.script.extend([Fail(StatusCode.INVALID_ARGUMENT), Fail(StatusCode.INVALID_ARGUMENT)])
    server.script.append(Fail(StatusCode.NOT_FOUND))
    refused, failed = outcomes(2)
    assert refused == Refusal(100, "InvalidArgument", "scripted")
    assert isinstance(failed, Failed)
    assert failed.numbers == range(101, 102)


@pytest.mark.parametrize(
    ("script", "perhaps"),
    [
        ([Fail(StatusCode.PERMISSION_DENIED)], False),
        ([Fail(StatusCode.UNAVAILABLE), Fail(StatusCode.PERMISSION_DENIED)], True),
    ],
)
def test_messages_are_perhaps_taken_once_a_call_had_no_answer(
    script: list[Fail], perhaps: bool, server: PublisherServer
) -> None:
    server.script.extend(script)
    (failed,) = outcomes(1)
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, PermanentError)
    assert failed.perhaps_taken is perhaps


def test_who_does_not_answer_for_too_long_has_perhaps_taken_the_messages(server: PublisherServer) -> None:
    server.script.extend([Fail(StatusCode.UNAVAILABLE)] * 1000)
    (failed,) = outcomes(1, retry_for=0.02)
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, RetryError)
    assert failed.perhaps_taken


def test_any_other_error_is_told_as_it_is(server: PublisherServer) -> None:
    server.script.append(Fail(StatusCode.FAILED_PRECONDITION))
    (failed,) = outcomes(1)
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, FailedPrecondition)


def test_requests_are_of_one_ordering_key_each() -> None:
    messages = [output_message(b"x", {}, key) for key in ("a", "b", "a", "")]
    split = list(requests(messages, [0, 1, 2, 3]))
    assert [(request.key, list(request.numbers)) for request in split] == [("a", [0, 2]), ("b", [1]), ("", [3])]
