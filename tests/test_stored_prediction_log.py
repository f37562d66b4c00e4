"""Prediction logs: equal to what tfx-bsl's RunInference gives for the same examples, and read back with its types."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import apache_beam as beam
import pyarrow as pa
import pytest
import tensorflow as tf
from apache_beam.io.tfrecordio import ReadFromTFRecord
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.util import assert_that, equal_to
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog
from tfx_bsl.beam.run_inference import create_model_handler
from tfx_bsl.public.proto import model_spec_pb2

from streaming.batches import Batch
from streaming.features import ToExamples
from streaming.inference import infer
from streaming.models.saved_model import SavedModel
from streaming.stored.prediction_log import PredictionLogFiles
from streaming.wiring import EnsembleCall, FeatureColumn, Member, ModelPlan, Output, RemoteCall, SavedModelCall, Tensor
from tests.builders import X, plan, readings, save_keras, save_many_outputs, save_multiplier
from tests.builders import answered as with_answers

MANY = (
    Output("scores", "scores", pa.list_(pa.float64())),
    Output("label", "label", pa.string()),
    Output("count", "count", pa.int64()),
    Output("high", "high", pa.bool_()),
)
VALUES = [1.0, -2.5, 13.0]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("models")
    save_multiplier(directory / "times5", 5.0)
    save_keras(directory / "keras", 3.0)
    save_many_outputs(directory / "many")
    return directory


def answered(model: ModelPlan, values: Sequence[float | None] = VALUES) -> Batch:
    """Readings that the SavedModel has answered."""
    return answered_by(model, ToExamples([X])(readings(values)))


def answered_by(model: ModelPlan, batch: Batch) -> Batch:
    assert isinstance(model.call, SavedModelCall)
    return infer(batch, model, SavedModel(model, model.call.path))


def written(directory: Path, models: Sequence[ModelPlan], *batches: Batch) -> dict[str, list[Any]]:
    """The logs of one bundle, by model, as tf.data and tfx-bsl's own messages read them."""
    writer = PredictionLogFiles(str(directory), tuple(models), "hash").writer()
    for batch in batches:
        writer.write(batch)
    writer.close()
    return {model.name: logs(directory / "prediction_logs" / model.name) for model in models}


def logs(directory: Path) -> list[Any]:
    files = [str(path) for path in sorted(directory.glob("part-*.tfrecord"))]
    return [PredictionLog.FromString(record.numpy()) for record in tf.data.TFRecordDataset(files)]


def of_tfx_bsl(model: ModelPlan, examples: Sequence[bytes]) -> list[Any]:
    """What tfx-bsl's `RunInference` makes of examples; it does not say the model's name."""
    assert isinstance(model.call, SavedModelCall)
    saved = model_spec_pb2.SavedModelSpec(model_path=model.call.path, signature_name=list(model.call.signatures))
    handler = create_model_handler(model_spec_pb2.InferenceSpecType(saved_model_spec=saved), None, None)
    found = list(handler.run_inference(list(examples), handler.load_model()))
    for log in found:
        log.predict_log.request.model_spec.name = log.predict_log.response.model_spec.name = model.name
    return found


def test_logs_are_what_tfx_bsl_makes_of_the_same_examples(models: Path, tmp_path: Path) -> None:
    plans = [plan(name, str(models / name)) for name in ("times5", "keras")]
    batch = ToExamples([X])(readings(VALUES))
    for model in plans:
        batch = answered_by(model, batch)
    found = written(tmp_path, plans, batch)
    assert found == {model.name: of_tfx_bsl(model, batch.column("example").to_pylist()) for model in plans}
    assert [log.predict_log.response.outputs["output_0"].float_val[0] for log in found["times5"]] == [5.0, -12.5, 65.0]


def test_outputs_of_every_type_are_as_tensorflow_makes_tensors_of_them(models: Path, tmp_path: Path) -> None:
    many = plan("many", str(models / "many"), MANY)  # which tfx-bsl cannot log, because of its texts
    batch = answered(many)
    raw = SavedModel(many, str(models / "many")).call(batch.column("example").to_pylist())
    found = [dict(log.predict_log.response.outputs) for log in written(tmp_path, [many], batch)["many"]]
    assert found == [
        {name: tf.make_tensor_proto(values[row : row + 1]) for name, values in raw.items()} for row in range(3)
    ]


def test_there_is_a_log_for_each_answer_and_several_batches_share_a_file(models: Path, tmp_path: Path) -> None:
    times5 = plan("times5", str(models / "times5"))
    first, second = answered(times5, [1.0, None, 3.0]), answered(times5, [4.0])
    found = written(tmp_path, [times5], first, second)
    assert answers(found["times5"]) == [5.0, 15.0, 20.0]
    assert len(list((tmp_path / "prediction_logs" / "times5").iterdir())) == 1


def answers(logs: Sequence[Any], output: str = "output_0") -> list[Any]:
    return [tf.make_ndarray(log.predict_log.response.outputs[output]).reshape(-1).tolist()[0] for log in logs]


