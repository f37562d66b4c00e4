"""Topics and subscriptions are looked for before they are used; what is said instead of showing one is one line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import google.auth
import grpc
import pytest
from google.auth.exceptions import DefaultCredentialsError
from google.pubsub_v1.types import GetSubscriptionRequest, GetTopicRequest, Subscription, Topic

from streaming.errors import JobError, PermanentError
from streaming.pubsub.presence import see_subscription, see_topic

TOPIC, SUBSCRIPTION = "projects/p/topics/t", "projects/p/subscriptions/s"
LOOKS: list[tuple[Callable[[str, str, float], str | None], str, str]] = [
    (see_topic, TOPIC, "topics"),
    (see_subscription, SUBSCRIPTION, "subscriptions"),
]
both = pytest.mark.parametrize(("see", "name", "kind"), LOOKS)


class Server(grpc.GenericRpcHandler):
    """Has every topic, and of each a subscription, unless it is to answer with an error."""

    error: grpc.StatusCode | None = None

    def service(self, call: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        if call.method.endswith("/GetTopic"):
            return grpc.unary_unary_rpc_method_handler(
                lambda request, context: self._answer(context, Topic(name=request.topic)),
                GetTopicRequest.deserialize,
                Topic.serialize,
            )
        return grpc.unary_unary_rpc_method_handler(
            lambda request, context: self._answer(context, Subscription(name=request.subscription, topic=TOPIC)),
            GetSubscriptionRequest.deserialize,
            Subscription.serialize,
        )

    def _answer(self, context: grpc.ServicerContext, answer: Any) -> Any:
        if self.error is not None:
            context.abort(self.error, "scripted")
        return answer


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    handler, server = Server(), grpc.server(ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers((handler,))
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}")
    server.start()
    yield handler
    server.stop(None)


def test_what_is_there_is_seen(server: Server) -> None:
    see_topic("--topic", TOPIC, 1.0)
    assert see_subscription("--subscription", SUBSCRIPTION, 1.0) == TOPIC


@both
def test_what_may_not_be_looked_at_may_be_there(see: Any, name: str, kind: str, server: Server) -> None:
    server.error = grpc.StatusCode.PERMISSION_DENIED
    assert see("--flag", name, 1.0) is None


@both
def test_what_is_missing_or_misnamed_is_named(see: Any, name: str, kind: str, server: Server) -> None:
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
    see: Any, name: str, kind: str, server: Server
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
