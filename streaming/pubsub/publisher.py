"""Messages to Pub/Sub topics, a thousand a request; at least once, and in order for each ordering key."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from functools import partial
from typing import Any

from google.pubsub_v1 import PublisherClient
from google.pubsub_v1.types import PubsubMessage

from streaming.pubsub.lanes import Lanes
from streaming.pubsub.publish_requests import Failed, Request, Requests, requests
from streaming.pubsub.pubsub_limits import over_limit
from streaming.refusals import Outcome, Refusal

_RawMessage = PubsubMessage.pb()  # the class below the wrapper, which costs ten times as much


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
        self._requests = Requests(client, retry_for=retry_for, timeout=timeout, backoff=backoff)
        self._lanes = Lanes(under_way, "publisher")

    def publish(
        self, topic: str, messages: Sequence[Any], on_retry: Callable[[], None] = lambda: None
    ) -> Future[list[Refusal]]:
        """Publish raw `PubsubMessage`s; waits while too many requests are under way.

        Args:
            topic: `projects/P/topics/T`.
            messages: those of one ordering key are published in their order, and after those of earlier calls.
            on_retry: called before a request is sent again, on another thread.

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
        split = list(requests(messages, [number for number, fault in faults if fault is None]))
        outcome = Outcome(len(split), refusals)
        for request in split:
            lane = (topic, request.key) if request.key else object()
            self._lanes.submit(lane, partial(self._settle, topic, request, outcome, on_retry))
        return outcome.future

    def close(self) -> None:
        """Wait until nothing is under way. Later calls raise."""
        self._lanes.close()

    def _settle(self, topic: str, request: Request, outcome: Outcome, on_retry: Callable[[], None]) -> None:
        if outcome.future.done():  # an earlier request has failed: everything comes again, each key in its order
            return
        try:
            self._send(topic, request, outcome, on_retry)
        except Exception as error:  # noqa: BLE001 - it is raised where the future is awaited
            outcome.failed(error)
        else:
            outcome.answered()

    def _send(self, topic: str, request: Request, outcome: Outcome, on_retry: Callable[[], None]) -> None:
        for each in self._requests.outcomes(topic, request, on_retry):
            if isinstance(each, Failed):
                raise each.error
            if isinstance(each, Refusal):
                outcome.refuse([each])
