"""Small files, and what is said where one cannot be read."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from google.auth.credentials import AnonymousCredentials

from streaming.errors import Mistakes
from streaming.files import read_file


def mistake(path: str) -> tuple[str, ...]:
    with pytest.raises(Mistakes) as caught:
        read_file(path, "message.schema")
    return caught.value.lines


@pytest.mark.parametrize("content", [b"", b"\x00\xff\r\n"])
def test_a_local_file(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file").write_bytes(content)
    assert read_file(str(tmp_path / "file"), "message.schema") == content


class Bucket(BaseHTTPRequestHandler):
    """As much of Cloud Storage as it takes to read one object, `bucket/dir/job.yaml`."""

    def do_GET(self) -> None:
        status, body = self.answer()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def answer(self) -> tuple[HTTPStatus, bytes]:
        if self.path.startswith("/download/storage/v1/b/bucket/o/dir%2Fjob.yaml?"):
            return HTTPStatus.OK, b"content"
        if self.path.startswith(("/storage/v1/b/bucket?", "/storage/v1/b/bucket/o/dir%2Fjob.yaml?")):
            return HTTPStatus.OK, b'{"bucket": "bucket", "name": "dir/job.yaml", "size": "7", "generation": "1"}'
        if "/o/secret?" in self.path:
            return HTTPStatus.FORBIDDEN, b'{"error": {"message": "not yours"}}'
        return HTTPStatus.NOT_FOUND, b"{}"

    def log_message(self, *args: object) -> None:
        """Not on the screen."""


@pytest.fixture
def _bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with HTTPServer(("127.0.0.1", 0), Bucket) as server, ThreadPoolExecutor(1) as thread:
        thread.submit(server.serve_forever, poll_interval=0.01)
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setattr("google.auth.default", lambda **_: (AnonymousCredentials(), "project"))
        yield
        server.shutdown()


@pytest.mark.usefixtures("_bucket")
def test_a_file_on_cloud_storage() -> None:
    assert read_file("gs://bucket/dir/job.yaml", "job_file") == b"content"


@pytest.mark.usefixtures("_bucket")
def test_a_missing_file_on_cloud_storage() -> None:
    assert mistake("gs://bucket/missing") == ("message.schema: no file gs://bucket/missing",)


@pytest.mark.usefixtures("_bucket")
def test_a_file_on_cloud_storage_that_may_not_be_read() -> None:
    (line,) = mistake("gs://bucket/secret")
    assert line.startswith("message.schema: gs://bucket/secret cannot be read: 403 GET http://127.0.0.1:")
    assert line.endswith(": not yours")


def test_a_missing_file(tmp_path: Path) -> None:
    path = str(tmp_path / "missing")
    assert mistake(path) == (f"message.schema: no file {path}",)


def test_a_directory(tmp_path: Path) -> None:
    assert mistake(str(tmp_path)) == (
        f"message.schema: {tmp_path} cannot be read: [Errno 21] Is a directory: '{tmp_path}'",
    )


def test_a_file_system_that_nobody_knows() -> None:
    (line,) = mistake("nowhere://bucket/file")
    assert line.startswith("message.schema: nowhere://bucket/file cannot be read: Unable to get filesystem")
