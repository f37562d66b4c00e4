"""The job file: what the job does, typed and frozen, every mistake named with its path.

`python -m streaming.job` prints the JSON schema of a job file, which editors use to complete one.
"""

from __future__ import annotations

import json
import posixpath
import sys
from collections.abc import Hashable
from typing import Annotated, Any, Literal

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, ErrorDetails

from streaming.durations import Duration, parse_duration
from streaming.errors import Mistakes
from streaming.files import read_file

ModelName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,99}$")]
COLUMN_NAME = r"^[A-Za-z_][A-Za-z0-9_]{0,299}$"
ColumnName = Annotated[str, StringConstraints(pattern=COLUMN_NAME)]
FeatureName = Annotated[str, StringConstraints(min_length=1)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class _Shorthand(_Part):
    """A mapping that may also be written as one text, which then is its field."""

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        return {"field": value} if isinstance(value, str) else value

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        schema = handler.resolve_ref_schema(handler(core))
        return {"anyOf": [{"type": "string", "minLength": 1}, schema]}


class Reference(_Shorthand):
    """Where a text of the envelope comes from: a field of the message, or one of its attributes."""

    field: str | None = Field(None, min_length=1, description="field of the message schema")
    attribute: str | None = Field(None, min_length=1, description="attribute of the Pub/Sub message")

    @model_validator(mode="after")
    def _one_of_both(self) -> Reference:
        if (self.field is None) == (self.attribute is None):
            raise ValueError("name a field, or write {attribute: NAME}")
        return self


class EventTime(_Shorthand):
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


class Message(_Part):
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


class Window(_Part):
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


class Feature(_Shorthand):
    """Where a feature of the `tf.Example` comes from."""

    field: str = Field(min_length=1, description="a field of the message, or MODEL.COLUMN: an earlier model's output")
    default: bool | int | float | str | None = Field(
        None, description="the value where the field is null; without it the feature is missing there"
    )

    @field_validator("default", mode="before")
    @classmethod
    def _scalar(cls, value: Any) -> Any:
        if value is None or isinstance(value, bool | int | float | str):
            return value
        raise ValueError(f"{value!r} is no number, text or boolean")


class Model(_Part):
    """A TensorFlow SavedModel and how it is wired."""

    path: str = Field(min_length=1, description="SavedModel directory, local or gs://, relative to this file")
    signature: str = Field(
        "serving_default", min_length=1, description="the signature to call; it takes serialized tf.Examples"
    )
    features: dict[FeatureName, Feature] | None = Field(
        None, min_length=1, description="this model's tf.Example; without it the job's features"
    )
    outputs: dict[str, ColumnName] | None = Field(
        None,
        min_length=1,
        description="signature output: column of the table; without it every output under its own name",
    )


class Job(_Part):
    """What the job does. The parameters say where."""

    message: Message
    window: Window
    features: dict[FeatureName, Feature] | None = Field(
        None,
        min_length=1,
        description="the tf.Example, feature: field; without it every scalar field under its own name",
    )
    models: dict[ModelName, Model] = Field(min_length=1, description="the models by name, in any order")


def load_job(path: str) -> Job:
    """The job file at `path` (local or gs://), with its own relative paths resolved against it.

    Raises:
        Mistakes: it cannot be read, is not YAML, or says something that no job can do; every mistake is named.
    """
    return parse_job(read_file(path, "job_file").decode("utf-8", errors="replace"), path)


def parse_job(text: str, path: str) -> Job:
    """As `load_job`, from the file's text; `path` is where it lies."""
    try:
        document = yaml.load(text, Loader=_UniqueKeys)  # noqa: S506 - it is a SafeLoader
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise Mistakes([f"{path}, line {line}: not YAML: {error.problem}"]) from error
    except (yaml.YAMLError, RecursionError) as error:
        raise Mistakes([f"{path}: not YAML: {' '.join(str(error).split())}"]) from error
    if not isinstance(document, dict):
        raise Mistakes([f"{path}: a job file is a mapping with message, window and models"])
    try:
        job = Job.model_validate(document)
    except ValidationError as error:
        raise Mistakes(_lines(error)) from error
    return _resolved(job, path)


def json_schema() -> str:
    """The JSON schema of a job file, as it stands in `job.schema.json`."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Job.model_json_schema()}
    return json.dumps(schema, indent=2) + "\n"


def _resolved(job: Job, path: str) -> Job:
    message = job.message.model_copy(update={"schema_path": _beside(path, job.message.schema_path)})
    models = {name: model.model_copy(update={"path": _beside(path, model.path)}) for name, model in job.models.items()}
    return job.model_copy(update={"message": message, "models": models})


def _beside(path: str, other: str) -> str:
    """Where `other` lies, if a relative path in it starts at the directory of `path`."""
    if "://" in other or posixpath.isabs(other):
        return other
    scheme, separator, place = path.rpartition("://")
    return scheme + separator + posixpath.normpath(posixpath.join(posixpath.dirname(place), other))


def _lines(error: ValidationError) -> list[str]:
    return [f"{_place(detail)}: {_wrong(detail)}" for detail in error.errors(include_url=False)]


def _place(detail: ErrorDetails) -> str:
    place = detail["loc"][:-2] if _of_key(detail) else detail["loc"]
    return ".".join(str(part) for part in place) or "job file"


def _of_key(detail: ErrorDetails) -> bool:
    """Whether a key of a mapping is wrong, not its value."""
    return detail["loc"][-1:] == ("[key]",)


def _wrong(detail: ErrorDetails) -> str:
    kind, message = detail["type"], detail["msg"]
    if kind in ("extra_forbidden", "invalid_key"):
        return "unknown key; remove it or mend its spelling"
    if kind == "missing":
        return "missing; add it"
    if kind == "string_pattern_mismatch":
        return f"{detail['input']!r} is no name; use letters, digits and _, not starting with a digit"
    if _of_key(detail):
        return f"{detail['input']!r} is no name; write a text, in quotes where YAML takes it for something else"
    if kind == "value_error":
        return str(detail["ctx"]["error"])
    if kind in ("too_short", "string_too_short"):
        return "empty; fill it in"
    if kind in ("model_type", "dict_type"):
        return f"write a mapping, as in {{name: value}}, not {detail['input']!r}"
    return f"{message[0].lower()}{message[1:]}, not {detail['input']!r}"


class _UniqueKeys(yaml.SafeLoader):
    """YAML's safe loader, which also refuses a key that stands twice in one mapping."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set()
        for key_node in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            key = key_node.value
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} stands twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


if __name__ == "__main__":
    sys.stdout.write(json_schema())
