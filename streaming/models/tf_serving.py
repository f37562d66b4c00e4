"""Models on TensorFlow Serving, by its REST predict API."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from http import HTTPStatus
from typing import Any

import orjson
import urllib3
from urllib3.exceptions import HTTPError, ReadTimeoutError

from streaming.errors import one_line
from streaming.models.service import Answer, TransientError, failure, in_short
from streaming.predictors import ModelOutputError, ModelTimeoutError

_REMEDIES: dict[int, str] = {
    HTTPStatus.UNAUTHORIZED: "the service wants credentials, which this job has none of; let its workers in",
    HTTPStatus.FORBIDDEN: "let the job's workers in",
    HTTPStatus.NOT_FOUND: "no such model or version; deploy it, or mend the url",
}

_CONNECT_SECONDS = 10.0
"""Longest wait for a connection; then there is none to be had, while an answer may take longer."""

_CONNECTIONS = 8
"""So many are kept open for later requests; there is no limit to those under way."""


class TensorFlowServing:
    """A model at a URL.

    Args:
        url: as in `http://HOST:8501/v1/models/NAME`, perhaps with `/versions/N`.
        signature: to call.
        most_bytes: of the instances of one request; TensorFlow Serving itself has no limit.
    """

    def __init__(self, url: str, signature: str = "serving_default", most_bytes: int = 8_000_000) -> None:
        self.address = url
        self.most_bytes = most_bytes
        version = re.search(r"/versions/([^/]+)$", url)
        self.version = version and version[1]
        self._before = f'{{"signature_name":{json.dumps(signature)},"instances":['.encode()
        self._pool = urllib3.PoolManager(num_pools=1, maxsize=_CONNECTIONS)

    def encode(self, instance: Mapping[str, Any]) -> bytes:
        # Not orjson, which writes null for NaN and Infinity: TensorFlow Serving reads these words.
        return json.dumps(instance, ensure_ascii=False, separators=(",", ":")).encode()

    def ask(self, instances: Sequence[bytes], timeout: float) -> Answer:
        """As `service.Service.ask`."""
        try:
            status, retry_after, content = self._post(b"".join([self._before, b",".join(instances), b"]}"]), timeout)
        except (ReadTimeoutError, TimeoutError) as error:
            raise ModelTimeoutError(f"{self.address} has not answered within {timeout:g} s") from error
        except HTTPError as error:  # no connection, or one that broke
            raise TransientError(f"{self.address} cannot be reached: {one_line(error)}") from error
        if status != HTTPStatus.OK:
            raise failure(self.address, status, _words(content), _REMEDIES, retry_after)
        return Answer(self._predictions(content), self.version)

    def _post(self, body: bytes, timeout: float) -> tuple[int, float, bytes]:
        """Status, seconds to wait before another attempt, and content of the answer."""
        deadline = time.monotonic() + timeout
        response = self._pool.request(
            "POST",
            f"{self.address}:predict",
            body=body,
            headers={"Content-Type": "application/json"},
            timeout=urllib3.Timeout(connect=min(timeout, _CONNECT_SECONDS), read=timeout),
            retries=False,
            redirect=False,
            preload_content=False,
        )
        with closing(response):
            return response.status, _retry_after(response), _content(response, deadline)

    def _predictions(self, content: bytes) -> list[Any]:
        try:
            document = _json(content)
        except (ValueError, RecursionError) as error:
            raise ModelOutputError(f"{self.address} answers with no JSON: {_words(content)}") from error
        predictions = document.get("predictions") if isinstance(document, dict) else None
        if not isinstance(predictions, list):
            raise ModelOutputError(f"{self.address} answers without a list of predictions: {_words(content)}")
        return predictions


def _content(response: urllib3.BaseHTTPResponse, deadline: float) -> bytes:
    """The whole content, unless it comes too slowly: urllib3's timeout is for each piece."""
    pieces = []
    while piece := response.read1(_PIECE, decode_content=False):
        pieces.append(piece)
        if time.monotonic() > deadline:
            raise TimeoutError
    return b"".join(pieces)


_PIECE = 1 << 20


def _json(content: bytes) -> Any:
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        return json.loads(content)  # slower, but knows the NaN and Infinity that TensorFlow Serving writes


def _words(content: bytes) -> str:
    """The service's words: its error, if it answers as TensorFlow Serving does."""
    try:
        return in_short(orjson.loads(content)["error"])
    except (ValueError, LookupError, TypeError, AttributeError):
        return in_short(content.decode("utf-8", errors="replace"))


def _retry_after(response: urllib3.BaseHTTPResponse) -> float:
    """Seconds; a date, which only proxies write, counts as none."""
    value = response.headers.get("Retry-After", "")
    return float(value) if value.isdecimal() else 0.0
