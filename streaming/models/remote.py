"""Models behind a network: requests of bounded size, answers row by row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pyarrow as pa

from streaming.models.attempts import Attempts
from streaming.models.instances import Instance, instances
from streaming.models.predictions import outputs
from streaming.models.service import Answer, Service, UnfitInstanceError
from streaming.models.tf_serving import TensorFlowServing
from streaming.predictors import ModelOutputError, Outputs
from streaming.slices import slices
from streaming.wiring import ModelPlan, RemoteCall

_TIMEOUT = timedelta(seconds=60)
"""How long one attempt may last where the plan does not say it."""


class MixedVersionsError(ValueError):
    """Rows of one call that were answered by different versions of the model."""


class RemoteModel:
    """A predictor that asks a service; any number of threads may use it.

    Args:
        plan: of the model.
        service: that has the model.
        attempts: how it is asked.
    """

    fingerprint = None

    def __init__(self, plan: ModelPlan, service: Service, attempts: Attempts | None = None) -> None:
        self._plan = plan
        self._service = service
        self._attempts = attempts or Attempts(plan.name)
        self._timeout = (plan.timeout or _TIMEOUT).total_seconds()

    @property
    def version(self) -> str | None:
        """What the address says. `Outputs.version` is what the answer says."""
        return self._service.version

    def predict(self, rows: pa.RecordBatch) -> Outputs:
        """The outputs for some rows. A row that cannot be sent, or whose prediction says nothing, is unanswered.

        Raises:
            MixedVersionsError: the rows took several requests, and these met different versions of the model.
            Exception: as `streaming.predictors` and `service` say.
        """
        encoded = [self._encoded(instance) for instance in instances(rows, self._plan)]
        fit = [(row, each) for row, each in enumerate(encoded) if isinstance(each, bytes)]
        predictions: list[Any] = list(encoded)
        versions = set()
        for part in slices([len(each) for _, each in fit], len(fit), self._service.most_bytes):
            answer = self._ask([each for _, each in fit[part]])
            versions.add(answer.version)
            for (row, _), prediction in zip(fit[part], answer.predictions, strict=True):
                predictions[row] = prediction
        return replace(outputs(predictions, self._plan.outputs), version=self._only(versions))

    def _encoded(self, instance: Instance) -> bytes | UnfitInstanceError:
        try:
            encoded = self._service.encode(instance)
        except UnfitInstanceError as error:
            return error
        if len(encoded) > self._service.most_bytes:
            most = f"{self._service.address} is sent at most {self._service.most_bytes:,}"
            return UnfitInstanceError(f"the row makes an instance of {len(encoded):,} bytes, and {most}")
        return encoded

    def _ask(self, encoded: Sequence[bytes]) -> Answer:
        answer = self._attempts.ask(self._service, encoded, self._timeout)
        if len(answer.predictions) != len(encoded):
            given = f"{len(answer.predictions)} predictions for {len(encoded)} instances"
            raise ModelOutputError(f"{self._service.address} answers with {given}")
        return answer

    def _only(self, versions: set[str | None]) -> str | None:
        if len(versions) > 1:
            several = " and ".join(sorted(map(str, versions)))
            raise MixedVersionsError(f"{self._service.address} answers one call by the versions {several}")
        return next(iter(versions), None)


def connect(plan: ModelPlan, on_retry: Callable[[], None] = lambda: None) -> RemoteModel:
    """The model that the plan's call names. Nothing is sent yet."""
    assert isinstance(plan.call, RemoteCall)
    return RemoteModel(plan, _service(plan.call), Attempts(plan.name, on_retry=on_retry))


def _service(call: RemoteCall) -> Service:
    if not call.address.startswith("projects/"):
        return TensorFlowServing(call.address, call.signature)
    from streaming.models.vertex_ai import VertexAI

    return VertexAI(call.address)
