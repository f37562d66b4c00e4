"""What identifies a message, and when its event happened: whether the schema has it."""

from __future__ import annotations

import pyarrow as pa

from streaming.contract.findings import Findings
from streaming.contract.sources import Sources
from streaming.job import Message
from streaming.job_parts import Reference
from streaming.windows import check_event_time


def check_message(found: Findings, sources: Sources, message: Message) -> None:
    """The key, the id and the event time can be taken from messages of the schema."""
    _check_identity(found, sources, "message.key", message.key)
    if message.id is not None:
        _check_identity(found, sources, "message.id", message.id)
    if wrong := check_event_time(message.event_time, sources.schema):
        found.add("message.event_time", wrong)


def _check_identity(found: Findings, sources: Sources, place: str, reference: Reference) -> None:
    """A key or id is a text, a whole number or a boolean: equal things are then written equally."""
    field = None if reference.field is None else sources.field(place, reference.field)
    if field is None:
        return
    if not (pa.types.is_string(field.type) or pa.types.is_integer(field.type) or pa.types.is_boolean(field.type)):
        wrong = f"the field {field.name} is {field.type}; take a string, an enum, a whole number or a boolean"
        found.add(place, wrong)
