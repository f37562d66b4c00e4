"""Serialized `tf.Example`s to field columns, a batch at a time, by tfx-bsl's C++ decoder."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from streaming.batches import Failure
from streaming.features import feature_type
from streaming.formats.decoded import Decoded, columns_schema, failure
from streaming.schema import SchemaField
from streaming.stored.casts import fitted
from streaming.stored.needs import candidates, fields_beside_examples
from streaming.stored.rows import absent, default_column
from streaming.wiring import Contract, scalar


class ExampleReader:
    """A picklable function of serialized `tf.Example`s to the field columns that the job reads itself.

    A field is filled by the feature of its name, or else by the one that the job file maps from it; the columns of all
    other fields are null. Rows fail that cannot be parsed, and those with a feature of another kind than its field.
    """

    def __init__(self, contract: Contract) -> None:
        self._fields = contract.schema.fields
        read = fields_beside_examples(contract)
        self._candidates = {field.name: candidates(contract, field) for field in read}
        self._types = {name: kind_of(field) for field in read for name in self._candidates[field.name]}
        self._decoder: Any = None

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_decoder": None}

    def __call__(self, examples: list[bytes]) -> Decoded:
        try:
            features, unreadable = self._decode(examples), dict[int, Failure]()
        except RuntimeError:  # which does not say of which example
            unreadable = self._unreadable(examples)
            features = self._decode([b"" if row in unreadable else each for row, each in enumerate(examples)])
        columns, failures = [], dict[int, Failure]()
        for field in self._fields:
            column, wrong = self._read(features, field)
            columns.append(column)
            failures = wrong | failures
        return Decoded(pa.RecordBatch.from_arrays(columns, schema=columns_schema(self._fields)), failures | unreadable)

    def _unreadable(self, examples: list[bytes]) -> dict[int, Failure]:
        """The rows that the decoder refuses, each tried alone."""
        failures = {}
        for row, example in enumerate(examples):
            try:
                self._decode([example])
            except RuntimeError as error:
                words = str(error).removeprefix("INVALID_ARGUMENT: ").removeprefix("DATA_LOSS: ")
                failures[row] = failure("InvalidExample", words)
        return failures

    def _decode(self, examples: list[bytes]) -> pa.RecordBatch:
        if not examples:  # which the decoder refuses
            lists = {name: pa.array([], pa.large_list(kind)) for name, kind in self._types.items()}
            return pa.RecordBatch.from_pydict(lists)
        self._decoder = self._decoder or _decoder(self._types)
        try:
            return self._decoder.DecodeBatch(examples)
        except RuntimeError:
            self._decoder = None  # it has kept what it read before the failure, and would give it with the next batch
            raise

    def _read(self, features: pa.RecordBatch, field: SchemaField) -> tuple[pa.Array, dict[int, Failure]]:
        rows = features.num_rows
        if field.name not in self._candidates:
            return pa.nulls(rows, field.type), {}
        if not self._candidates[field.name]:
            return absent(field, rows)
        given = pc.coalesce(*[features.column(name) for name in self._candidates[field.name]])
        if pa.types.is_string(scalar(field.type)):
            given = _as_texts(given)
        is_list = pa.types.is_list(field.type)
        values, several = (given, {}) if is_list else _single(given, field)
        missing = given.is_null() if is_list else pc.equal(pc.list_value_length(given).fill_null(0), 0)
        column, unfit = fitted(values, replace(field, nullable=True))
        if field.has_default:
            column = pc.if_else(missing, default_column(field, rows), column)
        elif not field.nullable:
            words = f"field {field.name}: no feature {' or '.join(self._candidates[field.name])}, and it has no default"
            unfit |= dict.fromkeys(np.flatnonzero(missing).tolist(), failure("MissingField", words))
        return column, unfit | several


def kind_of(field: SchemaField) -> pa.DataType:
    """The type of the values of a feature that fills the field: int64, float32 or large_binary."""
    return feature_type(scalar(field.type))


def features_of(examples: list[bytes]) -> pa.Schema:
    """The features that some serialized `tf.Example`s have, a column of lists each.

    Raises:
        RuntimeError: one of them cannot be parsed.
    """
    from tfx_bsl.coders.example_coder import ExamplesToRecordBatchDecoder

    return ExamplesToRecordBatchDecoder().DecodeBatch(examples).schema


def _as_texts(lists: pa.Array) -> pa.Array:
    """Bytes as the texts that they are meant to be; nobody has looked whether they are UTF-8."""
    mask = lists.is_null() if lists.null_count else None
    return pa.LargeListArray.from_arrays(lists.offsets, lists.values.view(pa.large_string()), mask=mask)


def _single(lists: pa.Array, field: SchemaField) -> tuple[pa.Array, dict[int, Failure]]:
    """The only value of each list, null where there is none; and the rows that have several."""
    lengths = pc.list_value_length(lists).fill_null(0).to_numpy()
    if (lengths == 1).all():  # as they mostly are
        return lists.flatten(), {}
    several = {
        int(row): failure("WrongType", f"field {field.name}: expected one value, got {lengths[row]}")
        for row in np.flatnonzero(lengths > 1)
    }
    ends = np.cumsum(lengths)
    first = pa.array(ends - lengths, mask=lengths != 1)
    return lists.flatten().take(first), several


def _decoder(types: dict[str, pa.DataType]) -> Any:
    # The decoder's extension module loads TensorFlow's libraries, which only a worker needs.
    from tensorflow_metadata.proto.v0 import schema_pb2  # type: ignore[import-untyped]
    from tfx_bsl.coders.example_coder import ExamplesToRecordBatchDecoder

    kinds = {pa.int64(): schema_pb2.INT, pa.float32(): schema_pb2.FLOAT, pa.large_binary(): schema_pb2.BYTES}
    features = [schema_pb2.Feature(name=name, type=kinds[kind]) for name, kind in types.items()]
    return ExamplesToRecordBatchDecoder(schema_pb2.Schema(feature=features).SerializeToString())
