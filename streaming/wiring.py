"""The nouns of a checked job: which column feeds which feature, which signature output fills which column.

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
    """A feature of a `tf.Example` and the column that fills it.

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
    """An output of a signature and the column it fills. `type` is a scalar's type, or a list's (REPEATED)."""

    name: str
    column: str
    type: pa.DataType


@dataclass(frozen=True)
class ModelPlan:
    """A model, its call and its outputs. Without `features` of its own it takes the job's `tf.Example`s."""

    name: str
    path: str
    signature: str
    input: str
    outputs: tuple[Output, ...]
    features: tuple[FeatureColumn, ...] | None = None

    @property
    def stage(self) -> str:
        """The stage of this model's failures."""
        return f"infer:{self.name}"

    @property
    def feeders(self) -> tuple[str, ...]:
        """The columns of the earlier models that feed this one."""
        return tuple(dict.fromkeys(f.column for f in self.features or () if f.output is not None))

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

    `models` are in graph order: each after those that feed it. `features` is empty where no model takes the job's.
    """

    message: Message
    schema: MessageSchema
    window: timedelta
    features: tuple[FeatureColumn, ...]
    models: tuple[ModelPlan, ...]

    @property
    def output_columns(self) -> tuple[pa.Field, ...]:
        """The columns that the models' outputs fill, each once, in graph order."""
        return output_columns(self.models)


def output_columns(models: Sequence[ModelPlan]) -> tuple[pa.Field, ...]:
    """The columns that the models' outputs fill, each once, in the models' order."""
    return tuple({field.name: field for model in models for field in model.fields}.values())
