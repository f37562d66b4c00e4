"""Ensembles: earlier models' answers made one, on whole columns."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from streaming.batches import model_output
from streaming.predictors import ModelOutputError, Outputs
from streaming.wiring import EnsembleCall, ModelPlan


class Ensemble:
    """A predictor whose only output, named after the method, is made of the members' answers.

    Members that have not answered a row have no say in it. Vectors are combined element by element. Of equally many
    votes those of the member named first win.
    """

    version = None
    fingerprint = None

    def __init__(self, plan: ModelPlan, call: EnsembleCall) -> None:
        (self._output,) = plan.outputs
        self._call = call

    def predict(self, rows: pa.RecordBatch) -> Outputs:
        """The output, of shape [n], or [n, k] for vectors.

        Raises:
            ModelOutputError: the members' vectors are not equally long.
        """
        columns = [model_output(rows, member.column, member.output) for member in self._call.members]
        votes = np.stack([column.is_valid().to_numpy(zero_copy_only=False) for column in columns])
        if self._call.method == "majority_vote":
            return Outputs({self._output.name: _majority(columns, votes)})
        whole = pa.types.is_integer(self._output.type)
        values = _stacked(columns, pa.int64() if whole else pa.float64())
        votes = votes.reshape(*votes.shape, *[1] * (values.ndim - 2))
        if self._call.method == "max":
            return Outputs({self._output.name: _largest(values, votes)})
        weights = np.array([member.weight for member in self._call.members])
        return Outputs({self._output.name: _mean(values, votes * weights.reshape(-1, *[1] * (values.ndim - 1)))})


def _stacked(columns: list[pa.Array], kind: pa.DataType) -> np.ndarray:
    """Shape [members, n], or [members, n, k]; zeros for a member that has not answered."""
    if not pa.types.is_list(columns[0].type):
        return np.stack([column.cast(kind).fill_null(0).to_numpy() for column in columns])
    lengths = pc.unique(pa.concat_arrays([pc.list_value_length(column.drop_null()) for column in columns])).to_pylist()
    if len(lengths) > 1:
        raise ModelOutputError(f"the members' vectors have {' and '.join(map(str, sorted(lengths)))} values")
    (length,) = lengths or [0]
    stacked = np.zeros((len(columns), len(columns[0]), length), kind.to_pandas_dtype())
    for each, column in zip(stacked, columns, strict=True):
        each[column.is_valid().to_numpy(zero_copy_only=False)] = _flat(column, kind).reshape(-1, length)
    return stacked


def _flat(column: pa.Array, kind: pa.DataType) -> np.ndarray:
    return column.flatten().cast(kind).to_numpy(zero_copy_only=False)


def _mean(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return (values * weights).sum(0) / weights.sum(0)


def _largest(values: np.ndarray, votes: np.ndarray) -> np.ndarray:
    least = np.iinfo(np.int64).min if values.dtype == np.int64 else -np.inf
    return np.where(votes, values, least).max(0)


def _majority(columns: list[pa.Array], votes: np.ndarray) -> np.ndarray:
    """The value with the most votes in each row: each member's value is counted against all members'."""
    together = pa.chunked_array(columns).combine_chunks().dictionary_encode()
    codes = together.indices.fill_null(-1).to_numpy().reshape(votes.shape)
    counts = np.stack([((codes == own) & votes).sum(0) * vote for own, vote in zip(codes, votes, strict=True)])
    winners = np.take_along_axis(codes, counts.argmax(0)[None], 0)[0]
    return together.dictionary.take(pa.array(winners)).to_numpy(zero_copy_only=False)
