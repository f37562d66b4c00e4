"""Rows of a batch as the instances of a prediction request: one JSON object a row."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from streaming.features import default_scalar, source
from streaming.inputs import serialized_examples
from streaming.schema import physical_type
from streaming.wiring import FeatureColumn, ModelPlan, RemoteCall

Instance = dict[str, Any]


def instances(rows: pa.RecordBatch, plan: ModelPlan) -> list[Instance]:
    """What the service is sent for each row.

    With tensors the features by name, without those that are null: numbers, booleans and texts as they are, dates and
    timestamps as in `streaming.features`, bytes as `{"b64": ...}`. Else the serialized `tf.Example` as `{"b64": ...}`.
    """
    if not (isinstance(plan.call, RemoteCall) and plan.call.tensors):
        return [_base64(example) for example in serialized_examples(rows, plan)]
    names = [feature.name for feature in plan.features]
    columns = [_values(rows, feature, vectors=plan.call.vectors) for feature in plan.features]
    return [_instance(names, values) for values in zip(*columns, strict=True)]


def _instance(names: Sequence[str], values: Sequence[Any]) -> Instance:
    return {name: value for name, value in zip(names, values, strict=True) if value is not None}


def _values(rows: pa.RecordBatch, feature: FeatureColumn, *, vectors: bool) -> list[Any]:
    """The feature's values, as JSON knows them; with `vectors` a scalar is a list of one."""
    column = source(rows, feature)
    column = column.cast(physical_type(column.type))
    if feature.default is not None and not pa.types.is_nested(column.type):
        column = column.fill_null(default_scalar(feature.default, column.type))
    values = column.to_pylist()
    if _holds_bytes(column.type):
        values = [_encoded(value) for value in values]
    if vectors and not pa.types.is_nested(column.type):
        return [None if value is None else [value] for value in values]
    return values


def _holds_bytes(kind: pa.DataType) -> bool:
    scalar = kind.value_type if pa.types.is_nested(kind) else kind
    return bool(pa.types.is_binary(scalar) or pa.types.is_large_binary(scalar))


def _encoded(value: bytes | list[bytes | None] | None) -> Any:
    if isinstance(value, list):
        return [_encoded(each) for each in value]
    return None if value is None else _base64(value)


def _base64(value: bytes) -> Instance:
    return {"b64": base64.b64encode(value).decode("ascii")}
