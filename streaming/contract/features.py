"""The features of the job and of its models, and whether they are what the models take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from streaming.batches import field_column
from streaming.contract.calls import Called
from streaming.contract.findings import Findings, hint
from streaming.contract.sources import Source, Sources
from streaming.features import LARGEST_FLOAT32, feature_type
from streaming.job import Job
from streaming.job_models import exponent_remedy
from streaming.job_parts import Feature
from streaming.wiring import FeatureColumn

JOB = "features"
"""The key of the job's features."""


@dataclass(frozen=True)
class Given:
    """The features that models are given.

    Attributes:
        place: of the key of the job file that declares them, or would.
        names: all of them.
        columns: those that are right themselves, by name.
        declared: whether the job file names them; else every scalar field is one.
    """

    place: str
    names: tuple[str, ...]
    columns: Mapping[str, FeatureColumn]
    declared: bool = True

    @property
    def own(self) -> bool:
        """Whether they are one model's own, not the job's."""
        return self.place != JOB

    def taken_by(self, call: Called | None) -> tuple[FeatureColumn, ...]:
        """Those that a model takes: all that there are, but as tensors those alone that it has an input for."""
        inputs = None if call is None else call.inputs
        return tuple(each for each in self.columns.values() if inputs is None or each.name in inputs)


def given_features(found: Findings, sources: Sources, job: Job, calls: Mapping[str, Called]) -> dict[str, Given]:
    """The features that each model is given, its own or the job's; none for ensembles.

    Args:
        found: gets the mistakes.
        sources: what features can be taken from.
        job: as its file has it.
        calls: what is called of each SavedModel, of those that are right.
    """
    sharing = sharers(job)
    given = dict.fromkeys(sharing, job_features(found, sources, job))
    for name, model in job.models.items():
        if model.features is not None:
            given[name] = _declared(found, sources, f"models.{name}.features", model.features)
    for name, call in calls.items():
        _check_taken(found, name, call, given[name])
    if sharing and given[sharing[0]].declared:
        _check_used(found, [calls.get(name) for name in sharing], given[sharing[0]], "no model takes the feature")
    return given


def sharers(job: Job) -> list[str]:
    """The models that share the job's features: those that take features and have none of their own."""
    return [name for name, model in job.models.items() if model.kind != "ensemble" and model.features is None]


def job_features(found: Findings, sources: Sources, job: Job) -> Given:
    """The job's features: what its file names, or else every scalar field under its own name. No model is looked at."""
    if job.features is not None:
        if not sharers(job):
            found.add(JOB, "no model takes them, each has features of its own; remove them")
        return _declared(found, sources, JOB, job.features)
    scalars = [field for field in sources.schema.fields if not pa.types.is_nested(field.type)]
    if sharers(job) and not scalars:
        found.add(JOB, "the schema has no scalar field to take by itself; name the features")
    columns = {each.name: FeatureColumn(each.name, field_column(each.name), each.type) for each in scalars}
    return Given(JOB, tuple(columns), columns, declared=False)


def _declared(found: Findings, sources: Sources, place: str, features: Mapping[str, Feature]) -> Given:
    columns = [_column(found, sources, f"{place}.{name}", name, feature) for name, feature in features.items()]
    return Given(place, tuple(features), {column.name: column for column in columns if column is not None})


def _check_taken(found: Findings, model: str, call: Called, given: Given) -> None:
    """What a SavedModel takes is given, of the right type; and what it alone is given, it takes."""
    taker = model if call.version is None else f"generation {call.version} of {model}"
    for need in call.needs:
        if need.required and need.name not in given.names:
            found.add(given.place, f"{taker} needs {need.name}, {need}{_remedy(given, need.name)}")
        elif need.name in given.columns and (wrong := need.misfit(given.columns[need.name])):
            found.add(f"{given.place}.{need.name}", f"{taker} {wrong}")
    if given.own:
        _check_used(found, [call], given, f"{taker} takes no feature")


def _check_used(found: Findings, calls: Sequence[Called | None], given: Given, words: str) -> None:
    """One of the calls takes each feature, as far as all of them tell; None is a call that does not."""
    telling = [call for call in calls if call is not None and call.tells]
    taken = {need.name for call in telling for need in call.needs}
    for name in given.names:
        if name not in taken and len(telling) == len(calls):
            found.add(f"{given.place}.{name}", f"{words} {name!r}{hint(name, taken)}")


def _remedy(given: Given, name: str) -> str:
    if given.declared:
        return f"; add {name}: FIELD"
    return f", and no scalar field has this name; name all features here, and {name}: FIELD among them"


def _column(found: Findings, sources: Sources, place: str, name: str, feature: Feature) -> FeatureColumn | None:
    if place.startswith(f"{JOB}.") and sources.is_output(feature.field):
        found.add(place, f"only a model's own features can take {feature.field}; move it to models.NAME.features")
        return None
    source = sources.find(place, feature.field)
    if source is None:
        return None
    if feature.default is not None and (wrong := _wrong_default(source, feature.default)):
        found.add(f"{place}.default", wrong)
    return FeatureColumn(name, source.column, source.type, source.output, feature.default)


def _wrong_default(source: Source, default: bool | float | str) -> str | None:
    if source.output is not None:
        model = source.name.partition(".")[0]
        return f"a row that {model} does not answer is skipped, no default applies; remove it"
    if not _default_fits(source.type, default):
        remedy = _default_remedy(source.type, default)
        return f"{default!r} is no default for {source.name}, which is {source.type}; {remedy}"
    return None


def _default_remedy(values: pa.DataType, default: bool | float | str) -> str:
    if pa.types.is_nested(values):
        return "remove it"
    if pa.types.is_boolean(values):
        return "write true or false"
    wanted = feature_type(values)
    if pa.types.is_floating(wanted):
        return exponent_remedy(default) or f"write a number from -{LARGEST_FLOAT32:.2g} to {LARGEST_FLOAT32:.2g}"
    return "write a whole number of 64 bits" if pa.types.is_integer(wanted) else "write a text, in quotes"


def _default_fits(values: pa.DataType, default: bool | float | str) -> bool:
    if pa.types.is_nested(values):
        return False
    if isinstance(default, bool) or pa.types.is_boolean(values):
        return isinstance(default, bool) and pa.types.is_boolean(values)
    wanted = feature_type(values)
    if pa.types.is_floating(wanted):
        return isinstance(default, int | float) and not abs(default) > LARGEST_FLOAT32
    if pa.types.is_integer(wanted):
        return isinstance(default, int) and -(2**63) <= default < 2**63
    return isinstance(default, str)
