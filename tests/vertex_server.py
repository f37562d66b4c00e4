"""Vertex AI's PredictionService in this process: it answers, or misbehaves as it is told."""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import grpc
from google.cloud.aiplatform_v1 import PredictionServiceClient
from google.cloud.aiplatform_v1.services.prediction_service.transports import PredictionServiceGrpcTransport
from google.cloud.aiplatform_v1.types import PredictRequest, PredictResponse
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.struct_pb2 import Value

from tests.grpc_servers import GrpcServer

PREDICT = "/google.cloud.aiplatform.v1.PredictionService/Predict"
PATIENCE = 60  # seconds until a test that waits for nothing fails


@dataclass(frozen=True)
class Asked:
    """A request: for which endpoint, with which routing header, and its instances as JSON values."""

    endpoint: str
    route: str
    instances: list[Any]


@dataclass(frozen=True)
class Fail:
    """End the call with an error."""

    code: grpc.StatusCode
    words: str = "scripted"


@dataclass(frozen=True)
class Wait:
    """Answer once `gate` is open."""

    gate: threading.Event


@dataclass(frozen=True)
class Reply:
    """Answer with this."""

    response: PredictResponse


def response(*predictions: Any, **fields: str) -> PredictResponse:
    """A response with these predictions, JSON values or messages, and other fields."""
    values = [each if isinstance(each, Value) else ParseDict(each, Value()) for each in predictions]
    return PredictResponse.wrap(PredictResponse.pb()(predictions=values, **fields))


class VertexServer(GrpcServer):
    """The server.

    Attributes:
        asked: every request.
        script: what to do with the next requests; then they are answered.
        predict: the prediction for an instance.
        fields: of each response, beside the predictions.
    """

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[Asked] = []
        self.script: deque[Fail | Wait | Reply] = deque()
        self.predict: Callable[[Any], Any] = lambda instance: 5 * instance["x"]
        self.fields = {"deployed_model_id": "77"}

    def client(self) -> PredictionServiceClient:
        """The generated client of this server."""
        return PredictionServiceClient(
            transport=PredictionServiceGrpcTransport(channel=grpc.insecure_channel(self.host))
        )

    def service(self, call: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        if call.method != PREDICT:
            return None
        route = dict(call.invocation_metadata)["x-goog-request-params"]

        def predict(request: PredictRequest, context: grpc.ServicerContext) -> PredictResponse:
            return self._predict(request, route, context)

        return grpc.unary_unary_rpc_method_handler(predict, PredictRequest.deserialize, PredictResponse.serialize)

    def _predict(self, request: PredictRequest, route: str, context: grpc.ServicerContext) -> PredictResponse:
        instances = [MessageToDict(instance) for instance in PredictRequest.pb(request).instances]
        self.asked.append(Asked(request.endpoint, route, instances))
        match self.script.popleft() if self.script else None:
            case Fail(code, words):
                context.abort(code, words)
            case Reply(scripted):
                return scripted
            case Wait(gate):
                assert gate.wait(PATIENCE)
        return response(*[self.predict(instance) for instance in instances], **self.fields)
