"""A service with TensorFlow Serving's REST predict API, in this process: it answers, or misbehaves as it is told."""

import json
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.http_servers import HttpServer, QuietHandler

PATIENCE = 60  # seconds until a test that waits for nothing fails


@dataclass(frozen=True)
class Asked:
    """A request, as it came."""

    path: str
    content_type: str | None
    body: bytes


@dataclass(frozen=True)
class Reply:
    """Answer so."""

    body: bytes = b'{"error": "scripted"}'
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Wait:
    """Answer once `gate` is open."""

    gate: threading.Event


@dataclass(frozen=True)
class Trickle:
    """Answer byte by byte, without an end."""


@dataclass(frozen=True)
class Drop:
    """Close the connection, after the beginning of an answer or without any."""

    begun: bool = False


Step = Reply | Wait | Trickle | Drop


def predictions(*values: Any) -> Reply:
    """An answer with these predictions."""
    return Reply(json.dumps({"predictions": values}).encode())


class PredictServer(HttpServer):
    """The server.

    Attributes:
        url: of the model.
        asked: every request.
        script: what to do with the next requests; then they are answered.
        predict: the prediction for an instance.
        connections: how many there were.
    """

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.script: deque[Step] = deque()
        self.predict: Callable[[Any], Any] = lambda instance: 5 * instance["x"]
        self.connections = 0
        owner = self

        class Handler(QuietHandler):
            wbufsize = -1  # an answer in two packets would wait 40 ms for an acknowledgement

            def setup(self) -> None:
                super().setup()
                owner.connections += 1

            def do_POST(self) -> None:  # noqa: N802 - as the base class calls it
                body = self.rfile.read(int(self.headers["Content-Length"]))
                owner.asked.append(Asked(self.path, self.headers["Content-Type"], body))
                match owner.script.popleft() if owner.script else None:
                    case Reply() as reply:
                        self.reply(reply)
                    case Trickle():
                        self.trickle()
                    case Drop(begun):
                        self.drop(begun)
                    case Wait(gate):
                        assert gate.wait(PATIENCE)
                        self.reply(owner.answer(body))
                    case None:
                        self.reply(owner.answer(body))

            def reply(self, reply: Reply) -> None:
                self.send_response(reply.status)
                self.send_header("Content-Length", str(len(reply.body)))
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(reply.body)

            def trickle(self) -> None:
                self.send_response(200)
                self.end_headers()
                self.close_connection = True
                try:
                    while True:
                        self.wfile.write(b" ")
                        self.wfile.flush()
                        threading.Event().wait(0.01)
                except OSError:
                    pass  # the client has left

            def drop(self, begun: bool) -> None:
                if begun:
                    self.send_response(200)
                    self.send_header("Content-Length", "1000")
                    self.end_headers()
                    self.wfile.write(b'{"predictions"')
                self.close_connection = True

        super().__init__(Handler)
        self.url = f"http://{self.host}/v1/models/toy"

    @property
    def bodies(self) -> list[bytes]:
        """The body of every request."""
        return [asked.body for asked in self.asked]

    def answer(self, body: bytes) -> Reply:
        return predictions(*[self.predict(instance) for instance in json.loads(body)["instances"]])
