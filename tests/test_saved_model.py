"""SavedModels of every make, loaded from disk and called."""

from __future__ import annotations

import gc
import os
import shutil
import weakref
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import tensorflow as tf
from tensorflow.compat import v1

from streaming.batches import Batch, field_column
from streaming.errors import PermanentError
from streaming.features import encode
from streaming.models.saved_model import SavedModel
from streaming.savedmodel.generations import fingerprint
from streaming.wiring import FeatureColumn, ModelPlan, Output, SavedModelCall, Tensor
from tests import serving_models
from tests.builders import X, batch, plan, readings, save_classic, save_picky

TEXT = Tensor("text", "string")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory of SavedModels of `serving_models`, each under its builder's name."""
    directory = tmp_path_factory.mktemp("served")
    for name in (
        *("classifier", "regressor", "predictor", "multi_head", "modern_multi_head"),
        *("tensors", "text", "vector", "half", "passing", "half_broken", "waiting"),
    ):
        getattr(serving_models, f"save_{name}")(directory / name)
    return directory


def wanted(*names: str) -> tuple[Output, ...]:
    return tuple(Output(name, name.replace(".", "_"), pa.float64()) for name in names)


def taking_examples(*outputs: str, signatures: Sequence[str] = ("serving_default",)) -> ModelPlan:
    """A model that takes `tf.Example`s of the feature x alone; the others of `serving_models` are missing."""
    return plan("m", outputs=wanted(*outputs), features=[X], call=SavedModelCall("", tuple(signatures)))


def taking_tensors(*tensors: Tensor, outputs: Sequence[str]) -> ModelPlan:
    """A model that takes tensors, each fed by the field of its name."""
    kinds = {"string": pa.string(), "int64": pa.int64()}
    scalars = [kinds.get(tensor.dtype, pa.float64()) for tensor in tensors]
    features = [
        FeatureColumn(tensor.name, field_column(tensor.name), pa.list_(scalar) if tensor.size == 3 else scalar)
        for tensor, scalar in zip(tensors, scalars, strict=True)
    ]
    return plan("m", outputs=wanted(*outputs), features=features, call=SavedModelCall("", tensors=tensors))


def predict(model: SavedModel, rows: Batch) -> dict[str, list[Any]]:
    outputs = model.predict(rows.rows)
    assert outputs.unanswered == {}
    assert {type(values) for values in outputs.values.values()} == {np.ndarray}
    return {name: values.tolist() for name, values in outputs.values.items()}


def examples(*values: float) -> list[bytes]:
    return encode(readings(values).rows, [X]).to_pylist()


@pytest.mark.parametrize(("name", "output"), [("times5", "output_0"), ("keras", "output_0"), ("classic", "scores")])
def test_a_model_of_tensorflow_2_of_keras_and_of_tensorflow_1(saved_models: Path, name: str, output: str) -> None:
    model = SavedModel(taking_examples(output), str(saved_models / name))
    assert predict(model, readings([1.0, -2.0])) == {output: [[5.0], [-10.0]]}


def test_outputs_of_several_types(saved_models: Path) -> None:
    model = SavedModel(taking_examples("scores", "label", "count", "high"), str(saved_models / "many_outputs"))
    assert predict(model, readings([12.0, 4.0])) == {
        "scores": [[12.0, 24.0, 36.0], [4.0, 8.0, 12.0]],
        "label": [b"12.0", b"4.0"],
        "count": [[12], [4]],
        "high": [[True], [False]],
    }


def test_the_examples_that_the_job_has_made_are_taken_as_they_are(saved_models: Path) -> None:
    rows = readings([0.0, 0.0]).with_column("example", pa.array(examples(1.0, -2.0), pa.large_binary()))
    model = SavedModel(plan(), str(saved_models / "times5"))
    assert predict(model, rows) == {"output_0": [[5.0], [-10.0]]}


def test_no_rows(saved_models: Path) -> None:
    assert predict(SavedModel(plan(features=[X]), str(saved_models / "times5")), readings([])) == {"output_0": []}


def test_classify(served: Path) -> None:
    model = SavedModel(taking_examples("classes", "scores"), str(served / "classifier"))
    outputs = predict(model, readings([1.0, 90.0]))
    assert outputs["classes"] == [["läuft".encode(), b"broken", b"idle"], [b"idle", b"broken", "läuft".encode()]]
    assert [sum(scores) for scores in outputs["scores"]] == pytest.approx([1.0, 1.0])


