"""Models loaded before a job starts, as its processes will load them."""

from __future__ import annotations

import time
from dataclasses import dataclass

from streaming.errors import PermanentError, one_line
from streaming.models.hot import HotModel
from streaming.models.saved_model import SavedModel
from streaming.wiring import ModelPlan, SavedModelCall


@dataclass(frozen=True)
class Rehearsal:
    """What came of loading a model.

    Attributes:
        model: its name.
        generation: that would be served.
        fingerprint: of its content.
        seconds: that loading took.
        complaint: why it does not answer an example of zeros and empty texts, if it does not; it may well not.
        wrong: why the current generation cannot be served; None where it can.
    """

    model: str
    generation: str | None = None
    fingerprint: str | None = None
    seconds: float = 0.0
    complaint: str | None = None
    wrong: str | None = None


def rehearse(plan: ModelPlan) -> Rehearsal | None:
    """Load, warm and ask a SavedModel; None for what no process loads."""
    if not isinstance(plan.call, SavedModelCall):
        return None
    start = time.monotonic()
    try:
        loaded = HotModel(plan)
    except PermanentError as error:
        return Rehearsal(plan.name, wrong=one_line(error))
    seconds = time.monotonic() - start
    loaded.close()
    model = loaded.current()
    assert isinstance(model, SavedModel)
    refusals = [news.refusal for news in loaded.news() if news.refusal is not None]
    return Rehearsal(
        plan.name, model.version, model.fingerprint, seconds, model.warm(), refusals[0] if refusals else None
    )
