"""Messages to one topic, no faster than a rate, each call answered before it returns."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

from google.api_core.exceptions import GoogleAPIError
from google.auth.exceptions import GoogleAuthError

from streaming.errors import JobError, PermanentError, no_credentials
from streaming.pubsub.publisher import Publisher
from streaming.refusals import Refusal
from streaming.service_errors import in_words

_BLOCKS_A_SECOND = 20
_MOST = 1000  # messages of a block that has to keep to a rate


class Outbox:
    """The way to the topic.

    Args:
        publisher: for any topic.
        topic: `projects/P/topics/T`.
        rate: the most messages a second; None for as fast as Pub/Sub takes them.
        stop: ends a wait.
    """

    def __init__(self, publisher: Publisher, topic: str, rate: float | None, stop: threading.Event) -> None:
        self._publisher = publisher
        self._topic = topic
        self._rate = rate
        self._stop = stop
        self._next = time.monotonic()

    def blocks(self, count: int) -> Iterator[slice]:
        """Slices of `count` messages, each to be sent by one call so that the rate is kept evenly."""
        size = count if self._rate is None else max(1, min(_MOST, int(self._rate / _BLOCKS_A_SECOND)))
        return (slice(start, min(start + size, count)) for start in range(0, count, size or 1))

    def send(self, messages: Sequence[Any]) -> list[Refusal]:
        """Publish raw `PubsubMessage`s, when the rate allows; those that are not refused are published for sure.

        Raises:
            PermanentError: nothing can be published to the topic.
            JobError: Pub/Sub could not be had; any of the messages may be published.
        """
        self._keep_rate(len(messages))
        try:
            return self._publisher.publish(self._topic, messages).result()
        except GoogleAuthError as error:
            raise PermanentError(f"topic {self._topic}: {no_credentials(error)}") from error
        except GoogleAPIError as error:
            words = f"Pub/Sub did not take {len(messages)} messages, any of which may be there; replay again"
            raise JobError(f"topic {self._topic}: {words} ({in_words(error)})") from error

    def _keep_rate(self, count: int) -> None:
        if self._rate is None:
            return
        now = time.monotonic()
        self._stop.wait(max(0.0, self._next - now))
        self._next = max(self._next, now) + count / self._rate
