import base64
import math
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.auth.credentials import AnonymousCredentials
from google.protobuf.struct_pb2 import Value

from streaming.models.service import Answer, RequestRefusedError, TransientError, UnfitInstanceError
from streaming.models.vertex_ai import VertexAI, prediction_client
from streaming.predictors import ModelFaultError, ModelTimeoutError, ModelUnavailableError
from tests.vertex_server import Asked, Fail, Reply, VertexServer, Wait, response

ENDPOINT = "projects/p/locations/europe-west4/endpoints/123"
SECONDS = 10.0
MODEL = "projects/1/locations/europe-west4/models/456"


@pytest.fixture(scope="module")
def running() -> Iterator[VertexServer]:
    with VertexServer() as server:
        yield server


@pytest.fixture
def server(running: VertexServer) -> VertexServer:
    running.asked.clear()
    running.script.clear()
    return running


@pytest.fixture
def service(server: VertexServer) -> VertexAI:
    return VertexAI(ENDPOINT, server.client())


def ask(service: VertexAI, *instances: Any, timeout: float = SECONDS) -> Answer:
    return service.ask([service.encode(instance) for instance in instances], timeout)


def test_a_request_names_endpoint_and_instances(server: VertexServer, service: VertexAI) -> None:
    blob = {"b64": base64.b64encode(b"\x00").decode()}
    instance = {"x": 1.5, "whole": 2, "flag": True, "text": "é", "list": [1, 2.5], "blob": blob}

    answer = ask(service, instance, {"x": 2.0})

    assert answer == Answer([7.5, 10.0], "77")
    assert server.asked == [Asked(ENDPOINT, f"endpoint={ENDPOINT}", [instance, {"x": 2.0}])]


def test_predictions_are_json_values(server: VertexServer, service: VertexAI) -> None:
    values: list[Any] = [None, True, 1.5, "é", [1.0, [False]], {"a": {"b": []}}]
    server.script.append(Reply(response(*values)))

    assert ask(service, {"x": 1}).predictions == values


def test_a_prediction_may_be_no_number(server: VertexServer, service: VertexAI) -> None:
    server.script.append(Reply(response(Value(number_value=math.nan))))

    (prediction,) = ask(service, {"x": 1}).predictions

    assert math.isnan(prediction)


@pytest.mark.parametrize(
    ("fields", "version"),
    [
        ({"model": MODEL, "model_version_id": "3", "deployed_model_id": "77"}, "456@3"),
        ({"model_version_id": "3", "deployed_model_id": "77"}, "3"),
        ({"deployed_model_id": "77"}, "77"),
        ({}, None),
    ],
)
def test_the_version_is_the_answers(
    server: VertexServer, service: VertexAI, fields: dict[str, str], version: str | None
) -> None:
    server.script.append(Reply(response(1.0, **fields)))

    assert ask(service, {"x": 1}) == Answer([1.0], version)
    assert service.version is None


@pytest.mark.parametrize(
    ("code", "kind", "message"),
    [
        ("RESOURCE_EXHAUSTED", TransientError, "answers 429 Too Many Requests: words"),
        ("UNAVAILABLE", TransientError, "answers 503 Service Unavailable: words"),
        ("ABORTED", TransientError, "has not answered: 409 words"),
        ("CANCELLED", TransientError, "has not answered: 499 words"),
        ("INTERNAL", ModelFaultError, "answers 500 Internal Server Error: words"),
        ("UNKNOWN", ModelFaultError, "answers 500 Internal Server Error: words"),
        ("DEADLINE_EXCEEDED", ModelTimeoutError, "has not answered within 10 s"),
        ("INVALID_ARGUMENT", RequestRefusedError, "answers 400 Bad Request: words"),
        ("FAILED_PRECONDITION", RequestRefusedError, "answers 400 Bad Request: words"),
        (
            "NOT_FOUND",
            ModelUnavailableError,
            "answers 404 Not Found: words; no such endpoint; create it, or mend its name",
        ),
        (
            "PERMISSION_DENIED",
            ModelUnavailableError,
            "answers 403 Forbidden: words; no permission to predict; grant roles/aiplatform.user to the job's account",
        ),
        (
            "UNAUTHENTICATED",
            ModelUnavailableError,
            "answers 401 Unauthorized: words; no valid credentials; check the job's account and start the job again",
        ),
    ],
)
def test_each_code_has_its_meaning(
    server: VertexServer, service: VertexAI, code: str, kind: type[Exception], message: str
) -> None:
    server.script.append(Fail(grpc.StatusCode[code], "words"))

    with pytest.raises(kind) as caught:
        ask(service, {"x": 1})

    assert (type(caught.value), str(caught.value)) == (kind, f"{ENDPOINT} {message}")
    assert len(server.asked) == 1


def test_a_service_that_falls_silent_is_left(server: VertexServer, service: VertexAI) -> None:
    gate = threading.Event()
    server.script.append(Wait(gate))

    with pytest.raises(ModelTimeoutError) as caught:
        ask(service, {"x": 1}, timeout=0.1)
    gate.set()

    assert str(caught.value) == f"{ENDPOINT} has not answered within 0.1 s"


def test_a_service_that_is_not_there_may_come() -> None:
    with VertexServer() as gone:
        service = VertexAI(ENDPOINT, gone.client())

    with pytest.raises(TransientError, match=f"^{ENDPOINT} answers 503 Service Unavailable: "):
        ask(service, {"x": 1})


@pytest.mark.parametrize("value", [2**53 + 1, -(2**53) - 1, [1, 2**60]])
def test_a_whole_number_that_would_be_rounded_is_not_sent(service: VertexAI, value: Any) -> None:
    number = value if isinstance(value, int) else value[-1]

    with pytest.raises(UnfitInstanceError) as caught:
        service.encode({"y": 0.5, "x": value})

    assert str(caught.value) == f"feature x is {number}, which Vertex AI would round; send it as a text"


def test_a_whole_number_that_is_a_double_is_sent(server: VertexServer, service: VertexAI) -> None:
    server.script.append(Reply(response(1.0, 2.0)))

    ask(service, {"x": 2**53}, {"x": -(2**53)})

    assert server.asked[0].instances == [{"x": 2.0**53}, {"x": -(2.0**53)}]


def test_without_credentials_the_model_is_unavailable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))

    with pytest.raises(ModelUnavailableError) as caught:
        ask(VertexAI(ENDPOINT), {"x": 1})

    assert str(caught.value) == (
        f"{ENDPOINT}: File {tmp_path}/none.json was not found.; "
        "no valid credentials; check the job's account and start the job again"
    )


def test_googles_service_is_the_locations_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("google.auth.default", lambda **_: (AnonymousCredentials(), "p"))

    client = prediction_client("europe-west4")

    assert client.transport.host == "europe-west4-aiplatform.googleapis.com:443"
