"""A checked job as a table that a person can read: schema -> features -> models -> columns."""

from __future__ import annotations

from rich.table import Table

from streaming.job import EventTime, Reference
from streaming.wiring import Contract, FeatureColumn, ModelPlan


def wiring_table(contract: Contract) -> Table:
    """What feeds what, a row for each identity, feature and output."""
    table = Table("step", "takes", "gives", box=None, title="This job fits together", title_justify="left")
    message = contract.message
    table.add_row("key", _reference(message.key), "key")
    table.add_row("id", _reference(message.id) if message.id else "the Pub/Sub message id", "prediction_id")
    table.add_row("event time", _event_time(message.event_time), f"windows of {contract.window}")
    for feature in contract.features:
        table.add_row("tf.Example", _source(feature), f"feature {feature.name}")
    for model in contract.models:
        _add_model(table, model)
    return table


def _add_model(table: Table, model: ModelPlan) -> None:
    if model.features is None:
        table.add_row(f"model {model.name}", "the tf.Example", f"signature {model.signature}")
    for feature in model.features or ():
        table.add_row(f"model {model.name}", _source(feature), f"feature {feature.name} of its own tf.Example")
    for output in model.outputs:
        table.add_row(f"model {model.name}", f"output {output.name}", f"column {output.column}: {output.type}")


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
