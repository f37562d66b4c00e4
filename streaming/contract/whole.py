"""The contract of a job: from its file to the plan of each model."""

from __future__ import annotations

from dataclasses import replace

from streaming.contract.calls import Called, read_call
from streaming.contract.carried import carried
from streaming.contract.ensembles import ensemble_call
from streaming.contract.features import Given, given_features
from streaming.contract.findings import Findings
from streaming.contract.message import check_message
from streaming.contract.outputs import wired_outputs
from streaming.contract.routes import graph_order
from streaming.contract.selections import check_reach, selections
from streaming.contract.sources import EarlierOutputs, Sources
from streaming.errors import Mistakes
from streaming.job import Job
from streaming.job_models import Model
from streaming.schema import load_schema
from streaming.wiring import Contract, EnsembleCall, ModelPlan, Output, RemoteCall, SavedModelCall, Selection


def check(job: Job) -> Contract:
    """The contract of `job`.

    Raises:
        Mistakes: something does not fit; each line begins with the path of the key in the job file.
    """
    found = Findings()
    schema = found.tried(lambda: load_schema(job.message.schema_path))
    read = {name: read_call(found, name, model) for name, model in job.models.items()}
    calls = {name: call for name, call in read.items() if call is not None}
    order = graph_order(found, job.models)
    outputs = wired_outputs(found, job.models, order, calls)
    if schema is None:
        raise Mistakes(found.lines)
    sources = Sources(found, schema, EarlierOutputs(found, job.models, outputs))
    check_message(found, sources, job.message)
    given = given_features(found, sources, job, calls)
    takes = selections(found, sources, job.models)
    check_reach(found, job.models, order, takes)
    carries = carried(found, sources, job.columns or {}, outputs)
    if found.lines:
        raise Mistakes(found.lines)
    plans = tuple(
        replace(
            _plan(name, job.models[name], calls.get(name), given.get(name), outputs[name], takes[name]), carries=carries
        )
        for name in order
    )
    shared = next((plan.features for plan in plans if plan.shares_examples), ())
    return Contract(job.message, schema, job.window.fixed, shared, plans, job.hash)


def _plan(
    name: str, model: Model, called: Called | None, given: Given | None, outputs: tuple[Output, ...], takes: Selection
) -> ModelPlan:
    examples = model.inputs == "examples" if called is None else called.inputs is None
    return ModelPlan(
        name=name,
        call=_call(model, called),
        outputs=outputs,
        features=() if given is None else given.taken_by(called),
        shares_examples=given is not None and not given.own and examples,
        takes=takes,
        timeout=model.timeout,
        batch_size=model.batch_size,
    )


def _call(model: Model, called: Called | None) -> SavedModelCall | RemoteCall | EnsembleCall:
    if model.ensemble is not None:
        return ensemble_call(model.ensemble)
    if model.path is not None and called is not None:
        return SavedModelCall(model.path, model.signature, called.tensors, model.watch)
    return RemoteCall(
        address=str(model.url or model.endpoint),
        signature=model.signature[0],
        tensors=model.inputs != "examples",
        vectors=model.inputs == "vectors",
    )
