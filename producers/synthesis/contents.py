"""What the messages of a block say: a column for each field of their schema, and their attributes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from producers.devices.slots import Integers
from producers.synthesis import message_times
from producers.synthesis.zeros import constant
from streaming.job import Message
from streaming.job_parts import Reference
from streaming.schema import MessageSchema, SchemaField

SEQUENCE = "sequence"
"""The attribute that holds each message's number. Pub/Sub refuses one with neither payload nor attributes."""

_LARGEST_LONG = 2**63 - 1024  # the last float64 before 2**63


@dataclass(frozen=True)
class Contents:
    """What messages say.

    Attributes:
        fields: a column of the schema's type for each of its usable fields, by the field's name.
        attributes: texts by name; null where a message does not have the attribute.
    """

    fields: pa.RecordBatch
    attributes: Mapping[str, pa.StringArray]

    def attribute_maps(self) -> pa.MapArray:
        """Each message's attributes."""
        count, rows = len(self.attributes), self.fields.num_rows
        by_row = np.arange(count * rows).reshape(count, rows).T.ravel()
        values = pa.concat_arrays(list(self.attributes.values())).take(pa.array(by_row))
        names = pa.array(list(self.attributes) * rows, pa.string())
        there = values.is_valid()
        sizes = there.to_numpy(zero_copy_only=False).reshape(rows, count).sum(axis=1)
        offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)
        return pa.MapArray.from_arrays(offsets, names.filter(there), values.filter(there))


class Composer:
    """Puts together what messages say.

    Args:
        schema: of the messages.
        message: where their key, id and event time are.
        poison: what the fields of a poisoned message hold, by name.
    """

    def __init__(self, schema: MessageSchema, message: Message, poison: Mapping[str, Any]) -> None:
        self._schema = schema
        self._message = message
        self._poison = {name: pa.scalar(value, _field(schema, name).type) for name, value in poison.items()}

    def __call__(
        self,
        numbers: Integers,
        signals: pa.RecordBatch,
        keys: pa.StringArray,
        ids: pa.StringArray,
        times: Integers,
        poisoned: pa.BooleanArray,
    ) -> Contents:
        """What the messages of these numbers say.

        Args:
            numbers: of the messages.
            signals: what the devices have measured: a column of numbers or texts for each field that they fill.
            keys: the devices' names; null where a message must not have a key.
            ids: what identifies each message, if it says so.
            times: when they were measured, in microseconds since 1970.
            poisoned: which messages are.
        """
        fields = {field.name: _filled(field, signals) for field in self._schema.fields}
        attributes = {SEQUENCE: pa.array(numbers).cast(pa.string())}
        if self._message.id is not None:
            self._put(self._message.id, self._fitting(ids, numbers), fields, attributes)
        self._put(self._message.key, keys, fields, attributes)
        self._put_time(times, fields, attributes)
        for name, value in self._poison.items():
            fields[name] = pc.if_else(poisoned, value, fields[name])
        return Contents(pa.RecordBatch.from_pydict(fields), attributes)

    def _fitting(self, ids: pa.StringArray, numbers: Integers) -> pa.StringArray:
        """The ids, or the messages' numbers where the id is a whole number."""
        name = None if self._message.id is None else self._message.id.field
        if name is not None and pa.types.is_integer(_field(self._schema, name).type):
            return pa.array(numbers).cast(pa.string())
        return ids

    def _put(
        self,
        place: Reference,
        texts: pa.StringArray,
        fields: dict[str, pa.Array],
        attributes: dict[str, pa.StringArray],
    ) -> None:
        if place.field is None:
            attributes[str(place.attribute)] = texts
            return
        field = _field(self._schema, place.field)
        fields[field.name] = (texts if field.nullable else texts.fill_null("")).cast(field.type)

    def _put_time(self, times: Integers, fields: dict[str, pa.Array], attributes: dict[str, pa.StringArray]) -> None:
        place = self._message.event_time
        if place.attribute is not None:
            attributes[place.attribute] = message_times.as_text(pa.array(times))
        elif place.field is not None:
            fields[place.field] = message_times.as_field(times, _field(self._schema, place.field).type, place.unit)


def _field(schema: MessageSchema, name: str) -> SchemaField:
    field = schema.field(name)
    if field is None:
        raise KeyError(f"the schema has no usable field {name}")
    return field


def _filled(field: SchemaField, signals: pa.RecordBatch) -> pa.Array:
    """The field's signal, as the field's type holds it; a constant of a field that has none."""
    if field.name not in signals.schema.names:
        return pa.array([constant(field)] * signals.num_rows, field.type)
    values = signals.column(field.name)
    if pa.types.is_string(values.type) or pa.types.is_string(field.type):
        return values.cast(field.type)
    if pa.types.is_floating(field.type):
        return values.cast(field.type, safe=False)
    if pa.types.is_boolean(field.type):
        return pc.greater_equal(values, 0.5)
    return _whole(values, field.type)


def _whole(values: pa.DoubleArray, kind: pa.DataType) -> pa.Array:
    """The nearest whole numbers of an integer type, or of a date's or timestamp's own unit."""
    most = _LARGEST_LONG if kind.bit_width == 64 else np.iinfo(np.int32).max
    clipped = pc.max_element_wise(
        pc.min_element_wise(values, float(most), skip_nulls=False), -float(most), skip_nulls=False
    )
    return pc.round(clipped).cast(pa.int64() if kind.bit_width == 64 else pa.int32()).cast(kind)
