"""As much of Cloud Storage's JSON API as it takes to read, list, write and delete objects, on a free port."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import count
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from google.auth.credentials import AnonymousCredentials

from streaming.cloud_storage import CLIENT
from streaming.registry import forget

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Bucket:
    """The bucket `gs://bucket`: the content of its objects by name. What is named `secret...` may be neither read
    nor changed.

    Attributes:
        objects: the content of each.
        only_creates: whether the caller may do nothing but create objects, as with roles/storage.objectCreator.
    """

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.only_creates = False
        self._writes: dict[str, int] = {}
        self._clock = count(1)

    def put(self, name: str, content: bytes) -> None:
        """Write an object; the n-th write of a bucket happens n minutes after `START`."""
        self.objects[name] = content
        self._writes[name] = next(self._clock)

    def metadata(self, name: str) -> dict[str, Any]:
        updated = START + timedelta(minutes=self._writes[name])
        return {
            "bucket": "bucket",
            "name": name,
            "size": str(len(self.objects[name])),
            "generation": str(self._writes[name]),
            "updated": f"{updated:%Y-%m-%dT%H:%M:%SZ}",
        }

    def answer(self, path: str, query: dict[str, list[str]]) -> tuple[HTTPStatus, bytes]:
        kind, _, name = path.partition("/storage/v1/b/bucket")
        name = unquote(name.removeprefix("/o").removeprefix("/"))
        prefix = query.get("prefix", [""])[0]
        if self.only_creates or name.startswith("secret") or prefix.startswith("secret"):
            return HTTPStatus.FORBIDDEN, _error("not yours")
        if name in self.objects:
            return HTTPStatus.OK, self.objects[name] if kind else json.dumps(self.metadata(name)).encode()
        if path.endswith("/b/bucket/o"):
            items = [self.metadata(each) for each in sorted(self.objects) if each.startswith(prefix)]
            return HTTPStatus.OK, json.dumps({"items": items}).encode()
        if path.endswith("/b/bucket"):
            return HTTPStatus.OK, b'{"name": "bucket"}'
        return HTTPStatus.NOT_FOUND, b"{}"

    def upload(self, path: str, body: bytes) -> tuple[HTTPStatus, bytes]:
        """What the object is and what is in it come as the two parts of one message."""
        boundary = body.partition(b"\r\n")[0]
        _, about, content, _ = (part.partition(b"\r\n\r\n")[2] for part in body.split(boundary))
        name = json.loads(about)["name"]
        if path != "/upload/storage/v1/b/bucket/o":
            return HTTPStatus.NOT_FOUND, _error("no such bucket")
        if name.startswith("secret") or (self.only_creates and name in self.objects):
            return HTTPStatus.FORBIDDEN, _error("not yours")
        self.put(name, content.removesuffix(b"\r\n"))
        return HTTPStatus.OK, json.dumps(self.metadata(name)).encode()

    def delete(self, path: str) -> tuple[HTTPStatus, bytes]:
        name = unquote(path.removeprefix("/storage/v1/b/bucket/o/"))
        if self.only_creates or name.startswith("secret"):
            return HTTPStatus.FORBIDDEN, _error("not yours")
        missing = self.objects.pop(name, None) is None
        return (HTTPStatus.NOT_FOUND, _error("no such object")) if missing else (HTTPStatus.NO_CONTENT, b"")


def _error(message: str) -> bytes:
    return json.dumps({"error": {"message": message, "errors": [{"message": message}]}}).encode()


@contextmanager
def cloud_storage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    """The bucket, with Google's client pointed at the server for the length of the block."""
    bucket = Bucket()

    class Requests(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            status, body = bucket.answer(url.path, parse_qs(url.query))
            wanted = self.headers["Range"]
            if status == HTTPStatus.OK and wanted and url.path.startswith("/download/"):
                self.reply_range(body, wanted)
            else:
                self.reply(status, body)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.reply(*bucket.upload(urlsplit(self.path).path, body))

        def do_DELETE(self) -> None:
            self.reply(*bucket.delete(urlsplit(self.path).path))

        def reply_range(self, content: bytes, wanted: str) -> None:
            first, _, last = wanted.removeprefix("bytes=").partition("-")
            start, stop = int(first), min(int(last or len(content)) + 1, len(content))
            if start >= len(content):
                self.reply(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, b"")
                return
            self.content_range = f"bytes {start}-{stop - 1}/{len(content)}"
            self.reply(HTTPStatus.PARTIAL_CONTENT, content[start:stop])

        def reply(self, status: HTTPStatus, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            if status == HTTPStatus.PARTIAL_CONTENT:
                self.send_header("Content-Range", self.content_range)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Not on the screen."""

    with HTTPServer(("127.0.0.1", 0), Requests) as server, ThreadPoolExecutor(1) as thread:
        thread.submit(server.serve_forever, poll_interval=0.01)
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setattr("google.auth.default", lambda **_: (AnonymousCredentials(), "project"))
        forget(CLIENT)
        yield bucket
        forget(CLIENT)
        server.shutdown()
