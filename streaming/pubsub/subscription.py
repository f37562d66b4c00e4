"""A Pub/Sub subscription, pulled by this process: messages fetched ahead, leased while in hand, acknowledged last.

One `Subscription` serves a process, whatever the number of DoFn instances.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import grpc
from google.api_core import exceptions
from google.api_core.gapic_v1.routing_header import to_grpc_metadata
from google.pubsub_v1.types import PullRequest, PullResponse

from streaming.endpoints import subscriber_client
from streaming.errors import PermanentError, one_line
from streaming.pubsub.pubsub_limits import ack_requests

_LOG = logging.getLogger(__name__)

PULL_MESSAGES = 1000
PULL_SECONDS = 30.0  # how long Pub/Sub may hold an empty pull
LEASE_SECONDS = 20  # how long after a crash its messages come again
EXTEND_SECONDS = 4.0  # well within Pub/Sub's shortest acknowledgement deadline, 10 s
ACKNOWLEDGE_SECONDS = 60.0

_LASTING = (exceptions.NotFound, exceptions.PermissionDenied, exceptions.InvalidArgument, exceptions.Unauthenticated)


@dataclass(frozen=True)
class Received:
    """A message in hand: what acknowledges it, and the serialized PubsubMessage."""

    ack_id: str
    message: bytes


class Subscription:
    """Pulls ahead of its reader in a thread of its own, and extends the leases of all that is in hand in another.

    Args:
        name: `projects/P/subscriptions/S`.
        ahead: how many messages may wait for the reader.
        ahead_bytes: how many bytes of them; the pull that exceeds them is the last.
    """

    def __init__(self, name: str, ahead: int, ahead_bytes: int) -> None:
        self._name = name
        self._ahead = ahead
        self._ahead_bytes = ahead_bytes
        self._changed = threading.Condition()
        self._waiting: deque[Received] = deque()
        self._waiting_bytes = 0
        self._held: set[str] = set()
        self._last = time.monotonic()  # when a message came
        self._error: PermanentError | None = None
        self._stopping = threading.Event()
        self._routing = to_grpc_metadata({"subscription": name})
        self._puller = subscriber_client()  # its own: closing it is what ends a pull that Pub/Sub holds
        self._client = subscriber_client()
        for target in (self._pull_ahead, self._extend_leases):
            threading.Thread(target=target, name=target.__name__, daemon=True).start()

    def take(self, messages: int, size: int, first_wait: float, more_wait: float) -> list[Received]:
        """The next messages: up to `messages` of them, the last being the one that reaches `size` bytes.

        Waits `first_wait` seconds for the first, then up to `more_wait` for more.

        Raises:
            PermanentError: the subscription cannot be pulled and waiting does not help.
        """
        with self._changed:
            self._wait_for(1, 1, first_wait)
            if self._waiting:
                self._wait_for(messages, size, more_wait)
            if self._error:
                raise self._error
            taken = list(self._taken(messages, size))
            self._changed.notify_all()
            return taken

    def has(self, messages: int) -> bool:
        """Whether so many messages wait, so that `take` would not."""
        with self._changed:
            return len(self._waiting) >= messages or self._waiting_bytes >= self._ahead_bytes

    def quiet_for(self) -> float:
        """Seconds since a message came."""
        return time.monotonic() - self._last

    def acknowledge(self, ack_ids: Sequence[str]) -> None:
        """Acknowledge messages. Retries by itself; what cannot be acknowledged comes again and the log says so."""
        try:
            for ids in ack_requests(ack_ids):
                self._client.acknowledge(subscription=self._name, ack_ids=ids, timeout=ACKNOWLEDGE_SECONDS)
        except exceptions.GoogleAPICallError as error:
            _LOG.warning("%s: %d messages are not acknowledged and come again: %s", self._name, len(ack_ids), error)
        finally:
            self._forget(ack_ids)

    def give_back(self, ack_ids: Sequence[str]) -> None:
        """Let messages come again at once, instead of when their lease ends."""
        self._forget(ack_ids)
        try:
            self._set_deadline(ack_ids, 0)
        except exceptions.GoogleAPICallError as error:
            _LOG.info("%s: messages are not given back, they come when their lease ends: %s", self._name, error)

    @property
    def stopping(self) -> bool:
        """Whether `stop` has been called."""
        return self._stopping.is_set()

    def stop(self) -> None:
        """Pull no more, and give back what no reader has taken. What is in a reader's hand stays leased."""
        self._stopping.set()
        self._puller.transport.close()
        with self._changed:
            untaken = [received.ack_id for received in self._waiting]
            self._waiting.clear()
            self._changed.notify_all()
        self.give_back(untaken)

    def _wait_for(self, messages: int, size: int, seconds: float) -> None:
        self._changed.wait_for(
            lambda: len(self._waiting) >= messages or self._waiting_bytes >= size or self._error or self.stopping,
            seconds,
        )

    def _taken(self, messages: int, size: int) -> Iterator[Received]:
        taken = taken_bytes = 0
        while self._waiting and taken < messages and taken_bytes < size:
            received = self._waiting.popleft()
            taken += 1
            taken_bytes += len(received.message)
            self._waiting_bytes -= len(received.message)
            yield received

    def _forget(self, ack_ids: Iterable[str]) -> None:
        with self._changed:
            self._held.difference_update(ack_ids)

    def _pull_ahead(self) -> None:
        pauses = _Pauses()
        while not self.stopping:
            with self._changed:
                self._changed.wait_for(lambda: self._room() > 0 or self.stopping)
                room = self._room()
            try:
                received = self._pull(room)
            except exceptions.DeadlineExceeded:
                continue  # Pub/Sub has held the pull all the time: nothing came
            except _LASTING as error:
                if not self.stopping:
                    self._fail(error)
                return
            except (exceptions.GoogleAPICallError, exceptions.RetryError) as error:
                if not self.stopping:
                    _LOG.warning("%s cannot be pulled, trying again: %s", self._name, one_line(error))
                received = []
            self._add(received)
            self._stopping.wait(pauses.after(bool(received)))

    def _room(self) -> int:
        if self._waiting_bytes >= self._ahead_bytes:
            return 0
        return min(self._ahead - len(self._waiting), PULL_MESSAGES)

    def _pull(self, room: int) -> list[Received]:
        """The next messages, by the client's transport: its method, with retries of its own, costs half as much again.

        The raw protobuf is used, since wrapping each message costs more than all else that is done with it here.
        """
        request = PullRequest(subscription=self._name, max_messages=room)
        try:
            response = self._puller.transport.pull(request, timeout=PULL_SECONDS, metadata=[self._routing])
        except grpc.RpcError as error:
            raise exceptions.from_grpc_error(error) from error
        except ValueError as error:  # gRPC's word for a channel that `stop` has closed
            raise exceptions.Cancelled(str(error)) from error
        received = PullResponse.pb(response).received_messages
        return [Received(each.ack_id, each.message.SerializeToString()) for each in received]

    def _add(self, received: Sequence[Received]) -> None:
        if received:
            self._last = time.monotonic()
        with self._changed:
            self._held.update(each.ack_id for each in received)
            if not self.stopping:
                self._waiting.extend(received)
                self._waiting_bytes += sum(len(each.message) for each in received)
                self._changed.notify_all()
                return
        self.give_back([each.ack_id for each in received])

    def _fail(self, error: exceptions.GoogleAPICallError) -> None:
        with self._changed:
            self._error = PermanentError(f"input_subscription {self._name} cannot be pulled: {error.message}")
            self._changed.notify_all()

    def _extend_leases(self) -> None:
        while True:
            time.sleep(EXTEND_SECONDS)  # not ended by `stop`: what is in hand then is still worked on
            with self._changed:
                held = list(self._held)
            try:
                self._set_deadline(held, LEASE_SECONDS)
            except exceptions.GoogleAPICallError as error:
                _LOG.warning("%s: leases are not extended, trying again: %s", self._name, one_line(error))

    def _set_deadline(self, ack_ids: Sequence[str], seconds: int) -> None:
        for ids in ack_requests(ack_ids):
            self._client.modify_ack_deadline(subscription=self._name, ack_ids=ids, ack_deadline_seconds=seconds)


class _Pauses:
    """How long to rest after a pull: not at all while messages come, up to half a second while none do."""

    def __init__(self) -> None:
        self._pause = 0.0

    def after(self, found: bool) -> float:
        self._pause = 0.0 if found else min(max(self._pause * 2, 0.02), 0.5)
        return self._pause
