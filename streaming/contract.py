"""The contract: schema, features, model signatures and table, checked end to end before anything is read.

Only files are looked at: the schema, and each model's `saved_model.pb`. Every mistake is found in one run.
"""

from __future__ import annotations

import difflib
import graphlib
import re
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

import pyarrow as pa

from streaming.batches import field_column, model_column
from streaming.errors import Mistakes
from streaming.features import LARGEST_FLOAT32, feature_type
from streaming.job import COLUMN_NAME, Feature, Job, Model, Reference
from streaming.results import FIXED_COLUMNS
from streaming.schema import MessageSchema, load_schema
from streaming.signatures import Signature, TensorSpec, read_signatures
from streaming.windows import check_event_time
from streaming.wiring import Contract, FeatureColumn, ModelPlan, Output

T = TypeVar("T")

_OUTPUT_TYPES: Mapping[str, pa.DataType] = {
    **dict.fromkeys(["float16", "bfloat16", "float32", "float64"], pa.float64()),
    **dict.fromkeys(["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32"], pa.int64()),
    "bool": pa.bool_(),
    "string": pa.string(),
}
_RESERVED = ("_TABLE_", "_FILE_", "_PARTITION", "_ROW_TIMESTAMP", "_CHANGE_", "__ROOT__", "_COLIDENTIFIER")
"""How BigQuery's own columns begin."""


def check(job: Job) -> Contract:
    """The contract of `job`.

    Raises:
        Mistakes: something does not fit; each line begins with the path of the key in the job file.
    """
    mistakes: list[str] = []
    schema = _collected(mistakes, lambda: load_schema(job.message.schema_path))
    found = {name: _signature(mistakes, name, model) for name, model in job.models.items()}
    signatures = {name: each for name, each in found.items() if each is not None}
    outputs = {name: _outputs(mistakes, name, job.models[name], each) for name, each in signatures.items()}
    order = _graph_order(mistakes, job.models)
    _check_columns(mistakes, outputs)
    if schema is None:
        raise Mistakes(mistakes)
    sources = _Sources(schema, job.models, outputs, mistakes)
    _check_message(sources, job)
    features = _job_features(sources, job)
    own = {name: sources.features(f"models.{name}.features", model.features) for name, model in job.models.items()}
    if mistakes:
        raise Mistakes(mistakes)
    models = tuple(
        ModelPlan(
            name=name,
            path=job.models[name].path,
            signature=job.models[name].signature,
            input=next(iter(signatures[name].inputs)),
            outputs=outputs[name],
            features=own[name],
        )
        for name in order
    )
    return Contract(job.message, schema, job.window.fixed, features, models)


def _collected(mistakes: list[str], load: Callable[[], T]) -> T | None:
    try:
        return load()
    except Mistakes as error:
        mistakes += error.lines
        return None


def _signature(mistakes: list[str], name: str, model: Model) -> Signature | None:
    """The signature that the model is called by, where it takes one batch of serialized examples."""
    signatures = _collected(mistakes, lambda: read_signatures(model.path, f"models.{name}.path"))
    if signatures is None:
        return None
    if model.signature not in signatures:
        has = ", ".join(sorted(signatures)) or "none"
        mistakes.append(f"models.{name}.signature: {model.path} has no signature {model.signature!r}; it has {has}")
        return None
    signature = signatures[model.signature]
    takes = list(signature.inputs.values())
    if len(takes) != 1 or takes[0].dtype != "string" or takes[0].shape not in (None, (None,)):
        shown = ", ".join(f"{key}: {_show(spec)}" for key, spec in signature.inputs.items()) or "nothing"
        mistakes.append(
            f"models.{name}.signature: {model.signature} of {model.path} takes {shown}; "
            "export one that takes serialized tf.Examples, a string tensor of shape [None]"
        )
        return None
    return signature


