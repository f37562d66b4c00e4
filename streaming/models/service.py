"""The seam between a remote model and its service: what is sent, what comes back, and what its failures mean.

TransientError          429, 502, 503, 504, no connection: another attempt may be answered
ModelFaultError         500 and the other 5xx: a few more attempts may be
ModelUnavailableError   401, 403, 404, a redirect: somebody has to mend something first
ModelTimeoutError       no whole answer in time
RequestRefusedError     the other 4xx: the service does not like what was sent
ModelOutputError        an answer that is none
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from http.client import responses
from typing import Any, Protocol

from streaming.predictors import ModelFaultError, ModelUnavailableError

MOST_WORDS = 500
"""So many characters of a service's own words are passed on."""


class TransientError(ModelUnavailableError):
    """A service that cannot be asked at this moment.

    Attributes:
        retry_after: seconds the service wants to be left alone for.
    """

    def __init__(self, message: str, retry_after: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class RequestRefusedError(ValueError):
    """A request that the service does not take, because of something in it."""


class UnfitInstanceError(ValueError):
    """An instance that cannot be sent to the service."""


@dataclass(frozen=True)
class Answer:
    """What a service answers.

    Attributes:
        predictions: a JSON value for each instance, if the service does what it should.
        version: which model has answered, where that is known.
    """

    predictions: Sequence[Any]
    version: str | None = None


class Service(Protocol):
    """A service that predicts; any number of threads may ask it."""

    @property
    def address(self) -> str:
        """What it is called in messages."""

    @property
    def version(self) -> str | None:
        """Which model answers, where the address says it."""

    @property
    def most_bytes(self) -> int:
        """Most bytes of the encoded instances of one request."""

    def encode(self, instance: Mapping[str, Any]) -> bytes:
        """An instance, of JSON values, as it is sent.

        Raises:
            UnfitInstanceError: it cannot be.
        """

    def ask(self, instances: Sequence[bytes], timeout: float) -> Answer:
        """What the service answers to these instances, at the first attempt.

        Args:
            instances: encoded; at least one, and within `most_bytes`.
            timeout: seconds it may take.

        Raises:
            Exception: as the module says.
        """


def failure(address: str, status: int, words: str, remedies: Mapping[int, str], retry_after: float = 0.0) -> Exception:
    """What an HTTP status other than success means.

    Args:
        address: of the service.
        status: the HTTP status, or the one that a gRPC code stands for.
        words: the service's own.
        remedies: what to do about a status, by 401, 403 and 404.
        retry_after: seconds the service wants to be left alone for.
    """
    said = f"{address} answers {status} {responses.get(status, 'Unknown')}: {in_short(words)}"
    if status in _TRANSIENT:
        return TransientError(said, retry_after)
    if status in remedies:
        return ModelUnavailableError(f"{said}; {remedies[status]}")
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return ModelFaultError(said)
    if status >= HTTPStatus.BAD_REQUEST:
        return RequestRefusedError(said)
    return ModelUnavailableError(f"{said}; write the address at which the model itself answers")


_TRANSIENT = frozenset(
    {
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)


def in_short(words: str) -> str:
    """A service's words on one line, not too long."""
    return " ".join(words.split())[:MOST_WORDS]
