"""What keeps a service from answering is told in words, and what cannot pass is not waited for."""

from __future__ import annotations

import pytest
import requests
from google.api_core import exceptions
from google.auth.exceptions import DefaultCredentialsError

from streaming.errors import Mistakes
from streaming.service_errors import as_mistakes, in_words, retry

REFUSED = requests.exceptions.ConnectionError("HTTPConnectionPool(host='localhost'): [Errno 111] Connection refused")
BY_REST = exceptions.from_http_status(
    403, "GET http://localhost/x?prettyPrint=false: no", errors=[{"message": "no\nno"}]
)


def answered(text: str) -> exceptions.GoogleAPICallError:
    """An error of an upload to Cloud Storage or a download, which has the service's answer unread."""
    response = requests.Response()
    response._content = text.encode()
    return exceptions.Forbidden(f"POST http://localhost/x: {text}: ('Request failed', 403)", response=response)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (REFUSED, "nothing listens there"),
        (exceptions.RetryError("Timeout of 10.0s exceeded", REFUSED), "nothing listens there"),
        (exceptions.ServiceUnavailable("failed to connect: Connection refused (111)"), "nothing listens there"),
        (requests.exceptions.ReadTimeout("HTTPConnectionPool: Read timed out."), "no answer in time"),
        (exceptions.DeadlineExceeded("Deadline Exceeded"), "no answer in time"),
        (requests.exceptions.ConnectionError("('Connection aborted.', ...)"), "no connection to it"),
        (BY_REST, "no no"),
        (answered('{"error": {"message": "not\\nyours"}}'), "not yours"),
        (answered("not\nyours"), "not yours"),
        (answered(""), "POST http://localhost/x: : ('Request failed', 403)"),
        (exceptions.ServiceUnavailable("busy"), "busy"),
        (exceptions.RetryError("Timeout of 10.0s exceeded", None), "Timeout of 10.0s exceeded, last exception: None"),
    ],
)
def test_an_error_is_told_without_what_the_libraries_add(error: Exception, words: str) -> None:
    assert in_words(error) == words


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (exceptions.NotFound("gone"), "--table t: not there; make it (gone)"),
        (
            exceptions.RetryError("Timeout of 10.0s exceeded", REFUSED),
            "--table t: cannot be had (nothing listens there)",
        ),
        (
            DefaultCredentialsError("none"),
            "--table t: no valid credentials; run gcloud auth application-default login (none)",
        ),
    ],
)
def test_a_refusal_is_one_line_with_the_remedy_and_the_service_s_words(error: Exception, line: str) -> None:
    refusals = {exceptions.NotFound: "not there; make it", exceptions.GoogleAPIError: "cannot be had"}
    with pytest.raises(Mistakes) as caught, as_mistakes("--table t", refusals):
        raise error
    assert caught.value.lines == (line,)


def test_a_service_that_is_busy_is_asked_again() -> None:
    answers = iter([exceptions.ServiceUnavailable("busy"), exceptions.BadGateway("restarting"), None])

    def ask() -> str:
        if (error := next(answers)) is not None:
            raise error
        return "here"

    assert retry().with_delay(initial=0.001, maximum=0.001)(ask)() == "here"


def test_where_nothing_listens_is_not_asked_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streaming.service_errors.REFUSED_SECONDS", 0.0)
    asked: list[int] = []

    def ask() -> None:
        asked.append(1)
        raise REFUSED

    with pytest.raises(requests.exceptions.ConnectionError):
        retry()(ask)()
    assert asked == [1]
