"""The job file: what the job does, typed and frozen, every mistake named with its path.

`python -m streaming.job` prints the JSON schema of a job file, which editors use to complete one.
"""

from __future__ import annotations

import hashlib
import json
import sys
from datetime import timedelta
from typing import Any, Literal

from pydantic import Field, PrivateAttr, model_validator
from pydantic.json_schema import GenerateJsonSchema

from streaming.durations import Duration, parse_duration, show_duration
from streaming.files import read_file
from streaming.job_mistakes import validated
from streaming.job_models import Model
from streaming.job_parts import ColumnName, Feature, FeatureName, FieldName, ModelName, Part, Reference, Shorthand
from streaming.yaml_documents import beside, parse_document


class EventTime(Shorthand):
    """When the event happened: `publish_time` (the default), a field, or an attribute.

    A plain number field needs its `unit`. An attribute is an RFC 3339 text, or milliseconds since 1970.
    """

    field: str | None = Field(None, min_length=1, description="field of the message schema, or publish_time")
    attribute: str | None = Field(None, min_length=1, description="attribute: RFC 3339, or milliseconds since 1970")
    unit: Literal["s", "ms", "us"] | None = Field(None, description="unit of a field that is a plain number")
    max_past: Duration = Field(parse_duration("365d"), description="how long before its publish time an event may lie")
    max_future: Duration = Field(parse_duration("1d"), description="how long after its publish time an event may lie")

    @model_validator(mode="before")
    @classmethod
    def _publish_time(cls, value: Any) -> Any:
        return {} if value == "publish_time" else value

    @model_validator(mode="after")
    def _at_most_one(self) -> EventTime:
        if self.field is not None and self.attribute is not None:
            raise ValueError("name a field or an attribute, not both")
        if self.unit is not None and self.field is None:
            raise ValueError("a unit goes with a field")
        return self


class Message(Part):
    """How the payload is encoded and what identifies it."""

    format: Literal["avro", "json"] = Field(
        description="avro: Avro binary (Avro JSON on a schema topic of encoding JSON); json: plain JSON"
    )
    schema_path: str = Field(
        alias="schema",
        min_length=1,
        description="Avro schema (.avsc), relative to this file; the type contract of both encodings",
    )
    key: Reference = Field(description="the key of the message: a field, or {attribute: NAME}")
    id: Reference | None = Field(None, description="what identifies a message; without it the Pub/Sub message id")
    event_time: EventTime = Field(EventTime(), description="publish_time (the default), a field, or {attribute: NAME}")


class Window(Part):
    """The event-time window of each prediction."""

    fixed: Duration = Field(description="length of the fixed windows, as in 60s")

    @model_validator(mode="before")
    @classmethod
    def _only_fixed(cls, value: Any) -> Any:
        for kind in ("sliding", "session", "sessions"):
            if isinstance(value, dict) and kind in value:
                raise ValueError(
                    f"{kind} windows mean something only for features aggregated per key, "
                    "which this job does not have; write {fixed: 60s}"
                )
        return value


class Job(Part):
    """What the job does. The parameters say where."""

    message: Message
    window: Window
    features: dict[FeatureName, Feature] | None = Field(
        None,
        min_length=1,
        description="the tf.Example, feature: field; without it every scalar field under its own name",
    )
    columns: dict[ColumnName, FieldName] | None = Field(
        None,
        min_length=1,
        description="column: field of the message, which each row of predictions carries, NaN as NULL; without it none",
    )
    models: dict[ModelName, Model] = Field(min_length=1, description="the models by name, in any order")

    _hash: str = PrivateAttr("")

    @property
    def hash(self) -> str:
        """What tells this job file from any other: the first 16 hexadecimal digits of its text's SHA-256."""
        return self._hash


def load_job(path: str, place: str | None = None) -> Job:
    """The job file at `path` (local or gs://), with its own relative paths resolved against it.

    Args:
        path: of the file.
        place: the flag or key that names the file; without it `job_file`, the parameter that `run` has. With it every
            mistake in the file begins with the file's path, as the caller reads more files than this one.

    Raises:
        Mistakes: it cannot be read, is not YAML, or says something that no job can do; every mistake is named.
    """
    text = read_file(path, place or "job_file", "correct the path").decode("utf-8", errors="replace")
    return parse_job(text, path, f"{path}: " if place else "")


def parse_job(text: str, path: str, prefix: str = "") -> Job:
    """As `load_job`, from the file's text; `path` is where it lies, and `prefix` goes before the keys of mistakes."""
    document = parse_document(text, path, "a job file is a mapping with message, window and models")
    job = validated(Job, document, prefix)
    job._hash = hashlib.sha256(text.encode()).hexdigest()[:16]
    return _resolved(job, path)


def json_schema() -> str:
    """The JSON schema of a job file, as it stands in `job.schema.json`."""
    described = Job.model_json_schema(schema_generator=_DefaultsAsWritten)
    return json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema", **described}, indent=2) + "\n"


class _DefaultsAsWritten(GenerateJsonSchema):
    """Writes the default of a duration as a job file would, where pydantic writes ISO 8601."""

    def encode_default(self, dft: Any) -> Any:
        return show_duration(dft) if isinstance(dft, timedelta) else super().encode_default(dft)


def _resolved(job: Job, path: str) -> Job:
    message = job.message.model_copy(update={"schema_path": beside(path, job.message.schema_path)})
    models = {
        name: model.model_copy(update={"path": model.path and beside(path, model.path)})
        for name, model in job.models.items()
    }
    return job.model_copy(update={"message": message, "models": models})


if __name__ == "__main__":
    sys.stdout.write(json_schema())
