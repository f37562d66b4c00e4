"""The signatures of a SavedModel, read from `saved_model.pb` alone: no variable is loaded, no code run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

from streaming.errors import Mistakes
from streaming.files import read_file
from streaming.savedmodel.graph import Graph
from streaming.savedmodel.parsed_features import ParsedFeature, parsed_features

SERVE = "serve"


@dataclass(frozen=True)
class TensorSpec:
    """A tensor's TensorFlow type name, as in `float32`, and its shape: None for an unknown size or rank."""

    dtype: str
    shape: tuple[int | None, ...] | None


@dataclass(frozen=True)
class Signature:
    """What a signature takes and gives, by name.

    Attributes:
        inputs: the tensors it takes.
        outputs: the tensors it gives.
        features: what it parses out of serialized `tf.Example`s, by name; None where that cannot be told.
    """

    inputs: Mapping[str, TensorSpec]
    outputs: Mapping[str, TensorSpec]
    features: tuple[ParsedFeature, ...] | None = None


def read_signatures(directory: str, place: str) -> dict[str, Signature]:
    """The signatures of the SavedModel in `directory` for the tag `serve`, by name.

    Args:
        directory: local or gs://.
        place: the key of the job file that names the model, for the error message.

    Raises:
        Mistakes: there is no SavedModel, it is corrupt, or it has no graph for serving.
    """
    from google.protobuf.message import DecodeError
    from tensorflow.core.protobuf import saved_model_pb2  # costs seconds: imported when a model is looked at

    saved_model = saved_model_pb2.SavedModel()
    file = f"{directory}/saved_model.pb"
    try:
        saved_model.ParseFromString(read_file(file, place))
    except DecodeError as error:
        raise Mistakes([f"{place}: {file} is corrupt ({error}); export the model again"]) from error
    for graph in saved_model.meta_graphs:
        if set(graph.meta_info_def.tags) == {SERVE}:
            return _signatures(graph)
    raise Mistakes([f"{place}: {file} has no graph with the tag {SERVE!r} alone; export the model for serving"])


def _signatures(graph: Any) -> dict[str, Signature]:
    nodes = Graph(graph.graph_def)
    return {name: _signature(each, nodes) for name, each in graph.signature_def.items() if not name.startswith("__")}


def _signature(definition: Any, graph: Graph) -> Signature:
    return Signature(
        {name: _spec(info) for name, info in sorted(definition.inputs.items())},
        {name: _spec(info) for name, info in sorted(definition.outputs.items())},
        parsed_features(graph, _tensors(definition.inputs), _tensors(definition.outputs)),
    )


def _tensors(infos: Mapping[str, Any]) -> list[str]:
    """The tensors' names in the graph. A sparse one is three."""
    sparse = [info.coo_sparse for info in infos.values() if info.HasField("coo_sparse")]
    names = [info.name for info in infos.values() if info.HasField("name")]
    parts = ((each.values_tensor_name, each.indices_tensor_name, each.dense_shape_tensor_name) for each in sparse)
    return [*names, *chain.from_iterable(parts)]


def _spec(info: Any) -> TensorSpec:
    from tensorflow.core.framework import types_pb2

    names = {number: name.removeprefix("DT_").lower() for name, number in types_pb2.DataType.items()}
    dtype = names.get(info.dtype, f"unknown_{info.dtype}")  # a later TensorFlow may know more types
    dtype = {"float": "float32", "double": "float64", "half": "float16"}.get(dtype, dtype)
    if info.tensor_shape.unknown_rank:
        return TensorSpec(dtype, None)
    return TensorSpec(dtype, tuple(None if dim.size < 0 else dim.size for dim in info.tensor_shape.dim))
