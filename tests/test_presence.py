"""Topics and subscriptions are looked for before they are used; what is said instead of showing one is one line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import google.auth
import grpc
import pytest
from google.auth.exceptions import DefaultCredentialsError

from streaming.errors import JobError, PermanentError
from streaming.pubsub.presence import see_subscription, see_topic
from tests.pubsub_presence_server import PresenceServer

TOPIC, SUBSCRIPTION = "projects/p/topics/t", "projects/p/subscriptions/s"
LOOKS: list[tuple[Callable[[str, str, float], str | None], str, str]] = [
    (see_topic, TOPIC, "topics"),
    (see_subscription, SUBSCRIPTION, "subscriptions"),
]
both = pytest.mark.parametrize(("see", "name", "kind"), LOOKS)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[PresenceServer]:
    with PresenceServer(TOPIC) as server:
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", server.host)
        yield server


def test_what_is_there_is_seen(server: PresenceServer) -> None:
    see_topic("--topic", TOPIC, 1.0)
    assert see_subscription("--subscription", SUBSCRIPTION, 1.0) == TOPIC


@both
def test_what_may_not_be_looked_at_may_be_there(see: Any, name: str, kind: str, server: PresenceServer) -> None:
    server.error = grpc.StatusCode.PERMISSION_DENIED
    assert see("--flag", name, 1.0) is None


@both
def test_what_is_missing_or_misnamed_is_named(see: Any, name: str, kind: str, server: PresenceServer) -> None:
    words = {
        grpc.StatusCode.NOT_FOUND: f"there is no {name}; create it with gcloud pubsub {kind} create",
        grpc.StatusCode.INVALID_ARGUMENT: f"{name} is no name that Pub/Sub takes; mend it (400 scripted)",
    }
    for server.error, line in words.items():
        with pytest.raises(PermanentError) as raised:
            see("--flag", name, 1.0)
        assert str(raised.value) == f"--flag: {line}"


@both
def test_a_service_that_does_not_answer_is_asked_again_for_a_while(
    see: Any, name: str, kind: str, server: PresenceServer
) -> None:
    server.error = grpc.StatusCode.UNAVAILABLE
    with pytest.raises(JobError) as raised:
        see("--flag", name, 0.1)
    assert type(raised.value) is JobError
    emulator = r"the Pub/Sub emulator \(PUBSUB_EMULATOR_HOST=127\.0\.0\.1:\d+\)"
    cause = r"\(Timeout of 0\.1s exceeded, last exception: 503 scripted\)"
    assert raised.match(f"^--flag: {emulator} does not tell whether there is {name}; see whether it is up {cause}$")


@both
def test_missing_credentials_come_with_the_remedy(
    see: Any, name: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def default(*_: Any, **__: Any) -> None:
        raise DefaultCredentialsError("none here")

    monkeypatch.delenv("PUBSUB_EMULATOR_HOST", raising=False)
    monkeypatch.setattr(google.auth, "default", default)
    with pytest.raises(PermanentError) as raised:
        see("--flag", name, 1.0)
    remedy = "run gcloud auth application-default login"
    assert str(raised.value) == f"--flag: no valid credentials; {remedy} (none here)"