def test_regress(served: Path) -> None:
    hidden = np.tanh(np.array([[1.0, 7.0, 7.0, 0.0], [90.0, 7.0, 7.0, 0.0]]) @ serving_models.WEIGHTS)
    model = SavedModel(taking_examples("outputs"), str(served / "regressor"))
    assert predict(model, readings([1.0, 90.0])) == {"outputs": [[pytest.approx(total)] for total in hidden.sum(1)]}


def test_several_signatures_of_one_graph_run_once(served: Path) -> None:
    names = ("classify.classes", "regress.outputs", "calls.calls")
    model = SavedModel(taking_examples(*names, signatures=("classify", "regress", "calls")), str(served / "multi_head"))
    assert [predict(model, readings([1.0, 2.0]))["calls.calls"] for _ in range(3)] == [[1, 1], [2, 2], [3, 3]]
    assert sorted(model.call(examples(1.0))) == [
        "calls.calls",
        "classify.classes",
        "classify.scores",
        "regress.outputs",
    ]


def test_several_signatures_of_tensorflow_2_parse_the_examples_once(
    served: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only what reads no variable is shared: each signature multiplies by the weights for itself."""
    names = ("state.label", "state.rank", "level.total")
    model = SavedModel(taking_examples(*names, signatures=("state", "level")), str(served / "modern_multi_head"))
    kernels = Counter[str]()
    run = v1.Session.run

    def observed(session: Any, fetches: Any, feeds: Any, options: Any) -> Any:
        seen = v1.RunMetadata()
        outputs = run(session, fetches, feeds, v1.RunOptions(output_partition_graphs=True), seen)
        kernels.update(node.op for graph in seen.partition_graphs for node in graph.node)
        return outputs

    monkeypatch.setattr(v1.Session, "run", observed)
    outputs = predict(model, readings([1.0, 90.0]))
    assert (outputs["state.label"], outputs["state.rank"]) == ([["läuft".encode()], [b"idle"]], [1, 0])
    assert kernels["ParseExampleV2"] == 1
    assert kernels["MatMul"] + kernels["_MklMatMul"] == 2


def test_only_the_outputs_that_are_wanted_are_computed(served: Path) -> None:
    model = SavedModel(taking_tensors(TEXT, outputs=["length"]), str(served / "half_broken"))
    assert predict(model, batch(2, text=pa.array(["a", "bc"]))) == {"length": [1, 2]}
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        model.call({"text": np.array([b"a"], object)})
    assert str(caught.value) == "StringToNumberOp could not correctly convert string: no a"


def test_tensors_of_several_types(served: Path) -> None:
    tensors = (Tensor("price", "float32", 1), Tensor("count", "int64"), Tensor("kind", "string"))
    model = SavedModel(taking_tensors(*tensors, outputs=["cost", "text"]), str(served / "tensors"))
    rows = batch(2, price=pa.array([1.5, 2.0]), count=pa.array([2, -1]), kind=pa.array(["pümp", ""]))
    assert predict(model, rows) == {"cost": [[3.0], [-2.0]], "text": ["pümp 2".encode(), b" -1"]}


def test_a_text_that_is_no_example(served: Path) -> None:
    model = SavedModel(taking_tensors(TEXT, outputs=["length"]), str(served / "text"))
    assert predict(model, batch(2, text=pa.array(["a\0", "äb"]))) == {"length": [2, 3]}


def test_a_vector(served: Path) -> None:
    model = SavedModel(taking_tensors(Tensor("v", "float32", 3), outputs=["norm", "twice"]), str(served / "vector"))
    rows = batch(2, v=pa.array([[3.0, 4.0, 0.0], [0.0, 0.0, 1.0]]))
    assert predict(model, rows) == {"norm": [5.0, 1.0], "twice": [[6.0, 8.0, 0.0], [0.0, 0.0, 2.0]]}


def test_short_floating_point_numbers_are_what_arrow_takes(served: Path) -> None:
    model = SavedModel(taking_tensors(Tensor("v", "bfloat16"), outputs=["brain", "half"]), str(served / "half"))
    outputs = model.predict(batch(2, v=pa.array([1.5, -0.25])).rows).values
    assert {name: pa.array(values) for name, values in outputs.items()} == {
        "brain": pa.array([1.5, -0.25], pa.float32()),
        "half": pa.array(np.array([1.5, -0.25], np.float16)),
    }


def test_an_output_that_is_an_input(served: Path) -> None:
    model = SavedModel(taking_tensors(TEXT, outputs=["given", "length"]), str(served / "passing"))
    assert predict(model, batch(1, text=pa.array(["abc"]))) == {"given": [b"abc"], "length": [3]}


def test_what_a_model_says_against_a_row_is_told_without_the_nodes_of_its_graph(saved_models: Path) -> None:
    model = SavedModel(plan(features=[X]), str(saved_models / "picky"))
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        model.predict(readings([4.0, 13.0]).rows)
    assert str(caught.value).startswith("assertion failed: [no 13.0] [Condition x != y did not hold element-wise:]")
    assert "{{" not in str(caught.value)


def test_a_tensor_of_another_length_than_the_model_takes(served: Path) -> None:
    model = SavedModel(taking_tensors(Tensor("v", "float32", 3), outputs=["norm"]), str(served / "vector"))
    with pytest.raises(ValueError, match=r"Cannot feed value of shape \(1, 2\)"):
        model.call({"v": np.zeros((1, 2), np.float32)})


def test_calls_that_hang_do_not_hold_up_another_model(saved_models: Path, served: Path, tmp_path: Path) -> None:
    """As many hang as TensorFlow would have threads for all calls."""
    tensors = (Tensor("entered", "string"), Tensor("leave", "string"))
    stuck = SavedModel(taking_tensors(*tensors, outputs=["done"]), str(served / "waiting"))
    other = SavedModel(plan(features=[X]), str(saved_models / "times5"))
    pipes = [(tmp_path / f"entered{number}", tmp_path / f"leave{number}") for number in range(os.cpu_count() or 1)]
    with ThreadPoolExecutor(len(pipes)) as threads:
        calls = []
        for entered, leave in pipes:
            os.mkfifo(entered)
            os.mkfifo(leave)
            rows = batch(1, entered=pa.array([str(entered)]), leave=pa.array([str(leave)]))
            calls.append(threads.submit(predict, stuck, rows))
            assert entered.read_bytes() == b"in"
        assert predict(other, readings([1.0])) == {"output_0": [[5.0]]}
        assert not any(call.done() for call in calls)
        assert [leave.read_bytes() for _, leave in pipes] == [b"out"] * len(pipes)
    assert [call.result() for call in calls] == [{"done": [f"{entered} {leave}".encode()]} for entered, leave in pipes]


def test_the_version_is_the_fingerprint_where_none_is_given(saved_models: Path) -> None:
    path = str(saved_models / "times5")
    unnamed, named = SavedModel(plan(), path), SavedModel(plan(), path, "7")
    assert (unnamed.version, unnamed.fingerprint) == (fingerprint(path), fingerprint(path))
    assert (named.version, named.fingerprint) == ("7", fingerprint(path))


def test_two_generations_with_variables_of_the_same_name_live_side_by_side(saved_models: Path) -> None:
    old, new = (SavedModel(plan(features=[X]), str(saved_models / name)) for name in ("times5", "times10"))
    assert predict(old, readings([1.0])) == {"output_0": [[5.0]]}
    assert predict(new, readings([1.0])) == {"output_0": [[10.0]]}


@pytest.mark.parametrize("name", ["times5", "classic"])
def test_nothing_keeps_a_model_that_is_dropped(saved_models: Path, name: str) -> None:
    """Not even until the garbage collector comes, from which a process may have hidden it."""
    gc.disable()
    try:
        model = SavedModel(taking_examples("scores" if name == "classic" else "output_0"), str(saved_models / name))
        model.call(examples(1.0))
        session = weakref.ref(model._session)
        del model
        assert session() is None
    finally:
        gc.enable()


def test_a_model_is_warmed_with_a_row_of_zeros(saved_models: Path, served: Path) -> None:
    tensors = (Tensor("price", "float32", 1), Tensor("count", "int64"), Tensor("kind", "string"))
    assert SavedModel(plan(features=[X]), str(saved_models / "times5")).warm() is None
    assert SavedModel(taking_tensors(*tensors, outputs=["cost"]), str(served / "tensors")).warm() is None


def test_a_model_that_refuses_zeros_says_why_and_answers_all_the_same(tmp_path: Path) -> None:
    save_picky(tmp_path / "picky", 0.0)
    model = SavedModel(plan(features=[X]), str(tmp_path / "picky"))
    complaint = model.warm()
    assert complaint is not None
    assert complaint.startswith("assertion failed: [no 0.0]")
    assert "\n" not in complaint
    assert predict(model, readings([2.0])) == {"output_0": [[2.0]]}


def refusal(directory: Path, model: ModelPlan | None = None) -> str:
    """Why it is not loaded, without the words that are always the same."""
    with pytest.raises(PermanentError) as caught:
        SavedModel(model or taking_examples("output_0"), str(directory))
    line = str(caught.value)
    before, after = f"models.m.path: TensorFlow cannot load {directory}: ", "; export the model again"
    assert (line[: len(before)], line[-len(after) :], line.count("\n")) == (before, after, 0)
    return line[len(before) : -len(after)]


def test_there_is_no_model(tmp_path: Path) -> None:
    assert refusal(tmp_path) == f"{tmp_path}/saved_model.pb; No such file or directory"


def without_variables(directory: Path) -> None:
    shutil.rmtree(directory / "variables")


def with_half_the_values(directory: Path) -> None:
    (values,) = (directory / "variables").glob("*.data-*")
    values.write_bytes(values.read_bytes()[:2])


def with_half_the_index(directory: Path) -> None:
    index = directory / "variables" / "variables.index"
    index.write_bytes(index.read_bytes()[: index.stat().st_size // 2])


def with_half_the_graph(directory: Path) -> None:
    graph = directory / "saved_model.pb"
    graph.write_bytes(graph.read_bytes()[: graph.stat().st_size // 2])


def with_a_corrupt_graph(directory: Path) -> None:
    (directory / "saved_model.pb").write_bytes(b"corrupt")


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (without_variables, "variables/variables"),
        (with_half_the_values, "Read less bytes than requested"),
        (with_half_the_index, "not an sstable (bad magic number)"),
        (with_half_the_graph, "Error parsing message"),
        (with_a_corrupt_graph, "Error parsing message"),
    ],
)
@pytest.mark.parametrize("name", ["times5", "classic"])
def test_a_damaged_model(
    saved_models: Path, tmp_path: Path, name: str, damage: Callable[[Path], None], words: str
) -> None:
    shutil.copytree(saved_models / name, tmp_path / "model")
    damage(tmp_path / "model")
    assert words in refusal(tmp_path / "model", taking_examples("scores" if name == "classic" else "output_0"))


@pytest.mark.parametrize(
    ("model", "why"),
    [
        (taking_examples("y"), "there is no output y, only output_0"),
        (taking_examples("output_0", signatures=["classify"]), "there is no signature classify, only serving_default"),
        (taking_tensors(TEXT, outputs=["output_0"]), "no feature for the input of signature serving_default: examples"),
    ],
)
def test_a_model_without_what_the_plan_names(saved_models: Path, model: ModelPlan, why: str) -> None:
    assert why in refusal(saved_models / "times5", model)


def test_a_model_for_training_alone(tmp_path: Path) -> None:
    save_classic(tmp_path / "model", 5.0, ["train", "serve+gpu"])
    why = "there is no graph with the tag serve, only gpu and serve, train"
    assert refusal(tmp_path / "model", taking_examples("scores")) == why


def test_a_model_that_takes_more_than_examples(served: Path) -> None:
    why = "signature serving_default takes count, kind, price, not tf.Examples alone"
    assert refusal(served / "tensors", taking_examples("cost")) == why


def test_a_model_that_takes_a_tensor_of_another_type(served: Path) -> None:
    model = taking_tensors(Tensor("v", "int64", 3), outputs=["norm"])
    assert "was passed int64" in refusal(served / "vector", model)


def test_two_signatures_with_two_names_for_one_tensor(served: Path) -> None:
    call = SavedModelCall("", ("serving_default", "renamed"), (TEXT, Tensor("words", "string")))
    model = plan("m", outputs=wanted("serving_default.length"), features=[], call=call)
    why = "input words of signature renamed has another name in an earlier signature"
    assert refusal(served / "passing", model) == why
