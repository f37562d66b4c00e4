"""Columns to serialized `tf.Example`s, a batch at a time, by tfx-bsl's C++ encoder.

Floating-point columns become float features; integers, booleans, dates (days since 1970) and timestamps (in the
schema's own unit) int64 features; strings, enums and bytes bytes features. A null is a missing feature.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from streaming.batches import Batch, Failure, by_row, model_output
from streaming.wiring import FeatureColumn

STAGE = "to_example"
EXAMPLE = "example"
LARGEST_FLOAT32 = float(np.finfo(np.float32).max)


def feature_type(values: pa.DataType) -> pa.DataType:
    """The Arrow type in which the encoder takes scalars of the type `values`: float32, int64 or large_binary."""
    if pa.types.is_floating(values):
        return pa.float32()
    if pa.types.is_integer(values) or pa.types.is_boolean(values) or pa.types.is_temporal(values):
        return pa.int64()
    return pa.large_binary()


class FeatureOutOfRangeError(ValueError):
    """A value that is finite in its column but not as a float32: the model would see an infinity nobody has sent."""


class ToExamples:
    """Adds the column `example`: one serialized `tf.Example` a row. Rejects rows whose values overflow a float32.

    Where the column is there already, because `tf.Example`s are what was read, it stays as it is.
    """

    def __init__(self, features: Sequence[FeatureColumn]) -> None:
        self._features = tuple(features)

    def __call__(self, batch: Batch) -> Batch:
        if EXAMPLE in batch.rows.schema.names:
            return batch
        wrong = overflows(batch.rows, self._features)
        failures = {row: Failure(STAGE, "FeatureOutOfRangeError", words) for row, words in wrong.items()}
        batch = batch.rejecting(*by_row(len(batch), failures))
        return batch.with_column(EXAMPLE, encode(batch.rows, self._features))


def encode(rows: pa.RecordBatch, features: Sequence[FeatureColumn]) -> pa.LargeBinaryArray:
    """One serialized `tf.Example` a row, made of `features`."""
    if rows.num_rows == 0 or not features:
        return pa.repeat(pa.scalar(b"", pa.large_binary()), rows.num_rows)
    lists = [_lists(source(rows, feature), feature) for feature in features]
    return pa.array(_encode(lists, features), pa.large_binary())


def source(rows: pa.RecordBatch, feature: FeatureColumn) -> pa.Array:
    """The column that fills `feature`; null where the earlier model that feeds it gave no answer."""
    if feature.output is None:
        return rows.column(feature.column)
    return model_output(rows, feature.column, feature.output)


def _lists(values: pa.Array, feature: FeatureColumn) -> pa.Array:
    """`values` as the encoder wants them: a large_list of the feature's type, null where the feature is missing."""
    if pa.types.is_list(values.type) or pa.types.is_large_list(values.type):
        flat = _plain(values.flatten(), feature_type(values.type.value_type))
        return _large_list(flat, pc.list_value_length(values))
    flat = _plain(values, feature_type(values.type))
    if feature.default is not None:
        flat = flat.fill_null(default_scalar(feature.default, flat.type))
    return _large_list(flat.drop_null(), pc.if_else(flat.is_valid(), 1, None))


def default_scalar(value: bool | float | str, kind: pa.DataType) -> pa.Scalar:
    """A feature's default as a scalar of `kind`. Arrow itself would take neither a boolean nor a text for a number."""
    convert: type = str
    if pa.types.is_boolean(kind):
        convert = bool
    elif pa.types.is_integer(kind):
        convert = int
    elif pa.types.is_floating(kind):
        convert = float
    return pa.scalar(convert(value), kind)


def _large_list(flat: pa.Array, lengths: pa.Array) -> pa.Array:
    """Lists of the given lengths over `flat`; null where the length is."""
    offsets = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths.fill_null(0), out=offsets[1:])
    mask = lengths.is_null() if lengths.null_count else None
    return pa.LargeListArray.from_arrays(pa.array(offsets), flat, mask=mask)


def _plain(values: pa.Array, wanted: pa.DataType) -> pa.Array:
    if pa.types.is_date32(values.type):
        values = values.view(pa.int32())
    if pa.types.is_timestamp(values.type):
        return values.view(pa.int64())
    if pa.types.is_floating(values.type):
        return values.cast(wanted, safe=False)
    return values.cast(wanted)


def overflows(rows: pa.RecordBatch, features: Sequence[FeatureColumn]) -> dict[int, str]:
    """The rows with a finite value that no float32 can hold, and which value that is."""
    wrong: dict[int, str] = {}
    for feature in features:
        values = source(rows, feature)
        flat = values.flatten() if pa.types.is_nested(values.type) else values
        if not pa.types.is_float64(flat.type):
            continue
        too_large = pc.and_(pc.is_finite(flat), pc.greater(pc.abs(flat), LARGEST_FLOAT32)).fill_null(False)
        if pc.any(too_large).as_py():
            for row, value in zip(scalar_rows(values)[too_large], flat.filter(too_large).to_pylist(), strict=True):
                wrong.setdefault(int(row), f"feature {feature.name}: {value!r} does not fit a float32")
    return wrong


def scalar_rows(values: pa.Array) -> np.ndarray:
    """The row of each scalar in a flattened column."""
    # Not `list_parent_indices`, which also counts what lies hidden under a null.
    rows = np.arange(len(values))
    return np.repeat(rows, pc.list_value_length(values).fill_null(0)) if pa.types.is_nested(values.type) else rows


def blank_example(features: Sequence[FeatureColumn]) -> bytes:
    """A serialized `tf.Example` with a zero, or an empty text, for each scalar feature; lists are empty."""
    lists = []
    for feature in features:
        nested = pa.types.is_nested(feature.type)
        kind = feature_type(feature.type.value_type if nested else feature.type)
        lists.append(pa.array([[] if nested else [b"" if pa.types.is_large_binary(kind) else 0]], pa.large_list(kind)))
    return _encode(lists, features)[0]


def _encode(lists: Sequence[pa.Array], features: Sequence[FeatureColumn]) -> list[bytes]:
    # The encoder's extension module loads TensorFlow's libraries, which only a worker needs.
    from tfx_bsl.coders.example_coder import RecordBatchToExamplesEncoder

    columns = pa.RecordBatch.from_arrays(list(lists), names=[feature.name for feature in features])
    return RecordBatchToExamplesEncoder().encode(columns)
