import base64
import json
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from streaming.batches import field_column
from streaming.features import encode
from streaming.models.attempts import Attempts
from streaming.models.remote import MixedVersionsError, RemoteModel, connect
from streaming.models.service import RequestRefusedError, UnfitInstanceError
from streaming.models.tf_serving import TensorFlowServing
from streaming.models.vertex_ai import VertexAI
from streaming.predictors import ModelOutputError, ModelTimeoutError, Outputs
from streaming.wiring import FeatureColumn, ModelPlan, RemoteCall
from tests import builders
from tests.predict_server import PredictServer, Reply, Wait, predictions
from tests.vertex_server import Reply as VertexReply
from tests.vertex_server import VertexServer, response

ENDPOINT = "projects/p/locations/europe-west4/endpoints/123"
TEXT = FeatureColumn("text", field_column("text"), pa.string())


@pytest.fixture
def server() -> Iterator[PredictServer]:
    with PredictServer() as running:
        yield running


@pytest.fixture
def vertex() -> Iterator[VertexServer]:
    with VertexServer() as running:
        yield running


def plan(address: str, tensors: bool = True, **rest: Any) -> ModelPlan:
    arguments: dict[str, Any] = {"call": RemoteCall(address, tensors=tensors), "features": [builders.X]}
    return builders.plan("toy", **arguments | rest)


def model(address: str, service: Any = None, **rest: Any) -> RemoteModel:
    return RemoteModel(plan(address, **rest), service or TensorFlowServing(address), Attempts("toy", backoff=(0, 0)))


def sent(server: PredictServer) -> list[list[Any]]:
    """The instances of each request."""
    return [json.loads(body)["instances"] for body in server.bodies]


def shown(outputs: Outputs) -> tuple[dict[str, list[Any]], dict[int, str], str | None]:
    values = {name: array.tolist() for name, array in outputs.values.items()}
    return values, {row: str(error) for row, error in outputs.unanswered.items()}, outputs.version


def test_rows_are_instances_and_predictions_outputs(server: PredictServer) -> None:
    outputs = model(server.url).predict(builders.readings([1.0, 2.5]).rows)

    assert shown(outputs) == ({"output_0": [5.0, 12.5]}, {}, None)
    assert outputs.values["output_0"].dtype == np.float64
    body = b'{"signature_name":"serving_default","instances":[{"x":1.0},{"x":2.5}]}'
    assert server.bodies == [body]


def test_a_model_that_takes_examples_is_sent_examples(server: PredictServer) -> None:
    rows = builders.readings([1.0, 2.5]).rows
    server.script.append(predictions(5.0, 12.5))

    outputs = model(server.url, tensors=False).predict(rows)

    assert shown(outputs) == ({"output_0": [5.0, 12.5]}, {}, None)
    examples = encode(rows, [builders.X]).to_pylist()
    assert sent(server) == [[{"b64": base64.b64encode(example).decode()} for example in examples]]


def test_each_row_has_its_own_say(server: PredictServer) -> None:
    server.script.append(predictions(5.0, None, {"error": "no user"}, "text", {"output_0": 25.0}))

    outputs = model(server.url).predict(builders.readings([1.0, 2.0, 3.0, 4.0, 5.0]).rows)

    wrong = {
        1: "the prediction is null",
        2: "the prediction is an error: no user",
        3: 'output output_0 is "text", not FLOAT64',
    }
    assert shown(outputs) == ({"output_0": [5.0, 0.0, 0.0, 0.0, 25.0]}, wrong, None)
    assert {type(error) for error in outputs.unanswered.values()} == {ModelOutputError}


@pytest.mark.parametrize("given", [[5.0], [5.0, 10.0, 15.0], []])
def test_another_number_of_predictions_is_no_answer(server: PredictServer, given: list[float]) -> None:
    server.script.append(predictions(*given))

    with pytest.raises(ModelOutputError) as caught:
        model(server.url).predict(builders.readings([1.0, 2.0]).rows)

    assert str(caught.value) == f"{server.url} answers with {len(given)} predictions for 2 instances"


def test_requests_are_bounded_in_bytes_and_keep_the_rows_order(server: PredictServer) -> None:
    service = TensorFlowServing(server.url, most_bytes=20)  # an instance has 9

    outputs = model(server.url, service).predict(builders.readings([1.0, 2.0, 3.0, 4.0, 5.0]).rows)

    assert shown(outputs) == ({"output_0": [5.0, 10.0, 15.0, 20.0, 25.0]}, {}, None)
    assert sent(server) == [[{"x": 1.0}, {"x": 2.0}], [{"x": 3.0}, {"x": 4.0}], [{"x": 5.0}]]


def test_a_row_too_large_for_any_request_is_not_sent(server: PredictServer) -> None:
    server.predict = lambda instance: len(instance["text"])
    service = TensorFlowServing(server.url, most_bytes=2000)
    rows = builders.batch(3, text=pa.array(["a", "b" * 2000, "c"])).rows

    outputs = model(server.url, service, features=[TEXT]).predict(rows)

    wrong = f"the row makes an instance of 2,011 bytes, and {server.url} is sent at most 2,000"
    assert shown(outputs) == ({"output_0": [1.0, 0.0, 1.0]}, {1: wrong}, None)
    assert type(outputs.unanswered[1]) is UnfitInstanceError
    assert sent(server) == [[{"text": "a"}, {"text": "c"}]]


