"""SavedModels of every make, loaded from disk and called."""

import logging
import pickle
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import tensorflow as tf

from streaming import registry
from streaming.errors import PermanentError
from streaming.inference import infer
from streaming.models import SavedModel, SavedModelHandler, fingerprint
from streaming.wiring import FeatureColumn, ModelPlan
from tests.builders import X, plan, readings, save_multiplier

Y = FeatureColumn("y", "field:y", pa.string())


@pytest.fixture(autouse=True)
def _empty_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_slots", {})


def example(x: float) -> bytes:
    feature = tf.train.Feature(float_list=tf.train.FloatList(value=[x]))
    return bytes(tf.train.Example(features=tf.train.Features(feature={"x": feature})).SerializeToString())


def predict(model: ModelPlan, values: Sequence[float]) -> dict[str, list[object]]:
    outputs = SavedModel(model).predict([example(value) for value in values])
    assert {type(output) for output in outputs.values()} == {np.ndarray}
    return {name: output.tolist() for name, output in outputs.items()}


@pytest.mark.parametrize("name", ["times5", "keras"])
def test_a_model_of_tensorflow_2(saved_models: Path, name: str) -> None:
    assert predict(plan(path=str(saved_models / name)), [1.0, -2.0]) == {"output_0": [[5.0], [-10.0]]}


def test_a_model_of_tensorflow_1_with_a_graph_for_each_of_two_sets_of_tags(saved_models: Path) -> None:
    model = ModelPlan("classic", str(saved_models / "classic"), "serving_default", "inputs", ())
    assert predict(model, [1.0, -2.0]) == {"scores": [[5.0], [-10.0]]}


def test_outputs_of_several_types(saved_models: Path) -> None:
    assert predict(plan(path=str(saved_models / "many_outputs")), [12.0, 4.0]) == {
        "scores": [[12.0, 24.0, 36.0], [4.0, 8.0, 12.0]],
        "label": [b"12.0", b"4.0"],
        "count": [[12], [4]],
        "high": [[True], [False]],
    }


def test_rows_that_a_model_leaves_out_are_its_failures(saved_models: Path) -> None:
    own = plan("dropping", str(saved_models / "dropping"), features=[X])
    after = infer(readings([1.0, -1.0, 3.0]), own, SavedModel(own))
    assert [answer and answer["prediction"] for answer in after.column(own.column).to_pylist()] == [1.0, None, 3.0]
    assert after.failures.column("message_id").to_pylist() == ["message-1"]


def test_the_version_is_the_fingerprint(saved_models: Path) -> None:
    path = str(saved_models / "times5")
    assert SavedModel(plan(path=path)).version == fingerprint(path)
    assert len(fingerprint(path)) == 16


def test_the_fingerprint_of_a_copy_is_the_same(saved_models: Path, tmp_path: Path) -> None:
    shutil.copytree(saved_models / "times5", tmp_path / "copy")
    assert fingerprint(str(tmp_path / "copy")) == fingerprint(str(saved_models / "times5"))


def test_the_fingerprint_changes_with_the_variables_alone(saved_models: Path, tmp_path: Path) -> None:
    shutil.copytree(saved_models / "times5", tmp_path / "model")
    save_multiplier(tmp_path / "other", 6.0)
    shutil.rmtree(tmp_path / "model" / "variables")
    shutil.copytree(tmp_path / "other" / "variables", tmp_path / "model" / "variables")
    assert predict(plan(path=str(tmp_path / "model")), [1.0]) == {"output_0": [[6.0]]}
    assert fingerprint(str(tmp_path / "model")) != fingerprint(str(saved_models / "times5"))


def test_the_fingerprint_changes_with_the_assets_alone(saved_models: Path, tmp_path: Path) -> None:
    shutil.copytree(saved_models / "times5", tmp_path / "model")
    (tmp_path / "model" / "assets").mkdir(exist_ok=True)
    before = fingerprint(str(tmp_path / "model"))
    (tmp_path / "model" / "assets" / "words.txt").write_text("pump")
    assert before != fingerprint(str(tmp_path / "model"))


def test_the_fingerprint_changes_with_the_graph_alone(saved_models: Path) -> None:
    assert fingerprint(str(saved_models / "root")) != fingerprint(str(saved_models / "dropping"))


def unloadable(path: Path, signature: str = "serving_default") -> str:
    model = ModelPlan("m", str(path), signature, "examples", ())
    with pytest.raises(PermanentError) as caught:
        SavedModel(model)
    return str(caught.value)


def test_there_is_no_model(tmp_path: Path) -> None:
    line = unloadable(tmp_path)
    assert line.startswith(
        f"models.m.path: TensorFlow cannot load {tmp_path}: SavedModel file does not exist at: {tmp_path}"
    )
    assert line.endswith("; export the model again")


def test_a_model_has_lost_its_variables(saved_models: Path, tmp_path: Path) -> None:
    shutil.copytree(saved_models / "times5", tmp_path / "model")
    shutil.rmtree(tmp_path / "model" / "variables")
    line = unloadable(tmp_path / "model")
    assert line.startswith(f"models.m.path: TensorFlow cannot load {tmp_path}/model: ")
    assert "\n" not in line


def test_a_models_graph_is_corrupt(saved_models: Path, tmp_path: Path) -> None:
    shutil.copytree(saved_models / "times5", tmp_path / "model")
    (tmp_path / "model" / "saved_model.pb").write_bytes(b"corrupt")
    assert unloadable(tmp_path / "model").startswith(f"models.m.path: TensorFlow cannot load {tmp_path}/model: ")


def test_a_model_has_no_such_signature(saved_models: Path) -> None:
    path = saved_models / "times5"
    assert unloadable(path, "classify") == (
        f"models.m.path: TensorFlow cannot load {path}: 'classify'; export the model again"
    )


def test_a_process_loads_a_model_once_whatever_the_number_of_handlers(saved_models: Path) -> None:
    times5, times10 = (plan(name, str(saved_models / name)) for name in ("times5", "times10"))
    first, second = SavedModelHandler(times5, [X]), pickle.loads(pickle.dumps(SavedModelHandler(times5, [X])))
    assert first.load_model() is second.load_model()
    assert first.load_model() is not SavedModelHandler(times10, [X]).load_model()


def test_a_model_is_warmed_with_a_blank_example_of_the_features_that_it_takes(
    saved_models: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "streaming.models")
    SavedModelHandler(plan("times5", str(saved_models / "times5")), [X]).load_model()
    SavedModelHandler(plan("times10", str(saved_models / "times10"), features=[X]), [Y]).load_model()
    SavedModelHandler(plan("keras", str(saved_models / "keras"), features=[X]), []).load_model()
    assert caplog.messages == []


def test_a_model_that_refuses_the_blank_example_is_loaded_all_the_same(
    saved_models: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "streaming.models")
    model = SavedModelHandler(plan("times5", str(saved_models / "times5")), [Y]).load_model()
    assert model.predict([example(2.0)])["output_0"].tolist() == [[10.0]]
    (message,) = caplog.messages
    assert message.startswith("model times5 is not warmed up: ")


def test_beam_is_told_what_it_needs_of_a_handler(saved_models: Path) -> None:
    handler = SavedModelHandler(plan("times5", str(saved_models / "times5")), [X])
    assert handler.should_skip_batching()
    assert handler.get_num_bytes(readings([1.0, 2.0])) == readings([1.0, 2.0]).rows.nbytes
    assert handler.get_metrics_namespace() == "pubsub_inference_times5"
    (after,) = handler.run_inference(readings([]), handler.load_model())
    assert len(after) == 0
