"""TensorFlow SavedModels, loaded and called.

Each runs in a session of its own, as in TensorFlow Serving and tfx-bsl, and not as `tf.saved_model.load` has it. One
run answers several signatures out of one graph. A call stays in its caller's thread, so that one that hangs holds up no
other. And with the last reference to it a session gives up its variables, which `tf.saved_model.load` leaves to the
garbage collector, and those of many TensorFlow 1 exports to the end of the process.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import tensorflow as tf
from tensorflow.compat import v1
from tensorflow.core.protobuf import saved_model_pb2

from streaming.errors import PermanentError, one_line
from streaming.inputs import ModelInput, blank_input, model_input
from streaming.predictors import ModelUnavailableError, Outputs
from streaming.savedmodel.generations import SAVED_MODEL, fingerprint
from streaming.savedmodel.signatures import SERVE
from streaming.wiring import ModelPlan, SavedModelCall

_EXAMPLES = ""
"""What feeds a signature that takes serialized `tf.Example`s; no tensor has this name."""
_IN_CALLERS_THREAD = v1.RunOptions(inter_op_thread_pool=-1)
# What a session puts around a kernel's message: where the nodes of the graph are, and their names.
_NODES = re.compile(r"Graph execution error:|Detected at node .*?\nNode: '.*?'\n|\[\[\{\{.*?\}\}\]\]", re.DOTALL)

T = TypeVar("T")


class SavedModel:
    """One generation of a SavedModel, which any number of threads may call.

    Args:
        plan: what is called, a `SavedModelCall`, and the outputs that are wanted. An output goes by its signature's
            name for it, and by `SIGNATURE.OUTPUT` where there are several signatures.
        directory: of the SavedModel, local or gs://.
        version: of the generation; without it, the fingerprint.

    Raises:
        PermanentError: TensorFlow cannot load it, or it lacks a signature, input or output of the plan.
    """

    def __init__(self, plan: ModelPlan, directory: str, version: str | None = None) -> None:
        assert isinstance(plan.call, SavedModelCall)
        self._plan = plan
        try:
            self._load(plan.call, directory)
            self.fingerprint = fingerprint(directory)
        except Exception as error:  # what TensorFlow raises for a damaged file is not documented; all of it means: no
            wrong = f"TensorFlow cannot load {directory}: {_said(error)}"
            raise PermanentError(f"models.{plan.name}.path: {wrong}; export the model again") from error
        self.version = version or self.fingerprint

    def _load(self, call: SavedModelCall, directory: str) -> None:
        definitions = _signature_definitions(directory, call.signatures)
        graph = v1.Graph()
        self._placeholders = _placeholders(graph, call)
        fed = _fed(call, definitions, self._placeholders)
        self._session = v1.Session(graph=graph, config=_session_config())
        v1.saved_model.loader.load(self._session, [SERVE], directory, input_map=fed)
        self._outputs = {
            output: fed[name] if name in fed else graph.get_tensor_by_name(name)
            for output, name in _output_tensors(definitions).items()
        }
        self._wanted = {output.name: _get(self._outputs, output.name, "output") for output in self._plan.outputs}

    def call(self, taken: ModelInput) -> dict[str, np.ndarray]:
        """Every output of the signatures, by name, of shape [n, ...]; floating-point numbers as Arrow takes them.

        Args:
            taken: what the plan's call says, for n rows.

        Raises:
            tf.errors.OpError: the model refuses it.
            ModelUnavailableError: something that the model needs does not answer.
            ValueError: a tensor has another shape than the model takes.
        """
        return self._run(self._outputs, taken)

    def predict(self, rows: pa.RecordBatch) -> Outputs:
        """The outputs that the plan wants, for rows that are fit; errors as `call`. No other is computed."""
        return Outputs(self._run(self._wanted, model_input(rows, self._plan)))

    def warm(self) -> str | None:
        """Make the first call, which costs the most, with a row of zeros; what TensorFlow says if it is refused."""
        try:
            self._run(self._wanted, blank_input(self._plan))
        except (tf.errors.OpError, ValueError, ModelUnavailableError) as error:
            return one_line(error)
        return None

    def _run(self, fetches: Mapping[str, Any], taken: ModelInput) -> dict[str, np.ndarray]:
        values = taken if isinstance(taken, dict) else {_EXAMPLES: taken}
        feeds = {self._placeholders[name]: values[name] for name in self._placeholders}
        try:
            outputs = self._session.run(fetches, feeds, options=_IN_CALLERS_THREAD)
        except tf.errors.UnavailableError as error:
            raise ModelUnavailableError(_said(error)) from error
        except tf.errors.OpError as error:
            raise type(error)(None, None, _said(error)) from error
        return {name: _plain(values) for name, values in outputs.items()}


def _said(error: Exception) -> str:
    """What TensorFlow says, on one line, without the nodes of its graph."""
    words = error.message if isinstance(error, tf.errors.OpError) else one_line(error)
    return " ".join(_NODES.sub("", words).split())


def _session_config() -> v1.ConfigProto:
    """One thread for each of TensorFlow's pools, which sleeps when it has nothing to do.

    Dataflow starts a process for each core: more threads would fight over it. And a thread that goes on spinning after
    each call, as TensorFlow's do by default, doubles the CPU of a small model.
    """
    config = v1.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)
    config.experimental.disable_thread_spinning = True
    return config


def _signature_definitions(directory: str, signatures: Iterable[str]) -> dict[str, Any]:
    """What the graph says of the signatures, by name."""
    with tf.io.gfile.GFile(f"{directory}/{SAVED_MODEL}", "rb") as file:
        graphs = saved_model_pb2.SavedModel.FromString(file.read()).meta_graphs
    by_tags = {" and ".join(sorted(graph.meta_info_def.tags)): graph.signature_def for graph in graphs}
    known = _get(by_tags, SERVE, "graph with the tag")
    own = {name: definition for name, definition in known.items() if not name.startswith("__")}
    return {name: _get(own, name, "signature") for name in signatures}


def _placeholders(graph: v1.Graph, call: SavedModelCall) -> dict[str, Any]:
    """What the model is to take, by the name of what feeds it."""
    with graph.as_default(), graph.name_scope("pubsub_inference"):  # where no name of the model's own can be
        if call.tensors is None:
            return {_EXAMPLES: v1.placeholder(tf.string, [None])}
        return {
            tensor.name: v1.placeholder(tensor.dtype, [None] if tensor.size is None else [None, tensor.size])
            for tensor in call.tensors
        }


def _fed(call: SavedModelCall, definitions: Mapping[str, Any], placeholders: Mapping[str, Any]) -> dict[str, Any]:
    """The placeholder for each tensor of the model's graph that a signature takes.

    Where each of several signatures has `tf.Example`s of its own, as in TensorFlow 2, all get the same placeholder, or
    the optimizer would not see that they parse the same and have it done once.
    """
    fed: dict[str, Any] = {}
    for signature, definition in definitions.items():
        if call.tensors is None and len(definition.inputs) != 1:
            taken = ", ".join(sorted(definition.inputs)) or "nothing"
            raise ValueError(f"signature {signature} takes {taken}, not tf.Examples alone")
        for name, info in definition.inputs.items():
            feature = _EXAMPLES if call.tensors is None else name
            placeholder = _get(placeholders, feature, f"feature for the input of signature {signature}:")
            if fed.setdefault(info.name, placeholder) is not placeholder:
                raise ValueError(f"input {name} of signature {signature} has another name in an earlier signature")
    return fed


def _output_tensors(definitions: Mapping[str, Any]) -> dict[str, str]:
    """The names of the graph's tensors that are the signatures' outputs, but for sparse and ragged ones."""
    return {
        output if len(definitions) == 1 else f"{signature}.{output}": info.name
        for signature, definition in definitions.items()
        for output, info in definition.outputs.items()
        if info.HasField("name")
    }


def _get(there: Mapping[str, T], name: str, kind: str) -> T:
    if name not in there:
        raise ValueError(f"there is no {kind} {name}, only {', '.join(sorted(there)) or 'none'}")
    return there[name]


def _plain(values: Any) -> np.ndarray:
    """An output as numpy knows it by itself: a scalar as an array, and bfloat16, which Arrow has not, as float32."""
    plain = np.asarray(values)
    return plain.astype(np.float32) if plain.dtype == tf.bfloat16.as_numpy_dtype else plain