def _outputs(mistakes: list[str], name: str, model: Model, signature: Signature) -> tuple[Output, ...]:
    wanted = model.outputs if model.outputs is not None else {output: output for output in signature.outputs}
    outputs = []
    for output, column in wanted.items():
        place = f"models.{name}.outputs.{output}"
        if output not in signature.outputs:
            hint = _hint(output, signature.outputs)
            mistakes.append(f"{place}: the signature {model.signature} has no such output{hint}")
        elif wrong := _wrong_column(column):
            mistakes.append(f"{place}: {wrong}")
        elif (kind := _output_type(signature.outputs[output])) is None:
            shown = _show(signature.outputs[output])
            mistakes.append(f"{place}: {shown} fits no column; list only the outputs that you want under outputs")
        else:
            outputs.append(Output(output, column, kind))
    return tuple(outputs)


def _wrong_column(column: str) -> str | None:
    if column.lower() in FIXED_COLUMNS:
        return f"the column {column} is one of every table's own; name another"
    if not re.fullmatch(COLUMN_NAME, column):  # an output's own name may be anything
        return f"{column!r} is no column name; name a column under outputs, of letters, digits and _"
    if column.upper().startswith(_RESERVED):
        return f"column names like {column} are BigQuery's own; name another"
    return None


def _output_type(spec: TensorSpec) -> pa.DataType | None:
    """A scalar for shapes [n] and [n, 1] (and unknown ranks, which the call checks), a list for [n, k]."""
    scalar = _OUTPUT_TYPES.get(spec.dtype)
    rows, *rest = (None,) if spec.shape is None else spec.shape or (0,)
    if scalar is None or rows is not None or len(rest) > 1:
        return None
    return pa.list_(scalar) if rest and rest != [1] else scalar


def _graph_order(mistakes: list[str], models: Mapping[str, Model]) -> list[str]:
    """The models, each after those that feed it."""
    feeders = {name: _feeders(model, models) for name, model in models.items()}
    try:
        return list(graphlib.TopologicalSorter(feeders).static_order())
    except graphlib.CycleError as error:
        cycle = " -> ".join(error.args[1])
        mistakes.append(f"models: {cycle} is a cycle; a model takes outputs of earlier models only")
        return []


def _feeders(model: Model, models: Iterable[str]) -> list[str]:
    """The models that feed `model`, in the job file's order: a set's would change the graph from launch to launch."""
    named = {each.field.partition(".")[0] for each in (model.features or {}).values() if "." in each.field}
    return [name for name in models if name in named]


def _check_columns(mistakes: list[str], outputs: Mapping[str, tuple[Output, ...]]) -> None:
    """Two models may fill one column, with one type; BigQuery's column names do not tell cases apart."""
    seen: dict[str, tuple[str, Output]] = {}
    for model, each in outputs.items():
        for output in each:
            first, other = seen.setdefault(output.column.lower(), (model, output))
            place = f"models.{model}.outputs.{output.name}"
            if other is output:
                continue
            if first == model:
                mistakes.append(f"{place}: {other.name} fills the column {other.column} already; name another")
            elif (other.column, other.type) != (output.column, output.type):
                taken = f"{first}'s {other.column} ({other.type})"
                mistakes.append(f"{place}: the column {output.column} ({output.type}) is {taken}; name another")


