"""Dead letters from a subscription of their topic, leased until they are done or given back."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Self

from google.api_core import exceptions
from google.api_core.retry import Retry
from google.auth.exceptions import GoogleAuthError
from google.pubsub_v1.types import PullRequest, PullResponse

from producers.replaying.letters import Letter, from_message
from streaming.endpoints import subscriber_client
from streaming.errors import JobError, Mistakes, PermanentError, no_credentials, one_line
from streaming.pubsub.pubsub_limits import ack_requests
from streaming.service_errors import in_words

_LOG = logging.getLogger(__name__)

_CHUNK = 1000
_PULL_SECONDS = 2.0  # Pub/Sub ends the pull itself then: one that is broken off may take letters along, unseen
_LEASE_SECONDS = 20
_EXTEND_SECONDS = 4.0  # well within Pub/Sub's shortest acknowledgement deadline, 10 s
_REQUEST_SECONDS = 60.0
_RETRY = Retry(timeout=30.0)


class LetterSubscription:
    """The letters that wait on a subscription; a context manager, which gives back what is not done.

    Args:
        name: `projects/P/subscriptions/S`.
        quiet: seconds without a new letter after which there are no more.
    """

    def __init__(self, name: str, quiet: float = 6.0) -> None:
        self._name = name
        self._quiet = quiet
        self._client = subscriber_client()
        self._lock = threading.Lock()  # guards the leases
        self._leases: dict[str, list[str]] = {}
        """Of each letter in hand, what acknowledges it: more than one if Pub/Sub has given it again."""
        self._done: set[str] = set()
        self._ended = threading.Event()
        self._extender = threading.Thread(target=self._extend_leases, name="letter-leases", daemon=True)

    def __enter__(self) -> Self:
        self._extender.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._extender.join()
        try:
            self._set_deadline(self._held(), 0)
        except exceptions.GoogleAPIError as error:
            _LOG.warning("%s: letters come again only when their leases end: %s", self._name, one_line(error))
        self._client.transport.close()

    def __iter__(self) -> Iterator[list[Letter]]:
        """The letters as they come, each once; nothing, every few seconds, while none come.

        Raises:
            Mistakes: there is no such subscription.
            JobError: it may not be pulled, or Pub/Sub does not answer.
        """
        last = time.monotonic()
        while time.monotonic() - last < self._quiet:
            letters = self._gather()
            yield letters
            if letters:
                last = time.monotonic()

    def done(self, letters: Sequence[Letter]) -> None:
        """Acknowledge letters: they do not come again.

        Raises:
            JobError: Pub/Sub does not answer.
        """
        names = [letter.letter_id for letter in letters if letter.letter_id is not None]
        self._done.update(names)
        with self._lock:
            leases = [lease for name in names for lease in self._leases.pop(name)]
        self._acknowledge(leases)

    def _gather(self) -> list[Letter]:
        """A chunk of new letters: one pull may bring far fewer than there are."""
        letters: list[Letter] = []
        while len(letters) < _CHUNK and (new := self._new(self._pull(_CHUNK - len(letters)))):
            letters += new
        return letters

    def _pull(self, most: int) -> Sequence[Any]:
        """Raw `ReceivedMessage`s, at most so many."""
        request = PullRequest(subscription=self._name, max_messages=most)
        with self._explained():
            try:
                response = _RETRY(self._client.pull)(request=request, retry=None, timeout=_PULL_SECONDS)
            except exceptions.DeadlineExceeded:  # there were none
                return []
        received: Sequence[Any] = PullResponse.pb(response).received_messages
        return received

    def _new(self, received: Iterable[Any]) -> list[Letter]:
        """The letters that are not in hand already, and not done."""
        new, done = [], []
        for each in received:
            name = each.message.message_id
            if name in self._done:  # Pub/Sub had given it again before it was acknowledged
                done.append(each.ack_id)
            elif self._hold(name, each.ack_id):
                new.append(from_message(each.message))
        self._acknowledge(done)
        return new

    def _hold(self, name: str, lease: str) -> bool:
        """Whether that is the letter's first lease."""
        with self._lock:
            leases = self._leases.setdefault(name, [])
            leases.append(lease)
            return len(leases) == 1

    def _held(self) -> list[str]:
        with self._lock:
            return [lease for leases in self._leases.values() for lease in leases]

    def _extend_leases(self) -> None:
        while not self._ended.wait(_EXTEND_SECONDS):
            try:
                self._set_deadline(self._held(), _LEASE_SECONDS)
            except exceptions.GoogleAPIError as error:
                _LOG.warning("%s: leases are not extended, trying again: %s", self._name, one_line(error))

    def _set_deadline(self, leases: Sequence[str], seconds: int) -> None:
        for ids in ack_requests(leases):
            self._client.modify_ack_deadline(subscription=self._name, ack_ids=ids, ack_deadline_seconds=seconds)

    def _acknowledge(self, leases: Sequence[str]) -> None:
        with self._explained():
            for ids in ack_requests(leases):
                self._client.acknowledge(subscription=self._name, ack_ids=ids, timeout=_REQUEST_SECONDS)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn what Pub/Sub says into one line with a remedy."""
        try:
            yield
        except exceptions.NotFound as error:
            remedy = "name one of the dead-letter topic"
            raise Mistakes([f"--subscription {self._name}: no such subscription; {remedy}"]) from error
        except exceptions.PermissionDenied as error:
            remedy = "grant roles/pubsub.subscriber on it"
            raise PermanentError(f"--subscription {self._name}: no permission; {remedy} ({in_words(error)})") from error
        except GoogleAuthError as error:
            raise PermanentError(f"--subscription: {no_credentials(error)}") from error
        except exceptions.GoogleAPIError as error:
            words = f"{in_words(error)}; what is not acknowledged comes again, replay it then"
            raise JobError(f"--subscription {self._name}: Pub/Sub does not answer: {words}") from error
