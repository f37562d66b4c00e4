"""The job file: what the job does, typed and frozen, every mistake named with its path.

`python -m streaming.job` prints the JSON schema of a job file, which editors use to complete one.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
import sys
from collections.abc import Hashable
from typing import Any, Literal

import yaml
from pydantic import Field, PrivateAttr, ValidationError, model_validator
from pydantic_core import ErrorDetails

from streaming.durations import Duration, parse_duration
from streaming.errors import Mistakes
from streaming.files import read_file
from streaming.job_models import Model
from streaming.job_parts import Feature, FeatureName, ModelName, Part, Reference, Shorthand


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
    models: dict[ModelName, Model] = Field(min_length=1, description="the models by name, in any order")

    _hash: str = PrivateAttr("")

    @property
    def hash(self) -> str:
        """What tells this job file from any other: the first 16 hexadecimal digits of its text's SHA-256."""
        return self._hash


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
        raise Mistakes(_lines(error, document)) from error
    job._hash = hashlib.sha256(text.encode()).hexdigest()[:16]
    return _resolved(job, path)


def json_schema() -> str:
    """The JSON schema of a job file, as it stands in `job.schema.json`."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Job.model_json_schema()}
    return json.dumps(schema, indent=2) + "\n"


def _resolved(job: Job, path: str) -> Job:
    message = job.message.model_copy(update={"schema_path": _beside(path, job.message.schema_path)})
    models = {
        name: model.model_copy(update={"path": model.path and _beside(path, model.path)})
        for name, model in job.models.items()
    }
    return job.model_copy(update={"message": message, "models": models})


def _beside(path: str, other: str) -> str:
    """Where `other` lies, if a relative path in it starts at the directory of `path`."""
    if "://" in other or posixpath.isabs(other):
        return other
    scheme, separator, place = path.rpartition("://")
    return scheme + separator + posixpath.normpath(posixpath.join(posixpath.dirname(place), other))


_WRONG = {
    "bool_type": "write true or false, not {input!r}",
    "dict_type": "write a mapping, as in {{name: value}}, not {input!r}",
    "extra_forbidden": "unknown key; remove it or mend its spelling",
    "finite_number": "write a finite number, not {input!r}",
    "float_type": "write a number, not {input!r}",
    "greater_than": "write more than {ctx[gt]:g}, not {input!r}",
    "greater_than_equal": "write {ctx[ge]} or more, not {input!r}",
    "int_type": "write a whole number, not {input!r}",
    "invalid_key": "unknown key; remove it or mend its spelling",
    "literal_error": "write {ctx[expected]}, not {input!r}",
    "missing": "missing; add it",
    "model_type": "write a mapping, as in {{name: value}}, not {input!r}",
    "string_pattern_mismatch": "{input!r} is no name; use letters, digits and _, not starting with a digit",
    "string_too_short": "empty; fill it in",
    "string_type": "write a text, in quotes where YAML takes it for something else, not {input!r}",
    "too_short": "write at least {ctx[min_length]} of them, not {ctx[actual_length]}",
    "tuple_type": "write a list, as in [one, another], not {input!r}",
    "value_error": "{ctx[error]}",
}
"""What is said of a mistake, by pydantic's name for it."""


def _lines(error: ValidationError, document: object) -> list[str]:
    details = error.errors(include_url=False)
    return [f"{_place(each, document)}: {_wrong(each)}" for each in details if not _follows(each, details)]


def _follows(detail: ErrorDetails, details: list[ErrorDetails]) -> bool:
    """Whether a list is too short only because items of it are wrong themselves."""
    loc = detail["loc"]
    inside = (each["loc"] for each in details if len(each["loc"]) > len(loc))
    return detail["type"] == "too_short" and any(other[: len(loc)] == loc for other in inside)


def _place(detail: ErrorDetails, document: object) -> str:
    """The path of the key as the file has it, where shorthands have no keys, and an only item no list."""
    place = []
    for key in detail["loc"][:-2] if _of_key(detail) else detail["loc"]:
        inside = dict(enumerate(document)) if isinstance(document, list) else document
        if isinstance(inside, dict) and (isinstance(key, str) or key in inside):
            place.append(str(key))
            document = inside.get(key)
    return ".".join(place) or "job file"


def _of_key(detail: ErrorDetails) -> bool:
    """Whether a key of a mapping is wrong, not its value."""
    return detail["loc"][-1:] == ("[key]",)


def _wrong(detail: ErrorDetails) -> str:
    if _of_key(detail) and detail["type"] != "string_pattern_mismatch":
        return f"{detail['input']!r} is no name; write a text, in quotes where YAML takes it for something else"
    if (detail["type"] != "missing" and detail["input"] is None) or detail.get("ctx", {}).get("actual_length") == 0:
        return "empty; fill it in"
    return _WRONG.get(detail["type"], "{msg}; mend it").format_map(detail)


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
