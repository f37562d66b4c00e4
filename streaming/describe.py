"""A checked job in plain values, for people and machines: schema -> features -> models -> columns -> table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa

from streaming.batches import field_column
from streaming.bigquery.columns import bigquery_mode, bigquery_type
from streaming.durations import show_duration
from streaming.job import EventTime
from streaming.job_parts import Reference
from streaming.results import table_schema
from streaming.savedmodel.generations import current
from streaming.savedmodel.parsed_features import ParsedFeature
from streaming.savedmodel.signatures import read_signatures
from streaming.schema import SchemaField
from streaming.wiring import (
    Condition,
    Contract,
    EnsembleCall,
    FeatureColumn,
    Member,
    ModelPlan,
    RemoteCall,
    SavedModelCall,
    Selection,
)

Described = dict[str, Any]
"""What JSON can say."""


def describe(contract: Contract) -> Described:
    """The whole job. Reads each SavedModel's `saved_model.pb` again, for what it needs."""
    message = contract.message
    return {
        "job_hash": contract.job_hash,
        "format": message.format,
        "schema": message.schema_path,
        "key": _reference(message.key),
        "id": _reference(message.id) if message.id else "the Pub/Sub message id",
        "event_time": _event_time(message.event_time),
        "window": show_duration(contract.window),
        "fields": [_field(field, contract) for field in contract.schema.fields],
        "attributes": [{"name": name, "used": uses} for name, uses in _attributes(contract).items()],
        "features": [_feature(feature, contract) for feature in contract.features],
        "models": [_model(model, contract) for model in contract.models],
        "table": list(_table(contract)),
    }


def _reference(reference: Reference) -> str:
    return f"field {reference.field}" if reference.field else f"attribute {reference.attribute}"


def _event_time(event_time: EventTime) -> str:
    if event_time.field is None and event_time.attribute is None:
        return "publish time"
    return f"field {event_time.field}" if event_time.field else f"attribute {event_time.attribute}"


def _field(field: SchemaField, contract: Contract) -> Described:
    return {"name": field.name, "type": str(field.type), "nullable": field.nullable, "used": _uses(field, contract)}


def _uses(field: SchemaField, contract: Contract) -> list[str]:
    message, column = contract.message, field_column(field.name)
    named = {"key": message.key.field, "id": message.id and message.id.field, "event time": message.event_time.field}
    uses = [use for use, name in named.items() if name == field.name]
    uses += [f"feature {feature.name}" for feature in contract.features if feature.column == column]
    for model in contract.models:
        own = () if model.shares_examples else model.features
        uses += [f"{model.name}: {feature.name}" for feature in own if feature.column == column]
        if any(condition.column == column for condition in model.takes.conditions):
            uses.append(f"{model.name}: when")
    return uses


def _attributes(contract: Contract) -> dict[str, list[str]]:
    """The attributes of the messages that are used, and what for."""
    message = contract.message
    uses = [
        (message.key.attribute, "key"),
        (message.id.attribute if message.id else None, "id"),
        (message.event_time.attribute, "event time"),
    ]
    uses += [(each.attribute, f"{model.name}: when") for model in contract.models for each in model.takes.conditions]
    used: dict[str, list[str]] = {}
    for name, use in dict.fromkeys(uses):
        if name is not None:
            used.setdefault(name, []).append(use)
    return used


def _feature(feature: FeatureColumn, contract: Contract) -> Described:
    fields = contract.schema.fields
    return {
        "name": feature.name,
        "from": _name(feature.column, feature.output),
        "type": str(feature.type) if feature.output is None else _column_type(feature.type),
        "nullable": any(field.nullable for field in fields if field_column(field.name) == feature.column),
        "default": feature.default,
    }


def _column_type(kind: pa.DataType) -> str:
    """The type of a model's output, in the words of its column."""
    return bigquery_type(kind) + (" REPEATED" if pa.types.is_list(kind) else "")


def _name(column: str, output: str | None) -> str:
    return column.partition(":")[2] + (f".{output}" if output else "")


def _model(model: ModelPlan, contract: Contract) -> Described:
    return {
        "name": model.name,
        **_call(model),
        "rows": _rows(model.takes),
        "inputs": list(_inputs(model, contract)),
        "outputs": [
            {"output": each.name, "column": field.name, "type": bigquery_type(field.type), "mode": bigquery_mode(field)}
            for each, field in zip(model.outputs, model.fields, strict=True)
        ],
        "timeout": None if model.timeout is None else show_duration(model.timeout),
        "batch_size": model.batch_size,
    }


