"""Which rows of a batch a model takes, found on whole columns."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from streaming.batches import Batch, model_output
from streaming.wiring import Condition, ModelPlan, Selection


def taken(batch: Batch, selection: Selection) -> np.ndarray:
    """Whether each row is taken: booleans of shape [n]."""
    rows = _fed(batch, selection)
    for condition in selection.conditions:
        rows &= holds(batch.rows, condition)
    for other in selection.unless:
        rows &= ~taken(batch, other)
    return rows


def holds(rows: pa.RecordBatch, condition: Condition) -> np.ndarray:
    """Whether each row passes the test: booleans of shape [n]. A null never does."""
    values = _values(rows, condition)
    tests = []
    if condition.one_of is not None:
        # Arrow's own set lookup compares by the set's type, so that 1 would not be found among doubles.
        tests.append(pc.is_in(values, pa.array(condition.one_of, values.type)))
    if condition.above is not None:
        tests.append(pc.greater(values, pa.scalar(condition.above)))
    if condition.below is not None:
        tests.append(pc.less(values, pa.scalar(condition.below)))
    return reduce(pc.and_, tests).fill_null(False).to_numpy(zero_copy_only=False)


def untaken(batch: Batch, models: Sequence[ModelPlan]) -> int:
    """How many rows no model takes."""
    if any(model.takes == Selection() for model in models):
        return 0
    return len(batch) - int(np.logical_or.reduce([taken(batch, model.takes) for model in models]).sum())


def _fed(batch: Batch, selection: Selection) -> np.ndarray:
    """Whether enough of the models that feed this one have answered each row."""
    if not selection.fed_by:
        return np.ones(len(batch), bool)
    needed = len(selection.fed_by) if selection.at_least is None else selection.at_least
    answered = np.zeros(len(batch), np.int64)
    for column in selection.fed_by:
        answered += batch.column(column).is_valid().to_numpy(zero_copy_only=False)
    return answered >= needed


def _values(rows: pa.RecordBatch, condition: Condition) -> pa.Array:
    column = rows.column(condition.column)
    if condition.attribute is not None:
        return pc.map_lookup(column, condition.attribute, "first")
    return column if condition.output is None else model_output(rows, condition.column, condition.output)
