"""Small batches and model plans, as the steps before would have made them, and small SavedModels."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from streaming.batches import ENVELOPE, TIMESTAMP, Batch, answer_type, field_column
from streaming.wiring import FeatureColumn, ModelPlan, Output, SavedModelCall, Selection

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
PREDICTION = Output("output_0", "prediction", pa.float64())
X = FeatureColumn("x", field_column("value"), pa.float64())


def envelope(row: int) -> dict[str, Any]:
    """The envelope of message `row`: every column filled."""
    return {
        "id": f"id-{row}",
        "message_id": f"message-{row}",
        "publish_time": START + timedelta(seconds=row, milliseconds=500),
        "key": f"device-{row % 3}",
        "event_time": START + timedelta(seconds=row),
        "attributes": [("row", str(row))],
        "payload": f"payload-{row}".encode(),
    }


def batch(rows: int, **fields: pa.Array) -> Batch:
    """So many messages, with a column for each field."""
    built = Batch(pa.RecordBatch.from_pylist([envelope(row) for row in range(rows)], schema=ENVELOPE))
    for name, values in fields.items():
        built = built.with_column(field_column(name), values)
    return built


def readings(values: Sequence[float | None]) -> Batch:
    """Messages with one field, `value`."""
    return batch(len(values), value=pa.array(values, pa.float64()))


def windowed(built: Batch) -> Batch:
    """The batch with the window of one minute from `START` in every row."""
    for name, time in (("window_start", START), ("window_end", START + timedelta(minutes=1))):
        built = built.with_column(name, pa.array([time] * len(built), TIMESTAMP))
    return built


def plan(
    name: str = "times5",
    path: str = "",
    outputs: Sequence[Output] = (PREDICTION,),
    features: Sequence[FeatureColumn] | None = None,
    **rest: Any,
) -> ModelPlan:
    """A SavedModel that takes the job's `tf.Example`, of the feature `X`, or features of its own.

    `rest` are more attributes of the plan.
    """
    own = (X,) if features is None else tuple(features)
    fed_by = tuple(dict.fromkeys(feature.column for feature in own if feature.output is not None))
    usual: dict[str, Any] = {"call": SavedModelCall(path), "takes": Selection(fed_by)}
    return ModelPlan(name, outputs=tuple(outputs), features=own, shares_examples=features is None, **(usual | rest))


def answered(built: Batch, model: ModelPlan, answers: Sequence[dict[str, Any] | None]) -> Batch:
    """The batch with a model's answers: its outputs by column, or None for a row without an answer.

    An answer may name constants of its own, as in `(model_version)`.
    """
    constants = {
        "(model_version)": "v1",
        "(model_fingerprint)": "f1",
        "(processed_at)": START + timedelta(minutes=2),
        "(batch_size)": len(answers),
    }
    whole = [None if answer is None else constants | answer for answer in answers]
    return built.with_column(model.column, pa.array(whole, answer_type(model.fields)))


def save_model(directory: Path, compute: Callable[[Any], Mapping[str, Any]], tracked: object = None) -> None:
    """A SavedModel as tf.Module makes it.

    Args:
        directory: where it is saved.
        compute: the signature's outputs for the feature x, a float32 tensor of shape [n, 1].
        tracked: the variable that `compute` uses.
    """
    import tensorflow as tf

    module = tf.Module()
    module.tracked = tracked
    signature = tf.function(
        lambda examples: compute(_parsed(examples)),
        input_signature=[tf.TensorSpec([None], tf.string, name="examples")],
    )
    tf.saved_model.save(module, str(directory), signatures={"serving_default": signature})


def _parsed(examples: Any) -> Any:
    import tensorflow as tf

    return tf.io.parse_example(examples, {"x": tf.io.FixedLenFeature([1], tf.float32)})["x"]


def save_multiplier(directory: Path, factor: float) -> None:
    """A model that multiplies x, by a variable."""
    import tensorflow as tf

    variable = tf.Variable(factor, dtype=tf.float32)
    save_model(directory, lambda x: {"output_0": x * variable}, variable)


def save_picky(directory: Path, refused: float) -> None:
    """A model that gives x back, and raises for a batch in which it is `refused`."""
    import tensorflow as tf

    def compute(x: Any) -> dict[str, Any]:
        tf.debugging.assert_none_equal(x, refused, message=f"no {refused}")
        return {"output_0": tf.identity(x)}

    save_model(directory, compute)


def save_looping(directory: Path, endless: float) -> None:
    """A model that gives x back, and never ends for a batch in which it is `endless`."""
    import tensorflow as tf

    def compute(x: Any) -> dict[str, Any]:
        stuck = tf.reduce_any(tf.equal(x, endless))
        return {"output_0": tf.while_loop(lambda _: stuck, lambda y: (y + 0.0,), (x,))[0]}

    save_model(directory, compute)


def save_root(directory: Path) -> None:
    """A model that answers NaN for a negative x."""
    import tensorflow as tf

    save_model(directory, lambda x: {"output_0": tf.sqrt(x)})


def save_many_outputs(directory: Path) -> None:
    """A model with an output of each type: `scores` of shape [n, 3], `label` [n], `count` and `high` [n, 1]."""
    import tensorflow as tf

    def compute(x: Any) -> dict[str, Any]:
        return {
            "scores": tf.concat([x, 2.0 * x, 3.0 * x], 1),
            "label": tf.strings.as_string(tf.squeeze(x, 1), precision=1),
            "count": tf.cast(x, tf.int32),
            "high": x > 10.0,
        }

    save_model(directory, compute)


def save_dropping(directory: Path) -> None:
    """A model that answers only where x is positive."""
    import tensorflow as tf

    save_model(directory, lambda x: {"output_0": tf.boolean_mask(x, x[:, 0] > 0.0)})


def save_keras(directory: Path, factor: float) -> None:
    """A multiplier as Keras 3 exports it."""
    import keras
    import tensorflow as tf

    dense = keras.layers.Dense(1, use_bias=False, kernel_initializer=keras.initializers.Constant(factor))
    model = keras.Sequential([keras.Input((1,)), dense])
    archive = keras.export.ExportArchive()
    archive.track(model)
    signature = [tf.TensorSpec([None], tf.string, name="examples")]
    archive.add_endpoint("serving_default", lambda examples: model(_parsed(examples)), input_signature=signature)
    archive.write_out(str(directory), verbose=False)


def save_classic(directory: Path, factor: float, tags: Sequence[str] = ("serve",)) -> None:
    """A multiplier as TensorFlow 1 exports it, for each of the tags; its tensors are `inputs` and `scores`."""
    from tensorflow.compat import v1

    builder = v1.saved_model.builder.SavedModelBuilder(str(directory))
    with v1.Graph().as_default(), v1.Session() as session:
        examples = v1.placeholder(v1.string, [None])
        scores = _parsed(examples) * v1.get_variable("factor", initializer=factor, use_resource=False)
        session.run(v1.global_variables_initializer())
        signature = v1.saved_model.predict_signature_def({"inputs": examples}, {"scores": scores})
        signatures = {"serving_default": signature}
        first, *others = ({"tags": tag.split("+"), "signature_def_map": signatures} for tag in tags)
        builder.add_meta_graph_and_variables(session, **first)
        for other in others:
            builder.add_meta_graph(**other)
    builder.save()