def test_nothing_is_asked_where_no_row_can_be_sent(server: PredictServer) -> None:
    outputs = model(server.url, TensorFlowServing(server.url, most_bytes=5)).predict(builders.readings([1.0]).rows)

    assert list(outputs.unanswered) == [0]
    assert server.asked == []


def test_a_refused_part_refuses_the_call(server: PredictServer) -> None:
    server.script += [predictions(5.0), Reply(b'{"error": "bad x"}', 400)]

    with pytest.raises(RequestRefusedError) as caught:
        model(server.url, TensorFlowServing(server.url, most_bytes=10)).predict(builders.readings([1.0, 2.0]).rows)

    assert str(caught.value) == f"{server.url} answers 400 Bad Request: bad x"


def test_the_plans_timeout_is_that_of_an_attempt(server: PredictServer) -> None:
    gate = threading.Event()
    server.script.append(Wait(gate))

    with pytest.raises(ModelTimeoutError) as caught:
        model(server.url, timeout=timedelta(milliseconds=100)).predict(builders.readings([1.0]).rows)
    gate.set()

    assert str(caught.value) == f"{server.url} has not answered within 0.1 s"


def test_a_version_in_the_url_is_the_answers(server: PredictServer) -> None:
    toy = model(f"{server.url}/versions/3")

    outputs = toy.predict(builders.readings([1.0]).rows)

    assert (outputs.version, toy.version, toy.fingerprint) == ("3", "3", None)


def test_vertex_ai_is_a_service_like_any_other(vertex: VertexServer) -> None:
    toy = model(ENDPOINT, VertexAI(ENDPOINT, vertex.client()))

    outputs = toy.predict(builders.readings([1.0, 2.5]).rows)

    assert shown(outputs) == ({"output_0": [5.0, 12.5]}, {}, "77")
    assert (toy.version, toy.fingerprint) == (None, None)
    assert [asked.instances for asked in vertex.asked] == [[{"x": 1.0}, {"x": 2.5}]]


def test_a_row_that_vertex_ai_would_alter_is_not_sent(vertex: VertexServer) -> None:
    whole = replace(builders.X, type=pa.int64())
    rows = builders.batch(2, value=pa.array([2**53 + 1, 2])).rows

    outputs = model(ENDPOINT, VertexAI(ENDPOINT, vertex.client()), features=[whole]).predict(rows)

    wrong = f"feature x is {2**53 + 1}, which Vertex AI would round; send it as a text"
    assert shown(outputs) == ({"output_0": [0.0, 10.0]}, {0: wrong}, "77")
    assert [asked.instances for asked in vertex.asked] == [[{"x": 2.0}]]


def vertex_in_parts(vertex: VertexServer, versions: Sequence[str]) -> RemoteModel:
    """A model that is asked row by row, and answered by these versions."""
    vertex.script += [VertexReply(response(1.0, model_version_id=version)) for version in versions]
    return model(ENDPOINT, VertexAI(ENDPOINT, vertex.client(), most_bytes=20))


def test_rows_are_not_answered_by_different_versions_in_one_call(vertex: VertexServer) -> None:
    toy = vertex_in_parts(vertex, ["2", "1"])

    with pytest.raises(MixedVersionsError) as caught:
        toy.predict(builders.readings([1.0, 2.0]).rows)

    assert str(caught.value) == f"{ENDPOINT} answers one call by the versions 1 and 2"


def test_parts_answered_by_one_version_are_one_answer(vertex: VertexServer) -> None:
    outputs = vertex_in_parts(vertex, ["2", "2"]).predict(builders.readings([1.0, 2.0]).rows)

    assert shown(outputs) == ({"output_0": [1.0, 1.0]}, {}, "2")
    assert len(vertex.asked) == 2


def test_threads_have_their_own_answers(server: PredictServer) -> None:
    toy = model(server.url)
    batches = [builders.readings([float(number)] * 3).rows for number in range(20)]

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(toy.predict, batches))

    assert [shown(answer)[0] for answer in answers] == [{"output_0": [5.0 * number] * 3} for number in range(20)]


def test_a_url_is_asked_for_its_signature(server: PredictServer) -> None:
    retries: list[None] = []
    server.script.append(Reply(status=503))
    toy = connect(plan("", call=RemoteCall(server.url, "ranked")), lambda: retries.append(None))

    outputs = toy.predict(builders.readings([1.0]).rows)

    assert shown(outputs) == ({"output_0": [5.0]}, {}, None)
    assert server.bodies == [b'{"signature_name":"ranked","instances":[{"x":1.0}]}'] * 2
    assert len(retries) == 1


def test_an_endpoint_is_vertex_ais_and_not_asked_before_it_is_needed() -> None:
    toy = connect(plan(ENDPOINT))

    assert isinstance(toy._service, VertexAI)
    assert toy._service.address == ENDPOINT
