"""A schema, small `saved_model.pb` files and job files, as the tests of the contract need them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf
from tensorflow.core.framework.types_pb2 import DataType
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from streaming.contract import check
from streaming.errors import Mistakes
from streaming.job import parse_job
from streaming.wiring import Contract

FIELDS = {
    "device_id": "string",
    "time": {"type": "long", "logicalType": "timestamp-micros"},
    "day": {"type": "int", "logicalType": "date"},
    "value": "double",
    "count": ["null", "int"],
    "active": "boolean",
    "kind": {"type": "enum", "name": "Kind", "symbols": ["A", "B"]},
    "tags": {"type": "array", "items": "string"},
    "series": {"type": "array", "items": "double"},
    "raw": "bytes",
    "place": {"type": "record", "name": "Place", "fields": [{"name": "lat", "type": "double"}]},
}
Tensors = Mapping[str, tuple[str, tuple[int | None, ...] | None]]
EXAMPLES: Tensors = {"examples": ("STRING", (None,))}
PREDICTION: Tensors = {"output_0": ("FLOAT", (None, 1))}
X: Mapping[str, Any] = {"x": tf.io.FixedLenFeature([], tf.float32)}


def save(directory: Path, outputs: Tensors = PREDICTION, inputs: Tensors = EXAMPLES) -> None:
    """The `saved_model.pb` of a model with one signature, `serving_default`: all that the contract looks at."""
    save_signatures(directory, {"serving_default": (inputs, outputs)})


def save_signatures(directory: Path, signatures: Mapping[str, tuple[Tensors, Tensors]]) -> None:
    """As `save`, of a model with several signatures: what each takes and gives."""
    model = SavedModel()
    graph = model.meta_graphs.add()
    graph.meta_info_def.tags.append("serve")
    for name, (inputs, outputs) in signatures.items():
        definition = graph.signature_def[name]
        _describe(definition.inputs, inputs)
        _describe(definition.outputs, outputs)
    _write(directory, model)


def save_parsing(directory: Path, **signatures: Mapping[str, Any]) -> None:
    """As `save`, of signatures that parse: for each the specs of `tf.io.parse_example`, a dense one among them."""
    model = SavedModel()
    graph = model.meta_graphs.add()
    graph.meta_info_def.tags.append("serve")
    with tf.Graph().as_default() as nodes:
        for name, specs in signatures.items():
            examples = tf.compat.v1.placeholder(tf.string, [None])
            output = next(each for each in tf.io.parse_example(examples, specs).values() if isinstance(each, tf.Tensor))
            definition = graph.signature_def[name]
            _describe(definition.inputs, EXAMPLES, examples.name)
            _describe(definition.outputs, PREDICTION, output.name)
    graph.graph_def.CopyFrom(nodes.as_graph_def())
    _write(directory, model)


def _describe(infos: Any, tensors: Tensors, tensor_name: str = "") -> None:
    for name, (dtype, shape) in tensors.items():
        infos[name].dtype = DataType.Value(f"DT_{dtype}")
        infos[name].tensor_shape.unknown_rank = shape is None
        infos[name].name = tensor_name
        for size in shape or ():
            infos[name].tensor_shape.dim.add().size = -1 if size is None else size


def _write(directory: Path, model: Any) -> None:
    directory.mkdir(parents=True)
    (directory / "saved_model.pb").write_bytes(model.SerializeToString())


def save_cases(directory: Path) -> Path:
    """The schema, and the models that several tests name."""
    fields = [{"name": name, "type": kind} for name, kind in FIELDS.items()]
    (directory / "s.avsc").write_text(json.dumps({"type": "record", "name": "Reading", "fields": fields}))
    save(directory / "m")
    save(directory / "labels", {"output_0": ("STRING", (None,)), "scores": ("FLOAT", (None, 3))})
    save(directory / "typed", {name: (dtype, (None,)) for name, dtype in _TYPED.items()})
    save(directory / "tensor", inputs={"x": ("FLOAT", (None, 1))})
    return directory


_TYPED = {"whole": "INT64", "text": "STRING", "flag": "BOOL", "number": "FLOAT"}


def contract(directory: Path, text: str) -> Contract:
    return check(parse_job(text, f"{directory}/job.yaml"))


def job(
    models: str = "m: {path: m}",
    message: str = "format: avro, schema: s.avsc, key: device_id, event_time: time",
    features: str = "x: value",
) -> str:
    rest = f"features: {{{features}}}\n" if features else ""
    return f"message: {{{message}}}\nwindow: {{fixed: 60s}}\nmodels: {{{models}}}\n{rest}"


def mistakes(directory: Path, text: str) -> list[str]:
    with pytest.raises(Mistakes) as caught:
        contract(directory, text)
    return [line.replace(str(directory), "DIR") for line in caught.value.lines]
