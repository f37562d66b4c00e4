"""SavedModels of each kind that serving knows: classify, regress, predict, several signatures, raw tensors.

Those that take `tf.Example`s parse `FEATURES`, each of which may be missing, into the same hidden layer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.compat import v1

FEATURES = {
    "x": tf.io.FixedLenFeature([], tf.float32, 0.5),
    "count": tf.io.FixedLenFeature([], tf.int64, 7),
    "kind": tf.io.FixedLenFeature([], tf.string, "unknown"),
    "samples": tf.io.VarLenFeature(tf.float32),
}
LABELS = ["idle", "läuft", "broken"]
WEIGHTS = np.array([[0.5, -1.0, 0.25], [0.125, 0.3, -0.2], [-0.7, 0.1, 0.4], [0.2, 0.6, -0.9]], np.float32)


def save_classifier(directory: Path) -> None:
    """Classes and scores [n, 3], the best first."""
    _save_classic(directory, lambda examples, hidden: {"serving_default": _classify(examples, hidden)})


def save_regressor(directory: Path) -> None:
    """Outputs [n, 1]."""
    _save_classic(directory, lambda examples, hidden: {"serving_default": _regress(examples, hidden)})


def save_predictor(directory: Path) -> None:
    """An output of each type: `hidden` [n, 3], `total` and `label` [n, 1], `rank` [n]."""

    def signatures(examples: Any, hidden: Any) -> dict[str, Any]:
        return {"serving_default": v1.saved_model.predict_signature_def({"examples": examples}, _outputs(hidden))}

    _save_classic(directory, signatures)


def save_multi_head(directory: Path) -> None:
    """The signatures `classify` and `regress` of one graph, and `calls`: how often the hidden layer has run."""

    def signatures(examples: Any, hidden: Any) -> dict[str, Any]:
        calls = v1.get_variable("calls", initializer=np.int64(0), use_resource=True)
        with v1.control_dependencies([calls.assign_add(1)]):
            counted = tf.identity(hidden)
        with v1.control_dependencies([counted]):
            told = tf.fill(tf.shape(examples), calls.read_value())
        return {
            "classify": _classify(examples, counted),
            "regress": _regress(examples, counted),
            "calls": v1.saved_model.predict_signature_def({"examples": examples}, {"calls": told}),
        }

    _save_classic(directory, signatures)


def save_modern_predictor(directory: Path) -> None:
    """As `save_predictor`, by TensorFlow 2."""
    _save_modern(directory, {"serving_default": _outputs})


def save_modern_multi_head(directory: Path) -> None:
    """The signatures `state` (outputs `label` and `rank`) and `level` (output `total`) of TensorFlow 2."""

    def state(hidden: Any) -> dict[str, Any]:
        return {name: _outputs(hidden)[name] for name in ("label", "rank")}

    def level(hidden: Any) -> dict[str, Any]:
        return {"total": _outputs(hidden)["total"]}

    _save_modern(directory, {"state": state, "level": level})


def save_tensors(directory: Path) -> None:
    """Takes `price` float32 [n, 1], `count` int64 [n] and `kind` string [n]; gives `cost` [n, 1] and `text` [n]."""

    def compute(price: Any, count: Any, kind: Any) -> dict[str, Any]:
        return {
            "cost": price * tf.cast(count, tf.float32)[:, None],
            "text": tf.strings.join([kind, tf.strings.as_string(count)], " "),
        }

    _save_raw(directory, compute, price=([None, 1], tf.float32), count=([None], tf.int64), kind=([None], tf.string))


def save_text(directory: Path) -> None:
    """Takes `text` string [n], which is no `tf.Example`; gives its `length` [n]."""
    _save_raw(directory, lambda text: {"length": tf.strings.length(text)}, text=([None], tf.string))


def save_vector(directory: Path) -> None:
    """Takes `v` float32 [n, 3]; gives `norm` [n] and `twice` [n, 3]."""

    def compute(v: Any) -> dict[str, Any]:
        return {"norm": tf.norm(v, axis=1), "twice": v * 2.0}

    _save_raw(directory, compute, v=([None, 3], tf.float32))


def save_half(directory: Path) -> None:
    """Takes `v` bfloat16 [n]; gives it back as `brain` [n] and, as float16, `half` [n]."""
    _save_raw(directory, lambda v: {"brain": tf.identity(v), "half": tf.cast(v, tf.float16)}, v=([None], tf.bfloat16))


def save_passing(directory: Path) -> None:
    """Takes `text` string [n]; gives it back as `given` [n], and its `length` [n].

    The signature `renamed` is the same, but for the input's name, `words`.
    """
    with v1.Graph().as_default(), v1.Session() as session:
        text = v1.placeholder(tf.string, [None])
        outputs = {"given": text, "length": tf.strings.length(text)}
        names = {"serving_default": "text", "renamed": "words"}
        predict = v1.saved_model.predict_signature_def
        _build(directory, session, {each: predict({name: text}, outputs) for each, name in names.items()})


def save_half_broken(directory: Path) -> None:
    """A model whose output `bad` raises for every text, and `length` for none."""
    with v1.Graph().as_default(), v1.Session() as session:
        text = v1.placeholder(tf.string, [None])
        outputs = {"bad": tf.strings.to_number(tf.strings.join(["no ", text])), "length": tf.strings.length(text)}
        _build(directory, session, {"serving_default": v1.saved_model.predict_signature_def({"text": text}, outputs)})


def save_waiting(directory: Path) -> None:
    """Takes `entered` and `leave`, paths of pipes, string [1], and gives them back as `done` [1].

    It writes to both, one after the other, and to write to a pipe is to wait until somebody reads it.
    """

    def compute(entered: Any, leave: Any) -> dict[str, Any]:
        with tf.control_dependencies([tf.io.write_file(entered[0], "in")]):
            written = tf.io.write_file(leave[0], "out")
        with tf.control_dependencies([written]):
            return {"done": tf.strings.join([entered, leave], " ")}

    _save_raw(directory, compute, entered=([1], tf.string), leave=([1], tf.string))


def _hidden(examples: Any, weights: Any) -> Any:
    parsed = tf.io.parse_example(examples, FEATURES)
    columns = [
        parsed["x"],
        tf.cast(parsed["count"], tf.float32),
        tf.cast(tf.strings.length(parsed["kind"]), tf.float32),
        tf.sparse.reduce_sum(parsed["samples"], 1),
    ]
    return tf.tanh(tf.matmul(tf.reshape(tf.stack(columns, 1), [-1, 4]), weights))


def _outputs(hidden: Any) -> dict[str, Any]:
    rank = tf.argmax(hidden, 1)
    label = tf.gather(tf.constant(LABELS), rank)[:, None]  # tfx-bsl stumbles over texts of shape [n]
    return {"hidden": hidden, "total": tf.reduce_sum(hidden, 1, keepdims=True), "rank": rank, "label": label}


def _classify(examples: Any, hidden: Any) -> Any:
    scores, order = tf.nn.top_k(tf.nn.softmax(hidden), 3)
    return v1.saved_model.classification_signature_def(examples, tf.gather(tf.constant(LABELS), order), scores)


def _regress(examples: Any, hidden: Any) -> Any:
    return v1.saved_model.regression_signature_def(examples, _outputs(hidden)["total"])


def _save_classic(directory: Path, signatures: Callable[[Any, Any], Mapping[str, Any]]) -> None:
    """A SavedModel of TensorFlow 1, whose signatures share their examples and their hidden layer."""
    with v1.Graph().as_default(), v1.Session() as session:
        examples = v1.placeholder(tf.string, [None])
        weights = v1.get_variable("weights", initializer=WEIGHTS, use_resource=False)
        definitions = signatures(examples, _hidden(examples, weights))
        session.run(v1.global_variables_initializer())
        _build(directory, session, definitions)


def _build(directory: Path, session: Any, definitions: Mapping[str, Any]) -> None:
    builder = v1.saved_model.builder.SavedModelBuilder(str(directory))
    builder.add_meta_graph_and_variables(session, ["serve"], signature_def_map=definitions)
    builder.save()


def _save_modern(directory: Path, heads: Mapping[str, Callable[[Any], Mapping[str, Any]]]) -> None:
    """A SavedModel of TensorFlow 2, with a function for each signature, which parses for itself."""
    module = tf.Module()
    module.weights = tf.Variable(WEIGHTS)

    def signature(head: Callable[[Any], Mapping[str, Any]]) -> Any:
        specs = [tf.TensorSpec([None], tf.string, name="examples")]
        return tf.function(lambda examples: head(_hidden(examples, module.weights)), input_signature=specs)

    tf.saved_model.save(module, str(directory), signatures={name: signature(head) for name, head in heads.items()})


def _save_raw(
    directory: Path, compute: Callable[..., Mapping[str, Any]], **inputs: tuple[list[int | None], Any]
) -> None:
    """A SavedModel of TensorFlow 2 that takes tensors, each of its shape and type."""
    specs = [tf.TensorSpec(shape, dtype, name=name) for name, (shape, dtype) in inputs.items()]
    signature = tf.function(compute, input_signature=specs)
    tf.saved_model.save(tf.Module(), str(directory), signatures={"serving_default": signature})
