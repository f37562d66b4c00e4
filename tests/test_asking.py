"""A service is asked, and what keeps it from answering is told on one line."""

from __future__ import annotations

from typing import Any

import pytest
from google.api_core import exceptions
from google.auth.exceptions import DefaultCredentialsError

from streaming.asking import CALL_SECONDS, Service
from streaming.errors import PermanentError

LOGIN = "no valid credentials; run gcloud auth application-default login"
TEA = Service(
    "Tea",
    lambda: "Tea",
    {exceptions.NotFound: "mind the pot", exceptions.PermissionDenied: "bring a cup"},
    {"no kettle": "buy a kettle"},
)


class Answers:
    """A client's method that answers, or fails, as it was told."""

    def __init__(self, *answers: object) -> None:
        self.answers = list(answers)
        self.calls: list[dict[str, Any]] = []

    def __call__(self, **arguments: Any) -> object:
        self.calls.append(arguments)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def test_what_the_service_answers_is_given() -> None:
    call = Answers("tea")
    assert TEA.asked("make tea", call, "please") == "tea"
    assert call.calls == [{"request": "please", "retry": None, "timeout": CALL_SECONDS}]


def test_a_service_that_is_away_for_a_moment_is_asked_again() -> None:
    call = Answers(exceptions.ServiceUnavailable("busy"), "tea")
    assert (TEA.asked("make tea", call, "please"), len(call.calls)) == ("tea", 2)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (exceptions.NotFound("There is no pot."), "cannot make tea: There is no pot; mind the pot"),
        (exceptions.PermissionDenied("No."), "cannot make tea: No; bring a cup"),
        (exceptions.PermissionDenied("there is no kettle"), "cannot make tea: there is no kettle; buy a kettle"),
        (exceptions.InvalidArgument("too hot"), "cannot make tea: too hot"),
        (exceptions.ResourceExhausted("no leaves"), "cannot make tea: no leaves"),
        (exceptions.Unauthenticated("who?"), f"cannot make tea: {LOGIN} (401 who?)"),
    ],
)
def test_a_refusal_is_told_once_with_its_remedy(error: Exception, told: str) -> None:
    call = Answers(error)
    with pytest.raises(PermanentError) as raised:
        TEA.asked("make tea", call, "please")
    assert (str(raised.value), len(call.calls)) == (told, 1)


def test_what_stands_in_for_the_service_is_named_when_it_is_away() -> None:
    stand_in = Service("Tea", lambda: "the server of TEA_HOST=localhost:1", {})
    refused = exceptions.ServiceUnavailable("Connection refused")
    with pytest.raises(PermanentError, match="is the server of TEA_HOST=localhost:1 there"):
        stand_in.asked("make tea", Answers(*[refused] * 20), "please")


def test_without_credentials_there_is_no_client() -> None:
    def client() -> None:
        raise DefaultCredentialsError("none found")

    with pytest.raises(PermanentError) as raised:
        TEA.connected(client)
    assert str(raised.value) == f"cannot ask Tea: {LOGIN} (none found)"
