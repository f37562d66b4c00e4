"""A checked job as a table that a person can read: schema -> features -> models -> columns."""

from __future__ import annotations

from collections.abc import Iterator

from rich.table import Table
from rich.text import Text

from streaming.durations import show_duration
from streaming.job import EventTime, Reference
from streaming.wiring import Contract, FeatureColumn, ModelPlan


def wiring_table(contract: Contract) -> Table:
    """What feeds what, a row for each identity, feature and output."""
    table = Table("step", "takes", "gives", box=None, title="This job fits together", title_justify="left")
    for row in (*_message_rows(contract), *(row for model in contract.models for row in _model_rows(model))):
        table.add_row(*(Text(cell) for cell in row))  # names may hold brackets, which rich takes for styles
    return table


def _message_rows(contract: Contract) -> Iterator[tuple[str, str, str]]:
    message = contract.message
    yield "key", _reference(message.key), "key"
    yield "id", _reference(message.id) if message.id else "the Pub/Sub message id", "prediction_id"
    yield "event time", _event_time(message.event_time), f"windows of {show_duration(contract.window)}"
    for feature in contract.features:
        yield "tf.Example", _source(feature), f"feature {feature.name}"


def _model_rows(model: ModelPlan) -> Iterator[tuple[str, str, str]]:
    if model.features is None:
        yield f"model {model.name}", "the tf.Example", f"signature {model.signature}"
    for feature in model.features or ():
        yield f"model {model.name}", _source(feature), f"feature {feature.name} of its own tf.Example"
    for output in model.outputs:
        yield f"model {model.name}", f"output {output.name}", f"column {output.column}: {output.type}"


def _source(feature: FeatureColumn) -> str:
    name = feature.column.partition(":")[2] + (f".{feature.output}" if feature.output else "")
    default = "" if feature.default is None else f", {feature.default!r} where null"
    return f"{name}: {feature.type}{default}"


def _reference(reference: Reference) -> str:
    return f"field {reference.field}" if reference.field else f"attribute {reference.attribute}"


def _event_time(event_time: EventTime) -> str:
    if event_time.field is None and event_time.attribute is None:
        return "publish time"
    return f"field {event_time.field}" if event_time.field else f"attribute {event_time.attribute}"
