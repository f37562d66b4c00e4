"""The models of a job file: what is called, which rows it takes, what becomes of its outputs."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, StringConstraints, field_validator, model_validator

from streaming.durations import Duration
from streaming.job_parts import ColumnName, Feature, FeatureName, OneOrMore, Part, Shorthand


def _is_number(value: Any) -> bool:
    """Whether it can be compared with others, as NaN cannot."""
    return (isinstance(value, int) and not isinstance(value, bool)) or (
        isinstance(value, float) and not math.isnan(value)
    )


def _number(value: Any) -> Any:
    if not _is_number(value):
        raise ValueError(exponent_remedy(value) or f"write a number, not {value!r}")
    return value


def exponent_remedy(value: object) -> str | None:
    """How to write a number that YAML takes for a text, as it does where the point or the exponent's sign is missing.

    Args:
        value: as YAML has read it.

    Returns:
        The remedy; None where `value` is no such text.
    """
    match = _EXPONENT.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return None
    if math.isinf(float(match[0])):
        return f"write a number that 64 bits hold, not {value!r}"
    mantissa, exponent = match[1], match[2]
    mantissa += "" if "." in mantissa else ".0"
    exponent = exponent if exponent.startswith(("+", "-")) else f"+{exponent}"
    return f"write {mantissa}e{exponent} (YAML takes {value} for a text)"


def _scalar(value: Any) -> Any:
    if not (_is_number(value) or isinstance(value, bool | str)):
        raise ValueError(f"write a number, a text or a boolean, not {value!r}")
    return value


Number = Annotated[int | float, BeforeValidator(_number)]
Scalar = Annotated[bool | int | float | str, BeforeValidator(_scalar)]
T = TypeVar("T")
_Listed = Annotated[tuple[T, ...], Field(strict=False, min_length=1)]
_Members = Annotated[tuple[str, ...], Field(strict=False, min_length=2)]
_Weight = Annotated[float, Field(gt=0, allow_inf_nan=False), BeforeValidator(_number)]
_Name = Annotated[str, StringConstraints(min_length=1)]
_ENDPOINT = re.compile(r"projects/[^/]+/locations/[^/]+/endpoints/[^/]+")
_URL = re.compile(r"https?://[^/?#\s]+/[^?#\s]*[^/?#\s]")
_METHODS_OF_URLS = (":predict", ":classify", ":regress")
_EXPONENT = re.compile(r"([-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+))[eE]([-+]?[0-9]+)")


def _check_one_of(said: Sequence[str], choice: Sequence[str]) -> None:
    if len(said) != 1:
        raise ValueError(f"say one of {', '.join(choice)}" + (f", not {' and '.join(said)}" if said else ""))


def _has_port(url: str) -> bool:
    """Whether the port is one that there can be; a URL without one has its scheme's."""
    try:
        return urlsplit(url).port != 0
    except ValueError:  # no number, above 65535, or brackets that hold no address
        return False


class Condition(Part):
    """A test of a field, an earlier output or an attribute. All that it says must hold; a null never passes."""

    field: str | None = Field(
        None, min_length=1, description="a field of the message, or MODEL.COLUMN: an earlier model's output"
    )
    attribute: str | None = Field(None, min_length=1, description="attribute of the Pub/Sub message: a text")
    equals: Scalar | None = Field(None, description="the row's value is this one")
    in_: _Listed[Scalar] | None = Field(None, alias="in", description="the row's value is one of these")
    above: Number | None = Field(None, description="the row's value is greater")
    below: Number | None = Field(None, description="the row's value is less")

    @field_validator("equals", "in_", "above", "below", mode="before")
    @classmethod
    def _no_null(cls, value: Any) -> Any:
        if value is None:
            raise ValueError("a null never passes; write a value")
        return value

    @model_validator(mode="after")
    def _whole(self) -> Condition:
        if (self.field is None) == (self.attribute is None):
            raise ValueError("name one thing to test, a field or an attribute")
        if self.equals is not None and self.in_ is not None:
            raise ValueError("equals and in say the same thing; keep one")
        if self.equals is None and self.in_ is None and self.above is None and self.below is None:
            raise ValueError("say what the value must be: equals, in, above or below")
        return self


class Ensemble(Part):
    """One answer made of earlier models' answers. Exactly one of the methods; members are MODEL.COLUMN."""

    mean: _Members | None = Field(None, description="of numbers, or vectors of them")
    weighted_mean: dict[str, _Weight] | None = Field(
        None, min_length=2, description="member: weight, for numbers or vectors of them"
    )
    max: _Members | None = Field(None, description="of numbers, or vectors of them")
    majority_vote: _Members | None = Field(
        None,
        description="of texts, whole numbers or booleans; of equally many votes those of the member named first win",
    )
    at_least: int | None = Field(
        None, ge=1, description="how many members must have answered; without it all, and a row with fewer is skipped"
    )

    @model_validator(mode="after")
    def _one_method(self) -> Ensemble:
        said = [name for name in ENSEMBLE_METHODS if getattr(self, name) is not None]
        _check_one_of(said, ENSEMBLE_METHODS)
        if len(set(self.members)) != len(self.members):
            raise ValueError("a member is named twice; weigh it instead, by weighted_mean")
        if self.at_least is not None and self.at_least > len(self.members):
            raise ValueError(f"at_least {self.at_least} of {len(self.members)} members can never be; lower it")
        return self

    @property
    def method(self) -> str:
        """Which of `ENSEMBLE_METHODS` it is; also the name of its only output."""
        return next(name for name in ENSEMBLE_METHODS if getattr(self, name) is not None)

    @property
    def members(self) -> tuple[str, ...]:
        """The members, MODEL.COLUMN each, in the file's order."""
        return tuple(getattr(self, self.method))


