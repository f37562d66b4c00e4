"""What a SavedModel takes: rows of a batch as serialized `tf.Example`s, or as one tensor for each feature."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from streaming import features
from streaming.features import EXAMPLE, FeatureOutOfRangeError, default_scalar, scalar_rows, source
from streaming.wiring import FeatureColumn, ModelPlan, SavedModelCall, Tensor

ModelInput = list[bytes] | dict[str, np.ndarray]
"""Serialized `tf.Example`s; or, by the input's name, a tensor of shape [n] or [n, size]."""


class MissingInputError(ValueError):
    """A null where a tensor needs a value."""


class InputSizeError(ValueError):
    """A list that is not as long as the tensor's second dimension."""


def model_input(rows: pa.RecordBatch, plan: ModelPlan) -> ModelInput:
    """What the model takes for these rows, each of them fit, as `unfit` says."""
    tensors = _tensors(plan)
    if tensors is None:
        return serialized_examples(rows, plan)
    return {tensor.name: _tensor(_wide(rows, feature), tensor) for feature, tensor in _paired(plan, tensors)}


def serialized_examples(rows: pa.RecordBatch, plan: ModelPlan) -> list[bytes]:
    """The `tf.Example`s that the model takes for these rows."""
    if plan.shares_examples:
        return rows.column(EXAMPLE).to_pylist()
    return features.encode(rows, plan.features).to_pylist()


def unfit(rows: pa.RecordBatch, plan: ModelPlan) -> dict[int, Exception]:
    """The rows of which no input can be made, and why."""
    if plan.shares_examples:
        return {}  # ToExamples has rejected them
    tensors = _tensors(plan)
    if tensors is None:
        wrong = features.overflows(rows, plan.features)
        return {row: FeatureOutOfRangeError(words) for row, words in wrong.items()}
    misfits: dict[int, Exception] = {}
    for feature, tensor in _paired(plan, tensors):
        for row, error in _misfits(_wide(rows, feature), tensor):
            misfits.setdefault(row, error)
    return misfits


def golden_input(plan: ModelPlan, examples: Sequence[Mapping[str, Any]]) -> ModelInput:
    """What the model takes for values given by the names of its features.

    Args:
        plan: of the model.
        examples: a number, text, boolean, or list of them for each feature; one left out is missing.

    Raises:
        ValueError: a value does not fit its feature, or there is no such feature.
    """
    own = [replace(feature, column=feature.name, output=None) for feature in plan.features]
    for unknown in {name for example in examples for name in example} - {feature.name for feature in own}:
        raise ValueError(f"the model takes no feature {unknown}")
    try:
        columns = [pa.array([example.get(each.name) for example in examples], each.type) for each in own]
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise ValueError(f"a value does not fit its feature: {error}") from error
    rows = pa.RecordBatch.from_arrays(columns, names=[feature.name for feature in own])
    named = replace(plan, features=tuple(own), shares_examples=False)
    for wrong in unfit(rows, named).values():
        raise wrong
    return model_input(rows, named)


def blank_input(plan: ModelPlan) -> ModelInput:
    """One row of zeros and empty texts; lists are empty, unless a tensor says how long they are."""
    tensors = _tensors(plan)
    if tensors is None:
        return [features.blank_example(plan.features)]
    return {tensor.name: _blank(tensor) for tensor in tensors}


def _tensors(plan: ModelPlan) -> tuple[Tensor, ...] | None:
    return plan.call.tensors if isinstance(plan.call, SavedModelCall) else None


def _paired(plan: ModelPlan, tensors: Sequence[Tensor]) -> Iterator[tuple[FeatureColumn, Tensor]]:
    by_name = {feature.name: feature for feature in plan.features}
    return ((by_name[tensor.name], tensor) for tensor in tensors)


def _wide(rows: pa.RecordBatch, feature: FeatureColumn) -> pa.Array:
    """The feature's values as the widest type of their kind, with its default for nulls."""
    values = source(rows, feature)
    if pa.types.is_nested(values.type):
        return values
    values = _widened(values)
    return values if feature.default is None else values.fill_null(default_scalar(feature.default, values.type))


def _widened(values: pa.Array) -> pa.Array:
    if pa.types.is_date32(values.type):
        values = values.view(pa.int32())
    if pa.types.is_timestamp(values.type):
        return values.view(pa.int64())
    if pa.types.is_integer(values.type):
        return values.cast(pa.int64())
    if pa.types.is_floating(values.type):
        return values.cast(pa.float64())
    return values if pa.types.is_boolean(values.type) else values.cast(pa.binary())


def _flat(values: pa.Array) -> pa.Array:
    return _widened(values.flatten()) if pa.types.is_nested(values.type) else values


def _tensor(values: pa.Array, tensor: Tensor) -> np.ndarray:
    flat = _flat(values)
    if tensor.dtype == "string":
        array = np.array(flat.to_pylist(), object)
    else:
        array = flat.to_numpy(zero_copy_only=False).astype(_NUMPY.get(tensor.dtype, tensor.dtype), copy=False)
    return array if tensor.size is None else array.reshape(len(values), tensor.size)


_NUMPY = {"bfloat16": "float32"}  # numpy has none; TensorFlow narrows it


def _blank(tensor: Tensor) -> np.ndarray:
    shape = (1,) if tensor.size is None else (1, tensor.size)
    if tensor.dtype == "string":
        return np.full(shape, b"", object)
    return np.zeros(shape, _NUMPY.get(tensor.dtype, tensor.dtype))


def _misfits(values: pa.Array, tensor: Tensor) -> Iterator[tuple[int, Exception]]:
    for row in pc.indices_nonzero(values.is_null()).to_pylist():
        yield row, MissingInputError(f"input {tensor.name} is null and has no default")
    flat, rows = _flat(values), scalar_rows(values)
    if pa.types.is_nested(values.type):
        lengths = pc.list_value_length(values)
        for row in pc.indices_nonzero(pc.not_equal(lengths, tensor.size).fill_null(False)).to_pylist():
            yield row, InputSizeError(f"input {tensor.name} takes {tensor.size} values, not {lengths[row].as_py()}")
        for row in rows[flat.is_null().to_numpy(zero_copy_only=False)].tolist():
            yield row, MissingInputError(f"input {tensor.name} has a null among its values")
    outside = _outside(flat, tensor)
    for row, value in zip(rows[outside].tolist(), flat.filter(pa.array(outside)).to_pylist(), strict=True):
        yield row, FeatureOutOfRangeError(f"input {tensor.name}: {value!r} does not fit {tensor.dtype}")


def _outside(flat: pa.Array, tensor: Tensor) -> np.ndarray:
    """Which values the tensor's type cannot hold; infinities and NaN fit any floating-point type."""
    limits = _limits(flat.type, tensor.dtype)
    if limits is None:
        return np.zeros(len(flat), bool)
    least, most = (pa.scalar(limit, flat.type) for limit in limits)
    outside = pc.or_(pc.less(flat, least), pc.greater(flat, most))
    if pa.types.is_floating(flat.type):
        outside = pc.and_(outside, pc.is_finite(flat))
    return outside.fill_null(False).to_numpy(zero_copy_only=False)


def _limits(values: pa.DataType, dtype: str) -> tuple[float, float] | None:
    if pa.types.is_floating(values) and dtype in ("float16", "bfloat16", "float32"):
        most = float(np.finfo("float16" if dtype == "float16" else "float32").max)
        return -most, most
    if pa.types.is_integer(values) and dtype in ("int8", "int16", "int32", "uint8", "uint16", "uint32"):
        limits = np.iinfo(dtype)
        return int(limits.min), int(limits.max)
    return None
