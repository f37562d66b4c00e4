"""The nouns of a checked job: what each model takes, how it is called, which output fills which column.

`contract.py` makes them from a job file; the steps work from them. Only Arrow types and plain values.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import pyarrow as pa

from streaming.batches import model_column
from streaming.job import Message
from streaming.schema import MessageSchema


@dataclass(frozen=True)
class FeatureColumn:
    """A feature of a `tf.Example`, or an input tensor, and the column that fills it.

    `column` is a column of the batch; `output` the struct child in it, where an earlier model fills the feature.
    `type` is the type of the values: a scalar's, or a list's. Nulls become `default`, or a missing feature.
    """

    name: str
    column: str
    type: pa.DataType
    output: str | None = None
    default: bool | int | float | str | None = None


@dataclass(frozen=True)
class Output:
    """An output of a model and the column it fills. `type` is a scalar's type, or a list's (REPEATED).

    `name` is the signature's name for it; `SIGNATURE.OUTPUT` where the model has several signatures, and the method's
    name for an ensemble.
    """

    name: str
    column: str
    type: pa.DataType


@dataclass(frozen=True)
class Carried:
    """A column of the table that a field fills: each row of predictions carries what the message said.

    `column` is the table's, `field` the batch's. `type` is the table column's.
    """

    column: str
    field: str
    type: pa.DataType


@dataclass(frozen=True)
class Condition:
    """A test of a column; all that is given must hold, and a null never passes.

    Attributes:
        column: of the batch; `attributes` for an attribute of the message.
        output: the struct child in it, where the column is an earlier model's.
        attribute: the attribute's name, where the column is `attributes`.
        one_of: the row's value is among these, of the column's type.
        above: the row's value is greater.
        below: the row's value is less.
    """

    column: str
    output: str | None = None
    attribute: str | None = None
    one_of: tuple[bool | int | float | str, ...] | None = None
    above: float | None = None
    below: float | None = None


@dataclass(frozen=True)
class Selection:
    """Which rows a model takes; every row, if nothing is said.

    Attributes:
        fed_by: columns of the earlier models that must have answered the row.
        at_least: how many of them must have; None for all.
        conditions: must all hold.
        unless: a row that any of these takes is not taken (`otherwise`).
    """

    fed_by: tuple[str, ...] = ()
    at_least: int | None = None
    conditions: tuple[Condition, ...] = ()
    unless: tuple[Selection, ...] = ()

    @property
    def all_conditions(self) -> tuple[Condition, ...]:
        """The conditions, and those of the selections that it excludes."""
        return (*self.conditions, *(each for other in self.unless for each in other.all_conditions))


@dataclass(frozen=True)
class Tensor:
    """An input tensor that a model takes as it is: of shape [n], or [n, size].

    Attributes:
        name: the signature's name for it; the feature of the same name fills it.
        dtype: TensorFlow's name for the type, as in `float32`.
        size: of the second dimension; None where there is none.
    """

    name: str
    dtype: str
    size: int | None = None


@dataclass(frozen=True)
class SavedModelCall:
    """A SavedModel in this process.

    Attributes:
        path: what the job file names: a SavedModel, a directory of versions, or one with a manifest.
        signatures: to call, one or several in one pass.
        tensors: what it takes; None for serialized `tf.Example`s.
        watch: how soon a new generation is taken up; None for never.
    """

    path: str
    signatures: tuple[str, ...] = ("serving_default",)
    tensors: tuple[Tensor, ...] | None = None
    watch: timedelta | None = None


@dataclass(frozen=True)
class RemoteCall:
    """A model behind a network.

    Attributes:
        address: the URL of a model on TensorFlow Serving, or a Vertex AI endpoint `projects/P/locations/L/endpoints/E`.
        signature: to call.
        tensors: whether an instance names a value for each feature; else it is a serialized `tf.Example`.
        vectors: whether a scalar is sent as a vector of one, for tensors of shape [n, 1] as Keras has them.
    """

    address: str
    signature: str = "serving_default"
    tensors: bool = True
    vectors: bool = False


@dataclass(frozen=True)
class Member:
    """An earlier model's output that votes in an ensemble: a batch's column and the struct child in it."""

    column: str
    output: str
    weight: float = 1.0


@dataclass(frozen=True)
class EnsembleCall:
    """Earlier models' answers made one.

    Attributes:
        method: mean, weighted_mean, max or majority_vote.
        members: at least two.
    """

    method: str
    members: tuple[Member, ...]


@dataclass(frozen=True)
class ModelPlan:
    """A model: what it takes, how it is called, what its outputs fill.

    Attributes:
        name: the job file's.
        call: what is called.
        outputs: the outputs that fill columns; at least one.
        features: of its `tf.Example`, or its input tensors; none for an ensemble.
        shares_examples: whether it takes the column `example`, which ToExamples has made of the same features.
        takes: which rows.
        timeout: how long one call may last; None for any time.
        batch_size: most rows of one call; None for the whole batch.
        carries: what its rows say of the message itself; the same for all models of a job.
    """

    name: str
    call: SavedModelCall | RemoteCall | EnsembleCall
    outputs: tuple[Output, ...]
    features: tuple[FeatureColumn, ...] = ()
    shares_examples: bool = False
    takes: Selection = Selection()
    timeout: timedelta | None = None
    batch_size: int | None = None
    carries: tuple[Carried, ...] = ()

    @property
    def stage(self) -> str:
        """The stage of this model's failures."""
        return f"infer:{self.name}"

    @property
    def fields(self) -> tuple[pa.Field, ...]:
        """The columns that this model's answers fill."""
        return tuple(pa.field(output.column, output.type) for output in self.outputs)

    @property
    def column(self) -> str:
        """The batch's column of this model's answers."""
        return model_column(self.name)


@dataclass(frozen=True)
class Contract:
    """A job whose schema, features, models and table are known to fit together.

    Attributes:
        message: how messages are encoded and identified.
        schema: what they hold.
        window: length of the fixed windows.
        features: of the job's `tf.Example`, which ToExamples makes; none where no model takes it.
        models: in graph order: each after those that feed it.
        job_hash: tells the job file from any other.
    """

    message: Message
    schema: MessageSchema
    window: timedelta
    features: tuple[FeatureColumn, ...]
    models: tuple[ModelPlan, ...]
    job_hash: str = ""

    @property
    def output_columns(self) -> tuple[pa.Field, ...]:
        """The columns that fields and the models' outputs fill, each once, in graph order."""
        return output_columns(self.models)


def scalar(kind: pa.DataType) -> pa.DataType:
    """The type of the values of a list; any other type as it is."""
    return kind.value_type if pa.types.is_list(kind) else kind


def output_columns(models: Sequence[ModelPlan]) -> tuple[pa.Field, ...]:
    """The columns that fields and the models' outputs fill, each once, in the models' order."""
    carried = [pa.field(each.column, each.type) for model in models for each in model.carries]
    outputs = [field for model in models for field in model.fields]
    return tuple({field.name: field for field in (*carried, *outputs)}.values())
