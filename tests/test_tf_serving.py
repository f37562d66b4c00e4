import math
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from streaming.models.service import RequestRefusedError, TransientError
from streaming.models.tf_serving import TensorFlowServing
from streaming.predictors import ModelFaultError, ModelOutputError, ModelTimeoutError, ModelUnavailableError
from tests.predict_server import Asked, Drop, PredictServer, Reply, Trickle, Wait

SECONDS = 10.0


@pytest.fixture
def server() -> Iterator[PredictServer]:
    with PredictServer() as running:
        yield running


@pytest.fixture
def free_port() -> int:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return int(unused.getsockname()[1])


def ask(service: TensorFlowServing, *instances: Any, timeout: float = SECONDS) -> list[Any]:
    return list(service.ask([service.encode(instance) for instance in instances], timeout).predictions)


def test_a_request_is_json_that_names_signature_and_instances(server: PredictServer) -> None:
    service = TensorFlowServing(server.url, 'of "mine"')

    assert ask(service, {"x": 1.5, "text": "é"}, {"x": 2}) == [7.5, 10]
    body = '{"signature_name":"of \\"mine\\"","instances":[{"x":1.5,"text":"é"},{"x":2}]}'
    assert server.asked == [Asked("/v1/models/toy:predict", "application/json", body.encode())]


def test_infinities_and_nan_travel_as_tensorflow_serving_writes_them(server: PredictServer) -> None:
    service = TensorFlowServing(server.url)
    server.script.append(Reply(b'{"predictions": [NaN, Infinity, -Infinity, 1.5]}'))

    nan, *others = ask(service, {"x": math.nan}, {"x": math.inf}, {"x": -math.inf}, {"x": 1.5})

    assert math.isnan(nan)
    assert others == [math.inf, -math.inf, 1.5]
    sent = b'[{"x":NaN},{"x":Infinity},{"x":-Infinity},{"x":1.5}]'
    assert server.bodies == [b'{"signature_name":"serving_default","instances":' + sent + b"}"]


def test_the_connection_is_kept_for_the_next_request(server: PredictServer) -> None:
    service = TensorFlowServing(server.url)
    server.script += [Reply(status=503)]
    with pytest.raises(TransientError):
        ask(service, {"x": 1})

    answers = [ask(service, {"x": number}) for number in range(3)]

    assert answers == [[0], [5], [10]]
    assert server.connections == 1


def test_threads_ask_side_by_side(server: PredictServer) -> None:
    service = TensorFlowServing(server.url)
    gate = threading.Event()
    server.script.append(Wait(gate))
    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(ask, service, {"x": 1})
        while not server.asked:
            threading.Event().wait(0.001)
        assert ask(service, {"x": 2}) == [10]
        gate.set()
        assert held.result() == [5]


@pytest.mark.parametrize(
    ("suffix", "version"),
    [("", None), ("/versions/12", "12"), ("/labels/stable", None)],
)
def test_the_version_is_the_urls(server: PredictServer, suffix: str, version: str | None) -> None:
    service = TensorFlowServing(server.url + suffix)

    answer = service.ask([b'{"x":1}'], SECONDS)

    assert (service.version, answer.version) == (version, version)
    assert [asked.path for asked in server.asked] == [f"/v1/models/toy{suffix}:predict"]


@pytest.mark.parametrize(
    ("status", "kind", "message"),
    [
        (429, TransientError, "429 Too Many Requests: words"),
        (503, TransientError, "503 Service Unavailable: words"),
        (500, ModelFaultError, "500 Internal Server Error: words"),
        (400, RequestRefusedError, "400 Bad Request: words"),
        (413, RequestRefusedError, "413 Request Entity Too Large: words"),
        (
            401,
            ModelUnavailableError,
            "401 Unauthorized: words; the service wants credentials, which this job has none of; let its workers in",
        ),
        (403, ModelUnavailableError, "403 Forbidden: words; let the job's workers in"),
        (404, ModelUnavailableError, "404 Not Found: words; no such model or version; deploy it, or mend the url"),
    ],
)
def test_each_status_has_its_meaning(server: PredictServer, status: int, kind: type[Exception], message: str) -> None:
    server.script.append(Reply(b'{"error": "words"}', status))

    with pytest.raises(kind) as caught:
        ask(TensorFlowServing(server.url), {"x": 1})

    assert (type(caught.value), str(caught.value)) == (kind, f"{server.url} answers {message}")


