"""A BigQuery REST service in this process that answers what it is told, and keeps what it was asked."""

import json
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from tests.http_servers import HttpServer, QuietHandler


@dataclass(frozen=True)
class Asked:
    """A request: as in `POST`, `/projects/p/datasets/d/tables`, and its JSON."""

    method: str
    path: str
    body: dict[str, Any]


@dataclass(frozen=True)
class Reply:
    """What to answer."""

    body: dict[str, Any] = field(default_factory=dict)
    status: int = 200


def failure(status: int, reason: str, message: str) -> Reply:
    """An error as BigQuery words it."""
    error = {"code": status, "message": message, "errors": [{"reason": reason, "message": message}]}
    return Reply({"error": error}, status)


class BigQueryRestServer(HttpServer):
    """The server.

    Attributes:
        replies: to the next requests.
        otherwise: to those after them; an empty object.
        asked: every request.
    """

    def __init__(self) -> None:
        self.replies: deque[Reply] = deque()
        self.otherwise = Reply()
        self.asked: list[Asked] = []
        owner = self

        class Handler(QuietHandler):
            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                path = self.path.partition("?")[0].removeprefix("/bigquery/v2")
                owner.asked.append(Asked(self.command, path, json.loads(body) if body else {}))
                reply = owner.replies.popleft() if owner.replies else owner.otherwise
                text = json.dumps(reply.body).encode()
                self.send_response(reply.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = do_PATCH = do_DELETE = answer  # noqa: N815 - as the base class calls them

        super().__init__(Handler)