def _call(model: ModelPlan) -> Described:
    call = model.call
    if isinstance(call, EnsembleCall):
        return {"kind": "ensemble", "method": call.method}
    if isinstance(call, RemoteCall):
        taken = "tensors" if call.tensors else "examples"
        return {"kind": "remote", "address": call.address, "signatures": [call.signature], "takes": taken}
    return {
        "kind": "SavedModel",
        "path": call.path,
        "generation": current(call.path, f"models.{model.name}.path").version,
        "signatures": list(call.signatures),
        "takes": "examples" if call.tensors is None else "tensors",
        "watch": None if call.watch is None else show_duration(call.watch),
    }


def _rows(takes: Selection) -> str:
    """The rows, as in `rows {...}`, but `all` of them."""
    said = [_answered(takes)] if takes.fed_by else []
    said += ["that no model with a when takes"] if takes.unless else []
    if takes.conditions:
        said.append("where " + " and ".join(map(_condition, takes.conditions)))
    return " and ".join(said) or "all"


def _answered(takes: Selection) -> str:
    names = [_name(column, None) for column in takes.fed_by]
    feeders = " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
    if takes.at_least is not None and takes.at_least < len(names):
        return f"that at least {takes.at_least} of {feeders} answer"
    return f"that {feeders} {'answers' if len(names) == 1 else 'answer'}"


def _condition(condition: Condition) -> str:
    name = _name(condition.column, condition.output)
    if condition.attribute is not None:
        name = f"attribute {condition.attribute}"
    tests = []
    if condition.one_of is not None:
        tests.append("is " + " or ".join(repr(value) for value in condition.one_of))
    tests += [f"> {condition.above:g}"] if condition.above is not None else []
    tests += [f"< {condition.below:g}"] if condition.below is not None else []
    return f"{name} {' and '.join(tests)}"


def _inputs(model: ModelPlan, contract: Contract) -> Iterator[Described]:
    """What the model needs, beside what it gets; either may be nothing, for optional features and unknown needs."""
    if isinstance(model.call, EnsembleCall):
        weighted = model.call.method == "weighted_mean"
        for member in model.call.members:
            weight = f"weight {member.weight:g}" if weighted else None
            yield {"name": "member", "needs": weight, "gets": _member(member, contract)}
        return
    needs = _needs(model)
    gets = {feature.name: _feature(feature, contract) for feature in model.features}
    for name in [*gets, *sorted(needs.keys() - gets.keys())]:
        yield {"name": name, "needs": needs.get(name), "gets": gets.get(name)}


def _member(member: Member, contract: Contract) -> Described:
    (kind,) = (
        field.type
        for model in contract.models
        for field in model.fields
        if (model.column, field.name) == (member.column, member.output)
    )
    name = _name(member.column, member.output)
    return {"from": name, "type": _column_type(kind), "nullable": False, "default": None}


def _needs(model: ModelPlan) -> Mapping[str, str]:
    if not isinstance(model.call, SavedModelCall):
        return {}
    if model.call.tensors is not None:
        sizes = {each.name: "" if each.size is None else f", {each.size}" for each in model.call.tensors}
        return {each.name: f"{each.dtype}[?{sizes[each.name]}]" for each in model.call.tensors}
    place = f"models.{model.name}.path"
    signatures = read_signatures(current(model.call.path, place).directory, place)
    parsed = [each for name in model.call.signatures for each in signatures[name].features or ()]
    return {each.name: _parsed(each) for each in parsed}


def _parsed(feature: ParsedFeature) -> str:
    if feature.shape is None:
        return f"{feature.dtype}, any number"
    sizes = ", ".join("?" if size is None else str(size) for size in feature.shape)
    return f"{feature.dtype}[{sizes}]" + ("" if feature.required else ", optional")


def _table(contract: Contract) -> Iterator[Described]:
    fillers: dict[str, list[str]] = {}
    for model in contract.models:
        for output in model.outputs:
            fillers.setdefault(output.column, []).append(f"{model.name}: {output.name}")
    for field in table_schema(contract.output_columns):
        yield {
            "name": field.name,
            "type": bigquery_type(field.type),
            "mode": bigquery_mode(field),
            "filled_by": fillers.get(field.name, []),
        }
