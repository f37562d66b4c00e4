"""The signatures of a SavedModel, read from `saved_model.pb` alone: no variable is loaded, no code run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from streaming.errors import Mistakes
from streaming.files import read_file

SERVE = "serve"


@dataclass(frozen=True)
class TensorSpec:
    """A tensor's TensorFlow type name, as in `float32`, and its shape: None for an unknown size or rank."""

    dtype: str
    shape: tuple[int | None, ...] | None


@dataclass(frozen=True)
class Signature:
    """What a signature takes and gives, by name."""

    inputs: Mapping[str, TensorSpec]
    outputs: Mapping[str, TensorSpec]


def read_signatures(path: str, place: str) -> dict[str, Signature]:
    """The signatures of the SavedModel directory at `path` for the tag `serve`, by name.

    Args:
        path: local or gs://.
        place: the key of the job file that names the model, for the error message.

    Raises:
        Mistakes: there is no SavedModel, it is corrupt, or it has no graph for serving.
    """
    from google.protobuf.message import DecodeError
    from tensorflow.core.protobuf import saved_model_pb2  # costs seconds: imported when a model is looked at

    saved_model = saved_model_pb2.SavedModel()
    file = f"{path}/saved_model.pb"
    try:
        saved_model.ParseFromString(read_file(file, place))
    except DecodeError as error:
        raise Mistakes([f"{place}: {file} is corrupt ({error}); export the model again"]) from error
    for graph in saved_model.meta_graphs:
        if set(graph.meta_info_def.tags) == {SERVE}:
            return {name: _signature(each) for name, each in graph.signature_def.items() if not name.startswith("__")}
    raise Mistakes([f"{place}: {file} has no graph with the tag {SERVE!r} alone; export the model for serving"])


def _signature(definition: Any) -> Signature:
    return Signature(
        {name: _spec(info) for name, info in sorted(definition.inputs.items())},
        {name: _spec(info) for name, info in sorted(definition.outputs.items())},
    )


def _spec(info: Any) -> TensorSpec:
    from tensorflow.core.framework import types_pb2

    dtype = types_pb2.DataType.Name(info.dtype).removeprefix("DT_").lower()
    dtype = {"float": "float32", "double": "float64", "half": "float16"}.get(dtype, dtype)
    if info.tensor_shape.unknown_rank:
        return TensorSpec(dtype, None)
    return TensorSpec(dtype, tuple(None if dim.size < 0 else dim.size for dim in info.tensor_shape.dim))
