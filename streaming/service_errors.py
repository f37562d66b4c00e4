"""What keeps Google's services from answering, in words; the libraries' own are full of URLs and classes."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import requests
from google.api_core import exceptions
from google.api_core.retry import Retry, if_transient_error
from google.auth.exceptions import GoogleAuthError

from streaming.errors import Mistakes, no_credentials, one_line

PATIENCE_SECONDS = 10.0
"""How long a service is asked again while it cannot be had; somebody waits before the screen."""

REFUSED_SECONDS = 0.5
"""The same where nothing listens."""


def retry() -> Retry:
    """Asks again while a service cannot be had; one for each thing that is asked for."""
    since = time.monotonic()

    def passes(error: BaseException) -> bool:
        is_transient = if_transient_error(error) or isinstance(error, exceptions.BadGateway)
        return is_transient and not (_is_refused(error) and time.monotonic() - since > REFUSED_SECONDS)

    return Retry(passes, initial=0.2, maximum=1.0, timeout=PATIENCE_SECONDS)


def in_words(error: BaseException) -> str:
    """Why a service has not done what it was asked to, on one line."""
    if isinstance(error, exceptions.RetryError) and error.cause is not None:
        return in_words(error.cause)
    if _is_refused(error):
        return "nothing listens there"
    if isinstance(error, requests.exceptions.Timeout | exceptions.DeadlineExceeded):
        return "no answer in time"
    if isinstance(error, requests.exceptions.ConnectionError):
        return "no connection to it"
    if isinstance(error, exceptions.GoogleAPICallError):
        return _said(error) or type(error).__name__
    return one_line(error)


@contextmanager
def as_mistakes(place: str, refusals: Mapping[type[exceptions.GoogleAPIError], str]) -> Iterator[None]:
    """Turn what a service says into one line with a remedy, and its words.

    Args:
        place: the flag, and what it names.
        refusals: what to say, by the kind of the error; the first that fits, of which the last is GoogleAPIError.

    Raises:
        Mistakes: the service refuses, or there are no credentials.
    """
    try:
        yield
    except GoogleAuthError as error:
        raise Mistakes([f"{place}: {no_credentials(error)}"]) from error
    except exceptions.GoogleAPIError as error:
        why = next(words for kind, words in refusals.items() if isinstance(error, kind))
        raise Mistakes([f"{place}: {why} ({in_words(error)})"]) from error


def _is_refused(error: BaseException) -> bool:
    is_connection = isinstance(error, requests.exceptions.ConnectionError | exceptions.ServiceUnavailable)
    return is_connection and "Connection refused" in str(error)


def _said(error: exceptions.GoogleAPICallError) -> str:
    """The service's own message; that of REST errors stands behind the request's URL."""
    for each in error.errors:
        if isinstance(each, dict) and each.get("message"):
            return " ".join(str(each["message"]).split())
    answer = getattr(error.response, "text", "")  # Cloud Storage's to an upload or a download, which nobody has read
    try:
        words = str(json.loads(answer)["error"]["message"])
    except (ValueError, LookupError, TypeError):  # of a download, it is text
        words = answer or str(error.message)
    return " ".join(words.split())
