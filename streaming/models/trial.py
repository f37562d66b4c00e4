"""The trial of a generation: it is loaded, held against the contract, warmed and asked its golden examples."""

from __future__ import annotations

import logging

from streaming.contract import misfits
from streaming.errors import JobError, PermanentError, one_line
from streaming.models.golden import misses
from streaming.models.saved_model import SavedModel
from streaming.savedmodel.generations import Generation, fingerprint
from streaming.savedmodel.signatures import read_signatures
from streaming.wiring import ModelPlan

_LOG = logging.getLogger(__name__)


def place(plan: ModelPlan) -> str:
    """The key of the job file that names where the model lies."""
    return f"models.{plan.name}.path"


def load(plan: ModelPlan, generation: Generation) -> SavedModel:
    """The generation, ready to serve.

    Raises:
        PermanentError: it is not to be served, and why.
    """
    try:
        _examine_files(plan, generation)
        model = SavedModel(plan, generation.directory, generation.version)
        _examine_answers(plan, generation, model)
    except JobError as error:
        raise PermanentError(one_line(error)) from error
    except Exception as error:  # a SavedModel may be wrong in ways that nobody has thought of, and is not served then
        wrong = f"{generation.directory} cannot be loaded: {type(error).__name__}: {one_line(error)}"
        raise PermanentError(f"{place(plan)}: {wrong}; export the model again") from error
    return model


def _examine_files(plan: ModelPlan, generation: Generation) -> None:
    """Refuse what can be seen to be wrong before the SavedModel is loaded: for that may run code."""
    directory, wanted = generation.directory, generation.fingerprint
    if wanted is not None and (found := fingerprint(directory, place(plan))) != wanted:
        wrong = f"{directory} has the fingerprint {found}, not {wanted} as the manifest says"
        raise PermanentError(f"{place(plan)}: {wrong}; upload that one, or correct the manifest")
    reasons = misfits(plan, read_signatures(directory, place(plan)))
    if reasons:
        remedy = "export a model that fits, or change the job file and start the job anew"
        raise PermanentError(f"{place(plan)}: {directory} does not fit the job: {'; '.join(reasons)}; {remedy}")


def _examine_answers(plan: ModelPlan, generation: Generation, model: SavedModel) -> None:
    refusal = model.warm()
    if refusal is not None:
        # A model may well refuse an example of zeros; then the first batch warms it.
        _LOG.info("model %s is not warmed up: %s", plan.name, refusal)
    missed = misses(model, plan, generation)
    if missed:
        remedy = "export the model again, or correct its manifest"
        raise PermanentError(f"{place(plan)}: {generation.directory}: {'; '.join(missed)}; {remedy}")
