"""What a job asks of stored records: the fields that it reads itself, and the attributes that it refers to."""

from __future__ import annotations

from collections.abc import Sequence

from streaming.batches import field_column
from streaming.job import EventTime
from streaming.job_parts import Reference
from streaming.schema import SchemaField
from streaming.wiring import Contract

PUBLISH_TIME = "publish_time"
"""The column of rows that says when a row was published, unless the schema has a field of that name."""


def identity_fields(contract: Contract) -> dict[str, str]:
    """The fields without which no row can be told from another or put in its window, and the job file's key of each."""
    return {each.field: place for place, each in _references(contract).items() if each.field is not None}


def attributes(contract: Contract) -> dict[str, str]:
    """The attributes that the job file refers to, and its key that does."""
    found = {each.attribute: place for place, each in _references(contract).items() if each.attribute is not None}
    for model in contract.models:
        names = [each.attribute for each in model.takes.all_conditions if each.attribute is not None]
        found = dict.fromkeys(names, f"models.{model.name}.when") | found
    return found


def _references(contract: Contract) -> dict[str, Reference | EventTime]:
    """What identifies a message and puts it in its window, by the job file's keys."""
    message = contract.message
    identity = {"message.id": message.id} if message.id else {}
    return {"message.key": message.key, **identity, "message.event_time": message.event_time}


def columns_of_rows(contract: Contract) -> tuple[str, ...]:
    """The columns that are read of rows, where they are there: those of fields, attributes and the publish time."""
    fields = [field.name for field in contract.schema.fields]
    return tuple(dict.fromkeys([*fields, *attributes(contract), PUBLISH_TIME]))


def fields_beside_examples(contract: Contract) -> tuple[SchemaField, ...]:
    """The fields that the job reads itself, where the models' `tf.Example`s are there already."""
    columns = {field_column(name) for name in identity_fields(contract)}
    for model in contract.models:
        columns |= {each.column for each in model.takes.all_conditions}
        columns |= {each.field for each in model.carries}
        columns |= {each.column for each in model.features if not model.shares_examples}
    return tuple(field for field in contract.schema.fields if field_column(field.name) in columns)


def candidates(contract: Contract, field: SchemaField) -> Sequence[str]:
    """The features that can fill the field: the one of its name, or else those that the job file maps from it."""
    column = field_column(field.name)
    mapped = [each.name for each in contract.features if each.column == column and each.output is None]
    taken = {each.name for each in contract.features if each.column != column}
    own = [] if field.name in taken else [field.name]  # else that feature is another field's
    return tuple(dict.fromkeys([*own, *mapped]))
