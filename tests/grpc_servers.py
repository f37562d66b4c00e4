"""What the gRPC services that tests run in their own process have in common."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self, TypeVar

import grpc

R = TypeVar("R")


class GrpcServer(grpc.GenericRpcHandler):
    """A server on 127.0.0.1 that takes messages of any size; a context manager.

    Attributes:
        port: where it listens; a free one unless it is given.
        host: host:port.
    """

    def __init__(self, port: int = 0) -> None:
        options = [("grpc.max_receive_message_length", -1)]
        self._server = grpc.server(ThreadPoolExecutor(16), [self], options=options)
        self.port = self._server.add_insecure_port(f"127.0.0.1:{port}")
        self.host = f"127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop(None).wait()


class Refusal(Exception):  # noqa: N818 - the service's word
    """How a call ends."""

    def __init__(self, code: grpc.StatusCode, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


class RefusingServer(GrpcServer):
    """A server that answers one request at a time, and refuses those that it is told to.

    Attributes:
        requests: what was asked, in order, refused or not.
        changed: notified when a request has come.
    """

    def __init__(self) -> None:
        super().__init__()
        self.requests: list[Any] = []
        self.changed = threading.Condition()
        self._refusals: dict[str, deque[Refusal]] = {}

    def fail(self, method: str, code: grpc.StatusCode, text: str, times: int = 1) -> None:
        """Refuse the next calls of a method, as in `GetJob`."""
        self._refusals.setdefault(method, deque()).extend([Refusal(code, text)] * times)

    def asked(self, kind: type[R]) -> list[R]:
        """The requests of this kind, in order."""
        return [each for each in self.requests if isinstance(each, kind)]

    def answer(self, method: str, request: Any, context: grpc.ServicerContext, act: Callable[[Any], Any]) -> Any:
        """What `act` makes of a request; its `Refusal` ends the call."""
        with self.changed:
            self.requests.append(request)
            self.changed.notify_all()
            try:
                if self._refusals.get(method):
                    raise self._refusals[method].popleft()
                return act(request)
            except Refusal as refusal:
                context.abort(refusal.code, refusal.text)


def page(items: list[R], token: str, size: int) -> tuple[list[R], str]:
    """The page that the token names, and the token of the next one."""
    start = int(token or "0")
    end = start + size
    return items[start:end], str(end) if end < len(items) else ""
