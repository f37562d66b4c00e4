import pytest

from streaming.models.service import RequestRefusedError, TransientError, failure, in_short
from streaming.predictors import ModelFaultError, ModelUnavailableError


@pytest.mark.parametrize(
    ("status", "phrase"),
    [
        (429, "Too Many Requests"),
        (502, "Bad Gateway"),
        (503, "Service Unavailable"),
        (504, "Gateway Timeout"),
    ],
)
def test_an_overloaded_service_may_be_asked_again(status: int, phrase: str) -> None:
    error = failure("here", status, "too\n much", {}, 7.0)

    assert (type(error), str(error)) == (TransientError, f"here answers {status} {phrase}: too much")
    assert isinstance(error, TransientError)
    assert error.retry_after == 7.0


@pytest.mark.parametrize(
    ("status", "kind", "message"),
    [
        (400, RequestRefusedError, "here answers 400 Bad Request: words"),
        (413, RequestRefusedError, "here answers 413 Request Entity Too Large: words"),
        (422, RequestRefusedError, "here answers 422 Unprocessable Entity: words"),
        (499, RequestRefusedError, "here answers 499 Unknown: words"),
        (401, ModelUnavailableError, "here answers 401 Unauthorized: words; sign in"),
        (404, ModelUnavailableError, "here answers 404 Not Found: words; create it"),
        (500, ModelFaultError, "here answers 500 Internal Server Error: words"),
        (501, ModelFaultError, "here answers 501 Not Implemented: words"),
        (
            301,
            ModelUnavailableError,
            "here answers 301 Moved Permanently: words; write the address at which the model itself answers",
        ),
    ],
)
def test_each_other_status_is_the_rows_the_services_or_the_jobs_fault(
    status: int, kind: type[Exception], message: str
) -> None:
    error = failure("here", status, "words", {401: "sign in", 404: "create it"})

    assert (type(error), str(error)) == (kind, message)


def test_the_services_words_are_one_line_of_bounded_length() -> None:
    assert in_short(" a\n\tb " + "c" * 600) == "a b " + "c" * 496
