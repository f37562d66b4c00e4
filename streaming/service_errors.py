"""What keeps Google's services from answering, in words; the libraries' own are full of URLs and classes."""

from __future__ import annotations

import time

import requests
from google.api_core import exceptions
from google.api_core.retry import Retry, if_transient_error

from streaming.errors import one_line

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


def _is_refused(error: BaseException) -> bool:
    is_connection = isinstance(error, requests.exceptions.ConnectionError | exceptions.ServiceUnavailable)
    return is_connection and "Connection refused" in str(error)


def _said(error: exceptions.GoogleAPICallError) -> str:
    """The service's own message; that of REST errors stands behind the request's URL."""
    for each in error.errors:
        if isinstance(each, dict) and each.get("message"):
            return " ".join(str(each["message"]).split())
    return " ".join(str(error.message).split())
