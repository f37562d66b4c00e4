"""What features, conditions and members of ensembles can be taken from: fields of the schema, earlier outputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from streaming.batches import field_column, model_column
from streaming.contract.findings import Findings, hint
from streaming.job_models import Model
from streaming.schema import MessageSchema, SchemaField
from streaming.wiring import Output


@dataclass(frozen=True)
class Source:
    """A column of the batch.

    Attributes:
        name: as the job file names it.
        column: of the batch.
        type: of the values.
        output: the struct child in it, where the column is an earlier model's.
        symbols: the only values that there are, for an enum.
        size: of each row's vector, where it is one of an earlier model's and its size is known.
    """

    name: str
    column: str
    type: pa.DataType
    output: str | None = None
    symbols: tuple[str, ...] = ()
    size: int | None = None


class EarlierOutputs:
    """The outputs of the models by the columns that they fill.

    Args:
        found: gets the mistakes.
        models: of the job.
        outputs: those that are right themselves, of the models of which they are known; it may still grow.
        sizes: of the vectors among them, by model and column; it may still grow, too.
    """

    def __init__(
        self,
        found: Findings,
        models: Mapping[str, Model],
        outputs: Mapping[str, tuple[Output, ...]],
        sizes: Mapping[tuple[str, str], int | None] | None = None,
    ) -> None:
        self._found = found
        self._models = models
        self._outputs = outputs
        self._sizes = {} if sizes is None else sizes

    def has(self, model: str) -> bool:
        """Whether the job has a model of this name."""
        return model in self._models

    def find(self, place: str, name: str) -> Source | None:
        """The source MODEL.COLUMN; None where there is none, or its model is wrong itself."""
        model, dot, column = name.partition(".")
        others = [
            each for each in self._models if not place.startswith(f"models.{each}.")
        ]  # a model never takes its own
        if not (model and dot and column):
            self._found.add(place, f"{name!r} names no model's column; write MODEL.COLUMN")
            return None
        if model not in self._models:
            self._found.add(place, f"no model {model!r}{hint(model, others)}")
        for each in self._outputs.get(model, ()):
            if each.column == column:
                return Source(name, model_column(model), each.type, column, size=self._sizes.get((model, column)))
        if model in self._outputs and column not in self._declared(model):  # else what is wrong with it is known
            filled = [each.column for each in self._outputs[model]]
            self._found.add(place, f"the model {model} fills no column {column!r}{hint(column, filled)}")
        return None

    def _declared(self, model: str) -> set[str]:
        return {each.column for each in (self._models[model].outputs or {}).values()}


class Sources:
    """The fields of the messages, and the models' outputs."""

    def __init__(self, found: Findings, schema: MessageSchema, earlier: EarlierOutputs) -> None:
        self._found = found
        self._earlier = earlier
        self.schema = schema

    def find(self, place: str, name: str) -> Source | None:
        """The source FIELD or MODEL.COLUMN, or None; then what is wrong with it is among the findings."""
        if self.is_output(name):
            return self._earlier.find(place, name)
        field = self.field(place, name.partition(".")[0])
        if field is None:
            return None
        return Source(name, field_column(name), field.type, symbols=field.avro.symbols)

    def is_output(self, name: str) -> bool:
        """Whether `name` is meant to be an earlier model's output, not a field or something inside one."""
        owner, dot, _ = name.partition(".")
        return bool(dot) and (self._earlier.has(owner) or owner not in self.schema.unusable)

    def field(self, place: str, name: str) -> SchemaField | None:
        """The field of this name, or None; then what is wrong with it is among the findings."""
        field = self.schema.field(name)
        if name in self.schema.unusable:
            self._found.add(place, f"the field {name} cannot be used: {self.schema.unusable[name]}")
        elif field is None:
            fields = [each.name for each in self.schema.fields]
            self._found.add(place, f"the schema has no field {name!r}{hint(name, fields)}")
        return field
