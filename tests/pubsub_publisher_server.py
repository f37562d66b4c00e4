"""A Pub/Sub Publisher service in this process: keeps what is published, and misbehaves as it is told."""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import grpc
from google.pubsub_v1.types import PublishRequest, PublishResponse

from tests.grpc_servers import GrpcServer

PATIENCE = 60  # seconds until a test that waits for nothing fails


@dataclass(frozen=True)
class Message:
    """A message as it was published."""

    data: bytes
    attributes: tuple[tuple[str, str], ...] = ()
    ordering_key: str = ""


@dataclass(frozen=True)
class Fail:
    """End the call with an error, before the messages are published or after."""

    code: grpc.StatusCode
    published: bool = False


@dataclass(frozen=True)
class Wait:
    """Publish once `gate` is open."""

    gate: threading.Event


class PublisherServer(GrpcServer):
    """The server.

    Attributes:
        published: topic and messages of each request that was taken, in the order in which they were.
        asked: how many messages each request had, taken or not.
        routes: the routing headers.
        script: what to do with the next requests; then they are taken.
        refuse: whether it does not take a message; then it refuses the whole request.
        most_under_way: how many requests it had in hand at most.
    """

    def __init__(self) -> None:
        super().__init__()
        self.published: list[tuple[str, list[Message]]] = []
        self.asked: list[int] = []
        self.routes: set[str] = set()
        self.script: deque[Fail | Wait] = deque()
        self.refuse: Callable[[Message], bool] = lambda message: False
        self.most_under_way = 0
        self._under_way = 0
        self._changed = threading.Condition()

    def await_asked(self, requests: int) -> None:
        """Wait until so many requests have come in all."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.asked) >= requests, PATIENCE)

    def service(self, call: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        if call.method != "/google.pubsub.v1.Publisher/Publish":
            return None
        self.routes.add(dict(call.invocation_metadata)["x-goog-request-params"])
        return grpc.unary_unary_rpc_method_handler(self._publish, PublishRequest.deserialize, PublishResponse.serialize)

    def _publish(self, request: PublishRequest, context: grpc.ServicerContext) -> PublishResponse:
        messages = [_message(message) for message in PublishRequest.pb(request).messages]
        with self._changed:
            self.asked.append(len(messages))
            self._under_way += 1
            self.most_under_way = max(self.most_under_way, self._under_way)
            step = self.script.popleft() if self.script else None
            self._changed.notify_all()
        try:
            return self._act(step, request.topic, messages, context)
        finally:
            with self._changed:
                self._under_way -= 1

    def _act(
        self, step: Fail | Wait | None, topic: str, messages: list[Message], context: grpc.ServicerContext
    ) -> PublishResponse:
        if isinstance(step, Wait):
            assert step.gate.wait(PATIENCE)
        if isinstance(step, Fail) and not step.published:
            context.abort(step.code, "scripted")
        if any(self.refuse(message) for message in messages):
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "One or more messages are bad.")
        with self._changed:
            self.published.append((topic, messages))
        if isinstance(step, Fail):
            context.abort(step.code, "scripted")
        return PublishResponse(message_ids=[str(number) for number in range(len(messages))])


def _message(raw: Any) -> Message:
    return Message(raw.data, tuple(sorted(raw.attributes.items())), raw.ordering_key)