def test_a_model_with_features_of_its_own_is_logged_with_its_own_examples(models: Path, tmp_path: Path) -> None:
    times5 = plan("times5", str(models / "times5"))
    fed = FeatureColumn("x", "model:times5", pa.float64(), "prediction")
    second = plan("second", str(models / "times5"), features=[fed])
    found = written(tmp_path, [times5, second], answered_by(second, answered(times5)))
    inputs = [log.predict_log.request.inputs["examples"].string_val[0] for log in found["second"]]
    values = [tf.train.Example.FromString(each).features.feature["x"].float_list.value[0] for each in inputs]
    assert values == [5.0, -12.5, 65.0]
    assert answers(found["second"]) == [25.0, -62.5, 325.0]
    assert found["second"] == of_tfx_bsl(second, inputs)


def test_an_answer_without_any_is_no_log_and_no_file(models: Path, tmp_path: Path) -> None:
    times5 = plan("times5", str(models / "times5"))
    assert written(tmp_path, [times5], answered(times5, [None]), answered(times5, [])) == {"times5": []}
    assert not (tmp_path / "prediction_logs").exists()


def test_vectors_of_several_lengths_keep_theirs(models: Path, tmp_path: Path) -> None:
    remote = plan(
        "remote",
        outputs=[Output("v", "v", pa.list_(pa.float64())), Output("t", "t", pa.list_(pa.string()))],
        call=RemoteCall("http://host/v1/models/remote", "embed"),
    )
    vectors = [{"v": [1.0, 2.0], "t": ["a", "b"]}, {"v": [], "t": ["é"]}, {"v": [3.0, 4.0], "t": ["", "d"]}]
    batch = with_answers(readings(VALUES), remote, vectors)
    found = written(tmp_path, [remote], batch)["remote"]
    both = [(array(log, "v"), array(log, "t")) for log in found]
    assert sorted(both) == [
        ([[]], [["é".encode()]]),
        ([[1.0, 2.0]], [[b"a", b"b"]]),
        ([[3.0, 4.0]], [[b"", b"d"]]),
    ]
    spec = {
        (log.predict_log.request.model_spec.name, log.predict_log.response.model_spec.signature_name) for log in found
    }
    assert spec == {("remote", "embed")}
    assert [dict(log.predict_log.request.inputs) for log in found] == [{}, {}, {}]


def array(log: Any, output: str) -> Any:
    return tf.make_ndarray(log.predict_log.response.outputs[output]).tolist()


def test_an_ensemble_s_log_has_its_output_alone(tmp_path: Path) -> None:
    call = EnsembleCall("mean", (Member("model:a", "prediction"), Member("model:b", "prediction")))
    mean = plan("mean", outputs=[Output("mean", "prediction", pa.float64())], features=[], call=call)
    (log,) = written(tmp_path, [mean], with_answers(readings([1.0]), mean, [{"prediction": 7.5}]))["mean"]
    assert log.predict_log.response.outputs["mean"].double_val == [7.5]
    assert log.predict_log.request.model_spec.name == "mean"


def test_tensors_that_a_model_takes_are_its_inputs(tmp_path: Path) -> None:
    specs = [tf.TensorSpec([None, 1], tf.float32, "x"), tf.TensorSpec([None], tf.int64, "n")]
    module = tf.Module()
    signature = tf.function(
        lambda x, n: {"y": tf.cast(n, tf.float16) * tf.cast(x[:, 0], tf.float16)}, input_signature=specs
    )
    tf.saved_model.save(module, str(tmp_path / "model"), signatures={"serving_default": signature})
    tensors = (Tensor("x", "float32", 1), Tensor("n", "int64"))
    whole = FeatureColumn("n", "field:n", pa.int64())
    model = plan(
        "scaled",
        outputs=[Output("y", "y", pa.float64())],
        features=[X, whole],
        call=SavedModelCall(str(tmp_path / "model"), tensors=tensors),
    )
    batch = answered_by(model, readings(VALUES).with_column("field:n", pa.array([2, -3, 4], pa.int64())))
    found = [log.predict_log for log in written(tmp_path / "out", [model], batch)["scaled"]]
    given = [{name: tf.make_ndarray(each).tolist() for name, each in log.request.inputs.items()} for log in found]
    assert given == [{"x": [[1.0]], "n": [2]}, {"x": [[-2.5]], "n": [-3]}, {"x": [[13.0]], "n": [4]}]
    halves = [tf.make_ndarray(log.response.outputs["y"]) for log in found]
    assert [(half.dtype.name, half.tolist()) for half in halves] == [
        ("float16", [2.0]),
        ("float16", [7.5]),
        ("float16", [52.0]),
    ]


def test_a_beam_pipeline_reads_the_files_with_beam_s_own_source(models: Path, tmp_path: Path) -> None:
    times5 = plan("times5", str(models / "times5"))
    expected = written(tmp_path, [times5], answered(times5))["times5"]
    pattern = f"{tmp_path}/prediction_logs/times5/part-*.tfrecord"
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        found = pipeline | ReadFromTFRecord(pattern, coder=beam.coders.ProtoCoder(PredictionLog))
        assert_that(found, equal_to(expected))