class _Sources:
    """What features and identities can be taken from: fields of the schema, outputs of the models."""

    def __init__(
        self,
        schema: MessageSchema,
        models: Mapping[str, Model],
        outputs: Mapping[str, tuple[Output, ...]],
        mistakes: list[str],
    ) -> None:
        self.schema = schema
        self.fields = {each.name: each for each in schema.fields}
        self._models = models
        self._outputs = outputs  # those that are right themselves, of the models that can be read
        self._mistakes = mistakes

    def refuse(self, place: str, wrong: str) -> None:
        self._mistakes.append(f"{place}: {wrong}")

    def no_field(self, name: str) -> str:
        if name in self.schema.unusable:
            return f"the field {name} cannot be used: {self.schema.unusable[name]}"
        return f"the schema has no field {name!r}{_hint(name, self.fields)}"

    def features(self, place: str, features: Mapping[str, Feature] | None) -> tuple[FeatureColumn, ...] | None:
        if features is None:
            return None
        columns = [self._feature(f"{place}.{name}", name, feature) for name, feature in features.items()]
        return tuple(column for column in columns if column is not None)

    def _feature(self, place: str, name: str, feature: Feature) -> FeatureColumn | None:
        model, dot, output = feature.field.partition(".")
        if dot:
            column = self._from_model(place, name, model, output, feature)
        elif feature.field in self.fields:
            kind = self.fields[feature.field].type
            column = FeatureColumn(name, field_column(feature.field), kind, None, feature.default)
        else:
            self.refuse(place, self.no_field(feature.field))
            return None
        if column is not None and column.default is not None and not _default_fits(column.type, column.default):
            wrong = f"{column.default!r} is no default for {feature.field}, which is {column.type}"
            self.refuse(f"{place}.default", wrong)
        return column

    def _from_model(self, place: str, name: str, model: str, output: str, feature: Feature) -> FeatureColumn | None:
        if not place.startswith("models."):
            self.refuse(place, f"only a model's own features can take {feature.field}; move it to models.NAME.features")
        elif model not in self._models:
            nested = model in self.schema.unusable
            self.refuse(place, self.no_field(model) if nested else f"no model {model!r}{_hint(model, self._models)}")
        elif model in self._outputs:
            for each in self._outputs[model]:
                if each.column == output:
                    if feature.default is not None:
                        skipped = f"a row that {model} does not answer is skipped, no default applies; remove it"
                        self.refuse(f"{place}.default", skipped)
                    return FeatureColumn(name, model_column(model), each.type, output)
            if output not in (self._models[model].outputs or {}).values():  # else what is wrong with it is known
                columns = [each.column for each in self._outputs[model]]
                self.refuse(place, f"the model {model} fills no column {output!r}{_hint(output, columns)}")
        return None


def _check_message(sources: _Sources, job: Job) -> None:
    _check_identity(sources, "message.key", job.message.key)
    if job.message.id is not None:
        _check_identity(sources, "message.id", job.message.id)
    wrong = check_event_time(job.message.event_time, sources.schema)
    if wrong:
        sources.refuse("message.event_time", wrong)


def _check_identity(sources: _Sources, place: str, reference: Reference) -> None:
    """A key or id is a text, a whole number or a boolean: equal things are then written equally."""
    if reference.field is None:
        return
    field = sources.fields.get(reference.field)
    if field is None:
        sources.refuse(place, sources.no_field(reference.field))
    elif not (pa.types.is_string(field.type) or pa.types.is_integer(field.type) or pa.types.is_boolean(field.type)):
        wrong = f"the field {field.name} is {field.type}; take a string, an enum, a whole number or a boolean"
        sources.refuse(place, wrong)


def _job_features(sources: _Sources, job: Job) -> tuple[FeatureColumn, ...]:
    """The job's `tf.Example`: what is declared, or else every scalar field; nothing where no model takes it."""
    taken = any(model.features is None for model in job.models.values())
    if job.features is not None:
        if not taken:
            sources.refuse("features", "no model takes them, each has features of its own; remove them")
        return sources.features("features", job.features) or ()
    if not taken:
        return ()
    scalars = [field for field in sources.schema.fields if not pa.types.is_nested(field.type)]
    if not scalars:
        sources.refuse("features", "the schema has no scalar field to take by itself; name the features")
    return tuple(FeatureColumn(field.name, field_column(field.name), field.type) for field in scalars)


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


def _hint(name: str, known: Iterable[str]) -> str:
    """What `name` may have been meant to be, or what there is."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1)
    if near:
        return f"; did you mean {near[0]}?"
    return f"; there is {', '.join(names)}" if names else ""


def _show(spec: TensorSpec) -> str:
    if spec.shape is None:
        return f"{spec.dtype} of unknown rank"
    return f"{spec.dtype}[{', '.join('?' if size is None else str(size) for size in spec.shape)}]"
