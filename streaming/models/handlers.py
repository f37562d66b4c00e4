"""The handler of each kind of model."""

from __future__ import annotations

from functools import partial

from streaming import metrics
from streaming.inference import BatchModelHandler
from streaming.models import ensemble, hot, remote
from streaming.predictors import LoadedModel, OnlyGeneration
from streaming.registry import shared
from streaming.wiring import EnsembleCall, ModelPlan, SavedModelCall


def handler(plan: ModelPlan) -> BatchModelHandler:
    """What runs the model on Beam."""
    return BatchModelHandler(plan, load)


def load(plan: ModelPlan) -> LoadedModel:
    """The model as this process holds it: loaded once, whatever the number of DoFn instances.

    Raises:
        PermanentError: it cannot be loaded.
    """
    return shared(("model", plan), lambda: _load(plan))


def _load(plan: ModelPlan) -> LoadedModel:
    if isinstance(plan.call, SavedModelCall):
        return hot.HotModel(plan)
    if isinstance(plan.call, EnsembleCall):
        return OnlyGeneration(ensemble.Ensemble(plan, plan.call))
    return OnlyGeneration(remote.connect(plan, on_retry=partial(metrics.count, metrics.REMOTE_RETRIES, 1)))