def test_a_redirect_is_not_followed(server: PredictServer) -> None:
    server.script.append(Reply(b"", 302, {"Location": server.url}))

    with pytest.raises(ModelUnavailableError, match="answers 302 Found"):
        ask(TensorFlowServing(server.url), {"x": 1})

    assert len(server.asked) == 1


@pytest.mark.parametrize(("header", "seconds"), [("7", 7.0), ("Wed, 21 Oct 2026 07:28:00 GMT", 0.0)])
def test_the_service_may_ask_for_some_peace(server: PredictServer, header: str, seconds: float) -> None:
    server.script.append(Reply(status=429, headers={"Retry-After": header}))

    with pytest.raises(TransientError) as caught:
        ask(TensorFlowServing(server.url), {"x": 1})

    assert caught.value.retry_after == seconds


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"error": "two\\n lines"}', "two lines"),
        (b'{"error": {"code": 3}}', '{"error": {"code": 3}}'),
        (b"<html>\n<b>no</b>", "<html> <b>no</b>"),
        (b'"text"', '"text"'),
        (b"\xff", "\ufffd"),
    ],
)
def test_the_services_words_are_passed_on(server: PredictServer, body: bytes, words: str) -> None:
    server.script.append(Reply(body, 400))

    with pytest.raises(RequestRefusedError) as caught:
        ask(TensorFlowServing(server.url), {"x": 1})

    assert str(caught.value) == f"{server.url} answers 400 Bad Request: {words}"


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        (b"<html>", "with no JSON: <html>"),
        (b"", "with no JSON: "),
        (b"[" * 100_000, "with no JSON: " + "[" * 500),
        (b"[1]", "without a list of predictions: [1]"),
        (b'{"outputs": [1]}', 'without a list of predictions: {"outputs": [1]}'),
        (b'{"predictions": {"x": 1}}', 'without a list of predictions: {"predictions": {"x": 1}}'),
        (b'{"error": "sorry"}', "without a list of predictions: sorry"),
    ],
)
def test_an_answer_without_predictions_is_none(server: PredictServer, body: bytes, wrong: str) -> None:
    server.script.append(Reply(body))

    with pytest.raises(ModelOutputError) as caught:
        ask(TensorFlowServing(server.url), {"x": 1})

    assert str(caught.value) == f"{server.url} answers {wrong}"


def test_a_service_that_falls_silent_is_left(server: PredictServer) -> None:
    gate = threading.Event()
    server.script.append(Wait(gate))

    with pytest.raises(ModelTimeoutError) as caught:
        ask(TensorFlowServing(server.url), {"x": 1}, timeout=0.1)
    gate.set()

    assert str(caught.value) == f"{server.url} has not answered within 0.1 s"


def test_a_service_that_answers_too_slowly_is_left(server: PredictServer) -> None:
    server.script.append(Trickle())

    with pytest.raises(ModelTimeoutError) as caught:
        ask(TensorFlowServing(server.url), {"x": 1}, timeout=0.1)

    assert str(caught.value) == f"{server.url} has not answered within 0.1 s"


@pytest.mark.parametrize("begun", [False, True])
def test_a_connection_that_breaks_may_be_made_again(server: PredictServer, begun: bool) -> None:
    server.script.append(Drop(begun))
    service = TensorFlowServing(server.url)

    with pytest.raises(TransientError, match=f"^{server.url} cannot be reached: "):
        ask(service, {"x": 1})

    assert ask(service, {"x": 1}) == [5]


def test_a_service_that_is_not_there_may_come(free_port: int) -> None:
    url = f"http://127.0.0.1:{free_port}/v1/models/toy"

    with pytest.raises(TransientError, match=f"^{url} cannot be reached: .*refused"):
        ask(TensorFlowServing(url), {"x": 1})


def test_an_instance_is_encoded_without_spaces() -> None:
    instance = TensorFlowServing("http://host/v1/models/toy").encode({"x": [1.5, 2], "blob": {"b64": "AA=="}})

    assert instance == b'{"x":[1.5,2],"blob":{"b64":"AA=="}}'
