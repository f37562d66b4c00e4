"""Models on Vertex AI endpoints, by the official client.

Vertex AI carries numbers as floating point, so a whole number that is no exact double is not sent. A public endpoint
takes requests of 1.5 MB.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from google.api_core.exceptions import Aborted, Cancelled, DeadlineExceeded, GoogleAPICallError
from google.auth.exceptions import GoogleAuthError
from google.protobuf.struct_pb2 import Value

from streaming.errors import one_line
from streaming.models.service import Answer, TransientError, UnfitInstanceError, failure
from streaming.predictors import ModelTimeoutError, ModelUnavailableError
from streaming.registry import shared

if TYPE_CHECKING:
    import grpc
    from google.cloud.aiplatform_v1 import PredictionServiceClient

_REMEDIES: dict[int, str] = {
    HTTPStatus.UNAUTHORIZED: "no valid credentials; check the job's account and start the job again",
    HTTPStatus.FORBIDDEN: "no permission to predict; grant roles/aiplatform.user to the job's account",
    HTTPStatus.NOT_FOUND: "no such endpoint; create it, or mend its name",
}

_LARGEST_EXACT = 2**53

_CHANNEL_OPTIONS = {
    "grpc.keepalive_time_ms": 60_000,
    "grpc.keepalive_timeout_ms": 20_000,
    "grpc.max_reconnect_backoff_ms": 10_000,  # gRPC's default of two minutes outlasts our own retries
}


class VertexAI:
    """A model at an endpoint. It is asked for the signature that the deployed model serves by default.

    Args:
        endpoint: `projects/P/locations/L/endpoints/E`.
        client: the generated client; without it one that this process shares, made when it is first needed.
        most_bytes: of the instances of one request.
    """

    version = None

    def __init__(
        self, endpoint: str, client: PredictionServiceClient | None = None, most_bytes: int = 1_400_000
    ) -> None:
        self.address = endpoint
        self.most_bytes = most_bytes
        self._client = client

    def encode(self, instance: Mapping[str, Any]) -> bytes:
        for name, value in instance.items():
            for number in value if isinstance(value, list) else (value,):
                if isinstance(number, int) and abs(number) > _LARGEST_EXACT:
                    raise UnfitInstanceError(
                        f"feature {name} is {number}, which Vertex AI would round; send it as a text"
                    )
        encoded = Value()
        encoded.struct_value.update(instance)
        return bytes(encoded.SerializeToString())

    def ask(self, instances: Sequence[bytes], timeout: float) -> Answer:
        """As `service.Service.ask`."""
        from google.cloud.aiplatform_v1.types import PredictRequest  # costs seconds

        request = PredictRequest.pb()(endpoint=self.address, instances=[Value.FromString(each) for each in instances])
        try:
            # It is retried by the caller, not by the client.
            response = self._predict()(request=PredictRequest.wrap(request), retry=None, timeout=timeout)
        except GoogleAPICallError as error:
            raise self._failure(error, timeout) from error
        raw = type(response).pb(response)
        return Answer([_plain(prediction) for prediction in raw.predictions], _version(raw))

    def _predict(self) -> Any:
        if self._client is None:
            location = self.address.split("/")[3]
            try:
                self._client = shared(("vertex ai", location), lambda: prediction_client(location))
            except GoogleAuthError as error:
                wrong = f"{self.address}: {one_line(error)}"
                raise ModelUnavailableError(f"{wrong}; {_REMEDIES[HTTPStatus.UNAUTHORIZED]}") from error
        return self._client.predict

    def _failure(self, error: GoogleAPICallError, timeout: float) -> Exception:
        if isinstance(error, DeadlineExceeded):
            return ModelTimeoutError(f"{self.address} has not answered within {timeout:g} s")
        if isinstance(error, Aborted | Cancelled):
            return TransientError(f"{self.address} has not answered: {one_line(error)}")
        return failure(self.address, int(error.code or HTTPStatus.INTERNAL_SERVER_ERROR), error.message, _REMEDIES)


def prediction_client(location: str) -> PredictionServiceClient:
    """The generated client of a location's PredictionService.

    Raises:
        GoogleAuthError: there are no credentials.
    """
    from google.cloud.aiplatform_v1 import PredictionServiceClient
    from google.cloud.aiplatform_v1.services.prediction_service.transports import PredictionServiceGrpcTransport

    def channel(host: str, options: Sequence[tuple[str, Any]], **arguments: Any) -> grpc.Channel:
        chosen = list({**dict(options), **_CHANNEL_OPTIONS}.items())
        return PredictionServiceGrpcTransport.create_channel(host, options=chosen, **arguments)

    host = f"{location}-aiplatform.googleapis.com"
    return PredictionServiceClient(transport=PredictionServiceGrpcTransport(host=host, channel=channel))


def _version(response: Any) -> str | None:
    """`MODEL@VERSION`, as Vertex AI itself writes it; versions alone are not unique where models share an endpoint."""
    model = response.model.rpartition("/")[2]
    if model and response.model_version_id:
        return f"{model}@{response.model_version_id}"
    return response.model_version_id or response.deployed_model_id or None


def _plain(value: Any) -> Any:
    """As `json_format.MessageToDict`, which is slower and refuses NaN."""
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        return {name: _plain(field) for name, field in value.struct_value.fields.items()}
    if kind == "list_value":
        return [_plain(each) for each in value.list_value.values]
    return None if kind in (None, "null_value") else getattr(value, kind)
