"""A Flex Template's launcher, and what it meets: Google's services on free ports."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import google_crc32c

from tests.cloud_storage_server import Bucket

ENTRY = Path(__file__).parents[1] / "streaming" / "main.py"
ANONYMOUS = """
import google.auth
from google.auth.credentials import AnonymousCredentials

google.auth.default = lambda *_, **__: (AnonymousCredentials(), "my-project")
"""
"""Run as the process starts: nobody has an account here, and looking for one takes a network."""

PATIENCE = 180  # seconds until a launch that does not end is a failure


Answer = tuple[HTTPStatus, dict[str, Any] | bytes, dict[str, str]]
"""Status, JSON or bytes, and headers."""


@dataclass
class GoogleServer:
    """Google's REST services on one port, each as far as a launch needs it.

    Attributes:
        bucket: Cloud Storage.
        tables: BigQuery, which makes tables in every data set: their ids, in the order in which they were made.
        jobs: Dataflow, which takes jobs: path and JSON of each request.
    """

    port: int = 0
    bucket: Bucket = field(default_factory=Bucket)
    tables: list[str] = field(default_factory=list)
    jobs: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def answer(self, method: str, target: str, body: bytes) -> Answer:
        url = urlsplit(target)
        if url.path.startswith("/v1b3/"):
            self.jobs.append((f"{method} {url.path}", json.loads(body or b"{}")))
            return HTTPStatus.OK, {"id": "2026-07-01_job"}, {}
        if url.path.startswith("/bigquery/v2/"):
            return self._bigquery(method, url.path, body)
        query = parse_qs(url.query)
        if "multipart" in query.get("uploadType", []):
            return *self.bucket.upload(url.path, body), {}
        if url.path.startswith("/upload/storage/v1/b/bucket/"):
            return self._upload(method, query, body)
        if method == "DELETE":
            return *self.bucket.delete(url.path), {}
        return *self.bucket.answer(url.path, query), {}

    def _bigquery(self, method: str, path: str, body: bytes) -> Answer:
        """There is no table until it is made; one that is made is what it was asked to be."""
        if method == "POST":
            table = json.loads(body)
            self.tables.append(".".join(table["tableReference"].values()))
            return HTTPStatus.OK, table, {}
        if "/tables/" in path:
            return HTTPStatus.NOT_FOUND, {}, {}
        return HTTPStatus.OK, {"datasetReference": {"projectId": "my-project", "datasetId": "data"}}, {}

    def _upload(self, method: str, query: Mapping[str, list[str]], body: bytes) -> Answer:
        """A resumable upload: the first request names the object and is told where the content goes, in one piece."""
        if method == "POST":
            name = json.loads(body)["name"]
            location = f"http://localhost:{self.port}/upload/storage/v1/b/bucket/o?name={name}"
            return HTTPStatus.OK, {}, {"Location": location}
        name = query["name"][0]
        self.bucket.put(name, body)
        checksum = base64.b64encode(google_crc32c.value(body).to_bytes(4, "big")).decode()
        return HTTPStatus.OK, {**self.bucket.metadata(name), "crc32c": checksum}, {}


@contextmanager
def google_server() -> Iterator[GoogleServer]:
    """The server, while the block runs."""
    google = GoogleServer()

    class Requests(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, reply, headers = google.answer(self.command, self.path, body)
            text = reply if isinstance(reply, bytes) else json.dumps(reply).encode()
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", "Content-Length": len(text), **headers}.items():
                self.send_header(name, str(value))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815 - as the base class calls them

        def log_message(self, *args: object) -> None:
            """Not on the screen."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Requests) as server:
        google.port = server.server_port
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield google
        server.shutdown()


def launch(
    parameters: Mapping[str, str], variables: Mapping[str, str], directory: Path
) -> subprocess.CompletedProcess[str]:
    """Run the entry file as the launcher does: from where the image has it, with every option as `--name=value`."""
    entry = Path(shutil.copy(ENTRY, directory))
    (directory / "site").mkdir()
    (directory / "site" / "sitecustomize.py").write_text(ANONYMOUS)
    command = [sys.executable, str(entry), *(f"--{name}={value}" for name, value in parameters.items())]
    variables = {"FLEX_TEMPLATE_PYTHON_PY_FILE": str(entry), "PYTHONPATH": str(directory / "site"), **variables}
    environment = {**os.environ, **variables}
    return subprocess.run(
        command, cwd=directory, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
