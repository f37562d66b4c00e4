"""A job as those see it who send to it: read from its file and its schema, without its models and TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from streaming.contract.features import job_features, sharers
from streaming.contract.findings import Findings
from streaming.contract.message import check_message
from streaming.contract.sources import EarlierOutputs, Sources
from streaming.errors import Mistakes
from streaming.job import Job, Message
from streaming.job_models import Model, ModelOutput
from streaming.schema import MessageSchema, load_schema


@dataclass(frozen=True)
class Target:
    """What is known of a job where its models are not at hand.

    Attributes:
        message: how messages are encoded and identified.
        schema: what they hold.
        example_fields: the fields that go into the job's own `tf.Example`; none where no model takes it.
        models: by name, the outputs that the job file lists; None where it takes all that the model has.
        job_hash: tells the job file from any other.
    """

    message: Message
    schema: MessageSchema
    example_fields: frozenset[str]
    models: Mapping[str, tuple[ModelOutput, ...] | None]
    job_hash: str = ""


def target_of(job: Job) -> Target:
    """What `job` is to those who send to it.

    Raises:
        Mistakes: schema, message or the job's features are wrong; each line begins with the path of the key in the job
            file. What only the models tell is not looked at.
    """
    found = Findings()
    schema = found.tried(lambda: load_schema(job.message.schema_path))
    if schema is None:
        raise Mistakes(found.lines)
    sources = Sources(found, schema, EarlierOutputs(found, job.models, {}))
    check_message(found, sources, job.message)
    example_fields = _example_fields(found, sources, job)
    if found.lines:
        raise Mistakes(found.lines)
    outputs = {name: _listed(model) for name, model in job.models.items()}
    return Target(job.message, schema, example_fields, outputs, job.hash)


def _listed(model: Model) -> tuple[ModelOutput, ...] | None:
    return None if model.outputs is None else tuple(model.outputs.values())


def _example_fields(found: Findings, sources: Sources, job: Job) -> frozenset[str]:
    given = job_features(found, sources, job)
    if not any(_takes_examples(job.models[name]) for name in sharers(job)):
        return frozenset()
    return frozenset(given.names if job.features is None else (each.field for each in job.features.values()))


def _takes_examples(model: Model) -> bool:
    """Whether it takes `tf.Example`s. A SavedModel is taken to, unless the job file says `inputs: tensors`."""
    return model.inputs == "examples" or (model.inputs is None and model.path is not None)
