"""Publish requests: what goes together in one, and what Pub/Sub answers to it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from google.api_core import exceptions
from google.api_core.retry import Retry, if_exception_type
from google.pubsub_v1 import PublisherClient
from google.pubsub_v1.types import PublishRequest, PublishResponse

from streaming.errors import PermanentError, one_line
from streaming.pubsub.pubsub_limits import REQUEST_BYTES, REQUEST_MESSAGES
from streaming.refusals import Refusal
from streaming.slices import slices

_LOG = logging.getLogger(__name__)

_RawRequest = PublishRequest.pb()  # the class below the wrapper, which costs ten times as much

_TRANSIENT = if_exception_type(
    exceptions.Aborted,
    exceptions.Cancelled,
    exceptions.DeadlineExceeded,
    exceptions.InternalServerError,
    exceptions.ResourceExhausted,
    exceptions.ServiceUnavailable,
    exceptions.Unknown,
)

_REMEDIES = {
    exceptions.NotFound: "no such topic; create it with gcloud pubsub topics create",
    exceptions.PermissionDenied: "no permission to publish; grant roles/pubsub.publisher on it",
    exceptions.Unauthenticated: "no valid credentials; check the job's account and start the job again",
}


@dataclass(frozen=True)
class Request:
    """Raw `PubsubMessage`s that go together: of one ordering key, or of none.

    `numbers` says of each message where it stood in what the caller gave.
    """

    key: str
    numbers: Sequence[int]
    messages: Sequence[Any]

    def halves(self) -> Iterator[Request]:
        """The first half of the messages, and the second."""
        half = len(self.messages) // 2
        for part in (slice(half), slice(half, None)):
            yield Request(self.key, self.numbers[part], self.messages[part])


@dataclass(frozen=True)
class Taken:
    """Messages that Pub/Sub has taken, with the ids that it gave them.

    `attempts` counts the calls. Pub/Sub may have taken the messages more than once where there was more than one.
    """

    numbers: Sequence[int]
    message_ids: Sequence[str]
    attempts: int


@dataclass(frozen=True)
class Failed:
    """Messages that Pub/Sub has not taken in the last of `attempts` calls, or has not answered for.

    Attributes:
        error: an `errors.PermanentError` when somebody has to mend something first; a
            `google.api_core.exceptions.RetryError` when Pub/Sub could not be had for too long; or its own error.
    """

    numbers: Sequence[int]
    error: Exception
    attempts: int

    @property
    def perhaps_taken(self) -> bool:
        """Whether Pub/Sub may have taken the messages, as a call went without an answer."""
        return self.attempts > 1 or isinstance(self.error, exceptions.RetryError)


class Requests:
    """Makes publish requests, for any thread.

    Args:
        client: the generated client.
        retry_for: seconds a request may go on failing for transient reasons.
        timeout: seconds one call may take.
        backoff: shortest and longest mean wait, in seconds, between calls; doubled each time, with full jitter.
    """

    def __init__(
        self,
        client: PublisherClient,
        *,
        retry_for: float = 120.0,
        timeout: float = 60.0,
        backoff: tuple[float, float] = (0.2, 10.0),
    ) -> None:
        self._client = client
        self._timeout = timeout
        initial, maximum = backoff
        self._retrying = Retry(
            _TRANSIENT, initial=initial, maximum=maximum, multiplier=2.0, timeout=retry_for, on_error=_warn
        )

    def outcomes(
        self, topic: str, request: Request, on_retry: Callable[[], None] = lambda: None
    ) -> Iterator[Taken | Refusal | Failed]:
        """Publish a request, and tell what comes of its messages, in their order.

        Pub/Sub does not say which message is to blame for an invalid request: it is halved until that one is alone.
        After a `Failed` nothing follows: the messages that no outcome names have not been published. `on_retry` is
        called before each attempt but the first.
        """
        calls: list[int] = []
        try:
            message_ids = self._retrying(self._publish)(topic, request, calls, on_retry)
        except exceptions.InvalidArgument as error:
            if len(request.messages) == 1:
                yield Refusal(request.numbers[0], type(error).__name__, error.message)
            else:
                yield from self._by_halves(topic, request, on_retry)
        except exceptions.GoogleAPIError as error:
            yield Failed(request.numbers, _explained(topic, error), len(calls))
        else:
            yield Taken(request.numbers, message_ids, len(calls))

    def _by_halves(
        self, topic: str, request: Request, on_retry: Callable[[], None]
    ) -> Iterator[Taken | Refusal | Failed]:
        for half in request.halves():
            for outcome in self.outcomes(topic, half, on_retry):
                yield outcome
                if isinstance(outcome, Failed):
                    return

    def _publish(self, topic: str, request: Request, calls: list[int], on_retry: Callable[[], None]) -> Sequence[str]:
        if calls:
            on_retry()
        calls.append(len(calls))
        raw = PublishRequest.wrap(_RawRequest(topic=topic, messages=request.messages))
        answer = self._client.publish(request=raw, retry=None, timeout=self._timeout)
        return list(PublishResponse.pb(answer).message_ids)


def requests(messages: Sequence[Any], numbers: Sequence[int]) -> Iterator[Request]:
    """Requests of the numbered messages, within Pub/Sub's limits; in order for each ordering key."""
    by_key: dict[str, list[int]] = {}
    for number in numbers:
        by_key.setdefault(messages[number].ordering_key, []).append(number)
    for key, group in by_key.items():
        sizes = [messages[number].ByteSize() + _TAG_BYTES for number in group]
        for part in slices(sizes, REQUEST_MESSAGES, REQUEST_BYTES):
            chosen = group[part]
            yield Request(key, chosen, [messages[number] for number in chosen])


_TAG_BYTES = 6  # before each message in a request


def _warn(error: Exception) -> None:
    _LOG.warning("Sending a publish request again: %s", one_line(error))


def _explained(topic: str, error: exceptions.GoogleAPIError) -> Exception:
    if remedy := _REMEDIES.get(type(error)):
        explained = PermanentError(f"topic {topic}: {remedy} ({one_line(error)})")
        explained.__cause__ = error
        return explained
    if isinstance(error, exceptions.RetryError):
        error.add_note(f"while publishing to {topic}")
    return error