ENSEMBLE_METHODS = ("mean", "weighted_mean", "max", "majority_vote")


class ModelOutput(Shorthand):
    """The column that an output fills. A remote model's outputs have no signature that would tell their types."""

    column: ColumnName = Field(description="column of the table")
    type: Literal["FLOAT64", "INT64", "STRING", "BOOL"] | None = Field(
        None, description="for a remote model, FLOAT64 without it; else what the signature says"
    )
    repeated: bool | None = Field(None, description="for a remote model: whether the output is a vector for each row")

    @classmethod
    def text_key(cls) -> str:
        return "column"


class Model(Part):
    """A model and how it is wired. It has one of `path`, `url`, `endpoint` and `ensemble`."""

    path: str | None = Field(
        None,
        min_length=1,
        description="SavedModel, directory of versions (1/, 2/, ...) or directory with a manifest.json; "
        "local or gs://, relative to this file",
    )
    url: str | None = Field(
        None, description="a model on TensorFlow Serving's REST API, as in http://HOST:8501/v1/models/NAME"
    )
    endpoint: str | None = Field(None, description="a Vertex AI endpoint: projects/P/locations/L/endpoints/E")
    ensemble: Ensemble | None = Field(None, description="no model of its own, but earlier models' answers made one")
    signature: Annotated[_Listed[_Name], OneOrMore()] = Field(
        ("serving_default",),
        description="the signature to call, or a list of several to call in one pass",
    )
    inputs: Literal["examples", "tensors", "vectors"] | None = Field(
        None,
        description="examples: serialized tf.Examples; tensors: one for each feature; vectors: as tensors, with each "
        "number as a vector of one, which remote Keras models want; "
        "without it what the signature shows, and tensors for a remote model",
    )
    features: dict[FeatureName, Feature] | None = Field(
        None, min_length=1, description="this model's features or input tensors; without it the job's features"
    )
    outputs: dict[str, ModelOutput] | None = Field(
        None,
        min_length=1,
        description="output: column of the table, and SIGNATURE.OUTPUT of several signatures; "
        "without it every output under its own name",
    )
    when: Annotated[_Listed[Condition], OneOrMore()] | None = Field(
        None, description="it takes only rows for which this holds, or all of a list"
    )
    otherwise: Literal[True] | None = Field(None, description="it takes the rows that no model with a `when` takes")
    timeout: Duration | None = Field(None, description="how long one call may last, as in 10s; without it any time")
    batch_size: int | None = Field(None, ge=1, description="most rows of one call; without it the whole batch")
    watch: Duration | None = Field(
        None, description="a new generation at `path` is taken up within this time; without it never"
    )

    @field_validator("signature")
    @classmethod
    def _each_once(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(value)) < len(value):
            raise ValueError("a signature is named twice; name it once")
        return value

    @field_validator("otherwise", mode="before")
    @classmethod
    def _true(cls, value: Any) -> Any:
        if value is not None and value is not True:
            raise ValueError("write true, or remove it")
        return value

    @field_validator("url")
    @classmethod
    def _is_url(cls, value: str | None) -> str | None:
        if value is not None and not (_URL.fullmatch(value) and _has_port(value)):
            raise ValueError(f"{value!r} is no URL of a model; write http://HOST:8501/v1/models/NAME")
        if value is not None and value.endswith(_METHODS_OF_URLS):
            raise ValueError(f"{value!r} names a method; write the URL of the model alone, {value.rpartition(':')[0]}")
        return value

    @field_validator("endpoint")
    @classmethod
    def _is_endpoint(cls, value: str | None) -> str | None:
        if value is not None and not _ENDPOINT.fullmatch(value):
            raise ValueError(f"{value!r} is no endpoint; write projects/P/locations/L/endpoints/E")
        return value

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Model:
        kinds = [kind for kind in _KINDS if getattr(self, kind) is not None]
        _check_one_of(kinds, _KINDS)
        for key in sorted(self.model_fields_set & _FOREIGN[kinds[0]]):
            if getattr(self, key) is not None:
                raise ValueError(f"{key} means nothing beside {kinds[0]}; remove it")
        if self.when is not None and self.otherwise:
            raise ValueError("otherwise takes what no `when` takes; keep one of them")
        if self.path is not None and self.inputs == "vectors":
            raise ValueError("vectors are for remote models, and a SavedModel shows its shapes; write inputs: tensors")
        return self

    @model_validator(mode="after")
    def _tells_what_cannot_be_seen(self) -> Model:
        if self.url is None and self.endpoint is None:
            return self
        if self.outputs is None:
            raise ValueError("the outputs of a remote model are not known here; list them under outputs")
        if len(self.signature) > 1:
            raise ValueError("a remote model is called by one signature; keep one of them")
        return self

    @property
    def kind(self) -> str:
        """Which of path, url, endpoint and ensemble it has."""
        return next(kind for kind in _KINDS if getattr(self, kind) is not None)


_KINDS = ("path", "url", "endpoint", "ensemble")
_FOREIGN = {
    "path": frozenset[str](),
    "url": frozenset({"watch"}),
    "endpoint": frozenset({"watch", "signature"}),  # Vertex AI has no word for it
    "ensemble": frozenset({"signature", "inputs", "features", "timeout", "batch_size", "watch"}),
}
"""Which keys go with which kind of model."""
