"""What a model answers, as a column of the batch: the outputs of one call, and where they come from.

In a stream every call meets cold caches, so what is the same from call to call is made once and kept.
"""

from __future__ import annotations

import time
from functools import lru_cache

import numpy as np
import pyarrow as pa

from streaming.batches import ANSWER_CONSTANTS, answer_type
from streaming.predictors import ModelOutputError, Outputs, Predictor
from streaming.wiring import ModelPlan, Output

_VERSION, _FINGERPRINT, _PROCESSED_AT, _BATCH_SIZE = (constant.type for constant in ANSWER_CONSTANTS)


class NonFinitePredictionError(ValueError):
    """An answer with an infinity or NaN: BigQuery would take it, and nobody would notice."""


def answer_column(outputs: Outputs, rows: int, plan: ModelPlan, model: Predictor) -> pa.StructArray:
    """The outputs of one call as the column `model:<name>`.

    Args:
        outputs: of the call.
        rows: how many were asked.
        plan: of the model.
        model: that was called.

    Raises:
        ModelOutputError: an output does not have the shape that the contract says.
        ValueError: a text is not UTF-8.
    """
    columns = [_column(outputs.values[output.name], output, rows) for output in plan.outputs]
    constants = [
        _repeated(outputs.version or model.version, _VERSION, rows),
        _repeated(model.fingerprint, _FINGERPRINT, rows),
        pa.repeat(pa.scalar(time.time_ns() // 1000, _PROCESSED_AT), rows),
        _repeated(rows, _BATCH_SIZE, rows),
    ]
    return pa.StructArray.from_arrays([*columns, *constants], fields=_fields(plan.outputs))


def unusable(outputs: Outputs, plan: ModelPlan) -> dict[int, Exception]:
    """The rows whose answers mean nothing, and why: those that the model says, and those with an infinity or NaN."""
    wrong = dict(outputs.unanswered)
    for output in plan.outputs:
        values = outputs.values[output.name]
        if values.dtype.kind != "f":
            continue
        finite = np.isfinite(values)
        if not finite.all():
            for row in np.unique(np.nonzero(~finite)[0]).tolist():
                error = NonFinitePredictionError(f"model {plan.name} answered with an infinity or NaN")
                wrong.setdefault(row, error)
    return wrong


@lru_cache
def _fields(outputs: tuple[Output, ...]) -> list[pa.Field]:
    return list(answer_type([pa.field(output.column, output.type) for output in outputs]))


@lru_cache
def _repeated(value: str | int | None, kind: pa.DataType, rows: int) -> pa.Array:
    return pa.repeat(pa.scalar(value, kind), rows)


def _column(values: np.ndarray, output: Output, rows: int) -> pa.Array:
    """One output as an Arrow column: [n] and [n, 1] as scalars, [n, k] as lists."""
    shape = values.shape
    listed = pa.types.is_list(output.type)
    if shape[:1] != (rows,) or (len(shape) != 2 if listed else shape[1:] not in ((), (1,))):
        raise ModelOutputError(f"output {output.name} has shape {list(shape)} for {rows} examples of {output.type}")
    scalar = output.type.value_type if listed else output.type
    flat = _scalars(values.reshape(-1), scalar)
    return pa.ListArray.from_arrays(pa.array(np.arange(rows + 1, dtype=np.int32) * shape[1]), flat) if listed else flat


def _scalars(values: np.ndarray, kind: pa.DataType) -> pa.Array:
    if pa.types.is_string(kind):
        return pa.array(values.tolist(), pa.binary()).cast(kind)  # raises where a text is not UTF-8
    return pa.array(values.astype(kind.to_pandas_dtype(), copy=False), kind)
