"""The seam between the job and a model: what a predictor takes and gives, and what its failures mean.

ModelUnavailableError   fails the bundle: its messages come again
ModelTimeoutError       a failure of the rows in the call; costly, so only few calls are spent on finding the guilty
ModelFaultError         as costly, from a service; of every row it means that the service is unavailable
ModelOutputError        an answer without the shape or content that the contract says
anything else           a failure of the rows in the call: it is halved until the guilty rows are alone
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import pyarrow as pa


class ModelUnavailableError(Exception):
    """A model that cannot be asked now; it says nothing of the rows."""


class ModelTimeoutError(Exception):
    """A call that lasted longer than it may."""


class ModelFaultError(Exception):
    """A service failed in answering, again and again."""


class ModelOutputError(ValueError):
    """An output that does not have the shape or content that the contract says."""


@dataclass(frozen=True)
class Outputs:
    """What a model answers for n rows.

    Attributes:
        values: each output by name, of shape [n], [n, 1] or [n, k], of a type that numpy knows by itself and that can
            become the plan's without loss.
        unanswered: the rows whose values mean nothing, and why.
        version: the generation that has answered, where the answer says it; else it is the predictor's.
    """

    values: Mapping[str, np.ndarray]
    unanswered: Mapping[int, Exception] = field(default_factory=dict)
    version: str | None = None


class Predictor(Protocol):
    """One generation of a model, ready to be called."""

    @property
    def version(self) -> str | None:
        """Which generation it is, or else its fingerprint; None where nobody knows."""

    @property
    def fingerprint(self) -> str | None:
        """What tells its content from any other's; None where it cannot be seen."""

    def predict(self, rows: pa.RecordBatch) -> Outputs:
        """The outputs for some rows of a batch.

        Raises:
            Exception: as the module says.
        """


@dataclass(frozen=True)
class News:
    """What became of a new generation of a model: it was taken up, or refused because of `refusal`."""

    version: str
    refusal: str | None = None


class LoadedModel(Protocol):
    """A model as a process holds it, whichever generation is current."""

    def current(self) -> Predictor:
        """The generation to ask. Taken once for a batch, so that no batch mixes generations."""

    def news(self) -> Sequence[News]:
        """What happened since it was last asked, each told once."""


class OnlyGeneration:
    """A model that stays what it is."""

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor

    def current(self) -> Predictor:
        return self._predictor

    def news(self) -> Sequence[News]:
        return ()
