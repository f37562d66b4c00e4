"""A model's answers as serialized `PredictionLog`s, a batch at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from streaming import features
from streaming.batches import Batch, model_output
from streaming.inputs import model_input
from streaming.savedmodel.generations import current
from streaming.savedmodel.signatures import Signature, TensorSpec, read_signatures
from streaming.stored.tensor_protos import Tensors, entry, joined, member
from streaming.wiring import ModelPlan, Output, RemoteCall, SavedModelCall

_DTYPES = {pa.float64(): "float64", pa.int64(): "int64", pa.bool_(): "bool", pa.string(): "string"}
"""Of outputs whose own types nobody knows, by their columns' types."""


@dataclass(frozen=True)
class PredictionLogs:
    """The logs of one model.

    Attributes:
        model: the model.
        signature: the name of what is called; several names, joined by commas, where it is several signatures.
        examples: what the signature calls its serialized `tf.Example`s; None where it does not take them, or where
            nobody knows, as of a model behind a network: then the requests have no inputs, as tfx-bsl has it.
        outputs: what the signature says of each output, by the plan's name; nothing of a model that is no SavedModel.
    """

    model: ModelPlan
    signature: str
    examples: str | None
    outputs: Mapping[str, TensorSpec]

    @classmethod
    def of(cls, model: ModelPlan) -> PredictionLogs:
        """Read the model's signatures, if it is a SavedModel."""
        call = model.call
        if not isinstance(call, SavedModelCall):
            return cls(model, call.signature if isinstance(call, RemoteCall) else "", None, {})
        place = f"models.{model.name}.path"
        known = read_signatures(current(call.path, place).directory, place)
        called = {name: known[name] for name in call.signatures}
        examples = next(iter(known[call.signatures[0]].inputs)) if call.tensors is None else None
        return cls(model, ",".join(called), examples, _outputs(called))

    def __call__(self, batch: Batch) -> Iterator[pa.LargeBinaryArray]:
        """A serialized log for each answer of the batch; those with vectors of other lengths apart."""
        rows = batch.rows.filter(batch.column(self.model.column).is_valid())
        for alike in _of_equal_shapes(rows, self.model):
            yield self._logs(alike)

    def _logs(self, rows: pa.RecordBatch) -> pa.LargeBinaryArray:
        # The messages' classes import TensorFlow, which only a worker needs.
        from tensorflow_serving.apis.predict_pb2 import PredictRequest, PredictResponse
        from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog, PredictLog

        spec = {"name": self.model.name, "signature_name": self.signature}
        none = pa.repeat(pa.scalar(b"", pa.large_binary()), rows.num_rows)
        inputs = [entry(PredictRequest, "inputs", name, each) for name, each in self._inputs(rows).items()]
        outputs = [
            entry(PredictResponse, "outputs", each.name, self._output(rows, each)) for each in self.model.outputs
        ]
        request = joined(PredictRequest(model_spec=spec).SerializeToString(), none, *inputs)
        response = joined(PredictResponse(model_spec=spec).SerializeToString(), *outputs)
        log = joined(member(PredictLog, "request", request), member(PredictLog, "response", response))
        return member(PredictionLog, "predict_log", log)

    def _inputs(self, rows: pa.RecordBatch) -> dict[str, Tensors]:
        """What the model was given, by the signature's names."""
        call = self.model.call
        if self.examples is not None:
            shared = self.model.shares_examples
            examples = rows.column(features.EXAMPLE) if shared else features.encode(rows, self.model.features)
            return {self.examples: Tensors(examples, "string", (1,), rows.num_rows)}
        if isinstance(call, SavedModelCall) and call.tensors is not None:
            given = model_input(rows, self.model)
            assert isinstance(given, dict)
            return {each.name: _fed(given[each.name], each.dtype) for each in call.tensors}
        return {}

    def _output(self, rows: pa.RecordBatch, output: Output) -> Tensors:
        """An output in the signature's own type, or else in its column's."""
        values = model_output(rows, self.model.column, output.column)
        spec = self.outputs.get(output.name)
        listed = pa.types.is_list(output.type)
        kind = output.type.value_type if listed else output.type
        flat = values.flatten() if listed else values
        vector = listed or (spec is not None and len(spec.shape or ()) == 2)
        shape = (1, len(flat) // rows.num_rows) if vector else (1,)
        return Tensors(flat, _known(_DTYPES[kind] if spec is None else spec.dtype), shape, rows.num_rows)


def _outputs(called: Mapping[str, Signature]) -> dict[str, TensorSpec]:
    return {
        output if len(called) == 1 else f"{name}.{output}": spec
        for name, signature in called.items()
        for output, spec in signature.outputs.items()
    }


def _of_equal_shapes(rows: pa.RecordBatch, model: ModelPlan) -> Iterator[pa.RecordBatch]:
    """The rows, those with vectors of other lengths apart: calls of one batch may differ in that."""
    if rows.num_rows == 0:
        return
    columns = [model_output(rows, model.column, each.column) for each in model.outputs if pa.types.is_list(each.type)]
    lengths = np.array([pc.list_value_length(column).to_numpy() for column in columns]).T
    if not columns or (lengths == lengths[0]).all():
        yield rows
        return
    _, shapes = np.unique(lengths, axis=0, return_inverse=True)
    for shape in np.unique(shapes):
        yield rows.filter(pa.array(shapes.ravel() == shape))


def _fed(values: np.ndarray, dtype: str) -> Tensors:
    """An input tensor of shape [n] or [n, size]."""
    texts = values.dtype == object
    flat = pa.array(values.ravel().tolist(), pa.large_binary()) if texts else pa.array(values.ravel())
    return Tensors(flat, _known(dtype), (1, *values.shape[1:]), len(values))


def _known(dtype: str) -> str:
    return "float32" if dtype == "bfloat16" else dtype  # as the values are: numpy and Arrow have no such type
