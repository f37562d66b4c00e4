"""Messages to Pub/Sub topics, a thousand a request; at least once, and in order for each ordering key."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import Any

from google.api_core import exceptions
from google.api_core.retry import Retry, if_exception_type
from google.pubsub_v1 import PublisherClient
from google.pubsub_v1.types import PublishRequest, PubsubMessage

from streaming.errors import PermanentError, one_line
from streaming.pubsub.lanes import Lanes
from streaming.pubsub.pubsub_limits import REQUEST_BYTES, REQUEST_MESSAGES, over_limit
from streaming.refusals import Outcome, Refusal
from streaming.slices import slices

_LOG = logging.getLogger(__name__)

_RawMessage = PubsubMessage.pb()  # the class below the wrapper, which costs ten times as much
_RawRequest = PublishRequest.pb()

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
class _Request:
    """Messages that go together: of one ordering key, or of none.

    `numbers` says of each message where it stood in what the caller gave.
    """

    key: str
    numbers: Sequence[int]
    messages: Sequence[Any]


def output_message(data: bytes, attributes: Mapping[str, str], ordering_key: str | None = None) -> Any:
    """A raw `PubsubMessage`."""
    return _RawMessage(data=data, attributes=attributes, ordering_key=ordering_key)


class Publisher:
    """Publishes for any thread to any topic; one for each process.

    Args:
        client: the generated client.
        under_way: how many requests may be unanswered; `publish` waits while there are as many.
        retry_for: seconds a request may go on failing for transient reasons.
        timeout: seconds one attempt may take.
        backoff: shortest and longest mean wait, in seconds, between attempts; doubled each time, with full jitter.
    """

    def __init__(
        self,
        client: PublisherClient,
        *,
        under_way: int = 8,
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
        self._lanes = Lanes(under_way, "publisher")

    def publish(self, topic: str, messages: Sequence[Any]) -> Future[list[Refusal]]:
        """Publish raw `PubsubMessage`s; waits while too many requests are under way.

        Args:
            topic: `projects/P/topics/T`.
            messages: those of one ordering key are published in their order, and after those of earlier calls.

        Returns:
            A future of the messages that Pub/Sub refuses, numbered as in `messages`; all others are published, some
            perhaps twice. It fails with an `errors.PermanentError` when somebody has to mend something first, or with
            a `google.api_core.exceptions.RetryError` when Pub/Sub could not be had for `retry_for` seconds; then any
            of the messages may be published.

        Raises:
            RuntimeError: the publisher is closed.
        """
        faults = [(number, over_limit(message)) for number, message in enumerate(messages)]
        refusals = [Refusal(number, *fault) for number, fault in faults if fault is not None]
        requests = list(_requests(messages, [number for number, fault in faults if fault is None]))
        outcome = Outcome(len(requests), refusals)
        for request in requests:
            lane = (topic, request.key) if request.key else object()
            self._lanes.submit(lane, partial(self._settle, topic, request, outcome))
        return outcome.future

    def close(self) -> None:
        """Wait until nothing is under way. Later calls raise."""
        self._lanes.close()

    def _settle(self, topic: str, request: _Request, outcome: Outcome) -> None:
        if outcome.future.done():  # an earlier request has failed: everything comes again, each key in its order
            return
        try:
            outcome.refuse(self._send(topic, request.numbers, request.messages))
        except Exception as error:  # noqa: BLE001 - it is raised where the future is awaited
            outcome.failed(error)
        else:
            outcome.answered()

    def _send(self, topic: str, numbers: Sequence[int], messages: Sequence[Any]) -> list[Refusal]:
        """Pub/Sub does not say which message is to blame: halve the request until that one is alone."""
        try:
            self._request(topic, messages)
        except exceptions.InvalidArgument as error:
            if len(messages) == 1:
                return [Refusal(numbers[0], type(error).__name__, error.message)]
            half = len(messages) // 2
            first = self._send(topic, numbers[:half], messages[:half])
            return first + self._send(topic, numbers[half:], messages[half:])
        return []

    def _request(self, topic: str, messages: Sequence[Any]) -> None:
        request = PublishRequest.wrap(_RawRequest(topic=topic, messages=messages))
        try:
            self._retrying(self._client.publish)(request=request, retry=None, timeout=self._timeout)
        except tuple(_REMEDIES) as error:
            raise PermanentError(f"topic {topic}: {_REMEDIES[type(error)]} ({one_line(error)})") from error
        except exceptions.RetryError as error:
            error.add_note(f"while publishing to {topic}")
            raise


def _warn(error: Exception) -> None:
    _LOG.warning("Sending a publish request again: %s", one_line(error))


def _requests(messages: Sequence[Any], numbers: Sequence[int]) -> Iterator[_Request]:
    """Requests of the numbered messages, within Pub/Sub's limits; in order for each ordering key."""
    by_key: dict[str, list[int]] = {}
    for number in numbers:
        by_key.setdefault(messages[number].ordering_key, []).append(number)
    for key, group in by_key.items():
        sizes = [messages[number].ByteSize() + _TAG_BYTES for number in group]
        for part in slices(sizes, REQUEST_MESSAGES, REQUEST_BYTES):
            chosen = group[part]
            yield _Request(key, chosen, [messages[number] for number in chosen])


_TAG_BYTES = 6  # before each message in a request
