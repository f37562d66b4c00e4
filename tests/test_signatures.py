"""What stands in a SavedModel's signatures, and what is wrong with one."""

from pathlib import Path

import pytest
from tensorflow.core.framework.types_pb2 import DT_BFLOAT16, DT_DOUBLE, DT_HALF, DT_UINT64
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from streaming.errors import Mistakes
from streaming.savedmodel.parsed_features import ParsedFeature
from streaming.savedmodel.signatures import Signature, TensorSpec, read_signatures
from tests.builders import save_classic

EXAMPLES = TensorSpec("string", (None,))
X = (ParsedFeature("x", "float32", (1,), required=True),)


def write(directory: Path, model: SavedModel) -> str:
    directory.joinpath("saved_model.pb").write_bytes(model.SerializeToString())
    return str(directory)


def mistake(path: Path | str) -> tuple[str, ...]:
    with pytest.raises(Mistakes) as caught:
        read_signatures(str(path), "models.m.path")
    return caught.value.lines


def not_for_serving(path: Path) -> tuple[str, ...]:
    wrong = "has no graph with the tag 'serve' alone; export the model for serving"
    return (f"models.m.path: {path}/saved_model.pb {wrong}",)


@pytest.mark.parametrize("name", ["times5", "keras"])
def test_a_model_of_tensorflow_2(saved_models: Path, name: str) -> None:
    assert read_signatures(str(saved_models / name), "models.m.path") == {
        "serving_default": Signature({"examples": EXAMPLES}, {"output_0": TensorSpec("float32", (None, 1))}, X)
    }


def test_a_model_of_tensorflow_1_with_a_graph_for_each_of_two_sets_of_tags(saved_models: Path) -> None:
    assert read_signatures(str(saved_models / "classic"), "models.m.path") == {
        "serving_default": Signature({"inputs": EXAMPLES}, {"scores": TensorSpec("float32", (None, 1))}, X)
    }


def test_outputs_of_several_types_and_shapes(saved_models: Path) -> None:
    assert read_signatures(str(saved_models / "many_outputs"), "models.m.path")["serving_default"].outputs == {
        "count": TensorSpec("int32", (None, 1)),
        "high": TensorSpec("bool", (None, 1)),
        "label": TensorSpec("string", (None,)),
        "scores": TensorSpec("float32", (None, 3)),
    }


def test_every_signature_is_read_but_not_those_of_tensorflow_itself(tmp_path: Path) -> None:
    model = SavedModel()
    graph = model.meta_graphs.add()
    graph.meta_info_def.tags.append("serve")
    graph.signature_def["__saved_model_init_op"].outputs["x"].dtype = DT_DOUBLE
    outputs = graph.signature_def["classify"].outputs
    outputs["any_rank"].dtype = DT_DOUBLE
    outputs["any_rank"].tensor_shape.unknown_rank = True
    outputs["no_rank"].dtype = DT_HALF
    outputs["sizes"].dtype = DT_BFLOAT16
    for size in (-1, 2, 3):
        outputs["sizes"].tensor_shape.dim.add().size = size
    outputs["large"].dtype = DT_UINT64
    outputs["newer"].dtype = 999
    assert read_signatures(write(tmp_path, model), "models.m.path") == {
        "classify": Signature(
            {},
            {
                "any_rank": TensorSpec("float64", None),
                "no_rank": TensorSpec("float16", ()),
                "sizes": TensorSpec("bfloat16", (None, 2, 3)),
                "large": TensorSpec("uint64", ()),
                "newer": TensorSpec("unknown_999", ()),
            },
        )
    }


def test_a_sparse_output_is_made_of_what_its_parts_are_made_of(tmp_path: Path) -> None:
    from tensorflow.compat import v1

    with v1.Graph().as_default() as graph:
        examples = v1.placeholder(v1.string, [None])
        words = v1.parse_example(examples, {"words": v1.VarLenFeature(v1.string)})["words"]
        signature = v1.saved_model.predict_signature_def({"inputs": examples}, {"words": words})
    model = SavedModel()
    serving = model.meta_graphs.add(graph_def=graph.as_graph_def())
    serving.meta_info_def.tags.append("serve")
    serving.signature_def["words"].CopyFrom(signature)
    assert read_signatures(write(tmp_path, model), "models.m.path") == {
        "words": Signature(
            {"inputs": EXAMPLES},
            {"words": TensorSpec("string", (None, None))},
            (ParsedFeature("words", "string", None, required=False),),
        )
    }


def test_there_is_no_saved_model(tmp_path: Path) -> None:
    assert mistake(tmp_path) == (f"models.m.path: no file {tmp_path}/saved_model.pb",)


def test_a_saved_model_is_corrupt(tmp_path: Path) -> None:
    (tmp_path / "saved_model.pb").write_bytes(b"no protobuf")
    (line,) = mistake(tmp_path)
    assert line.startswith(f"models.m.path: {tmp_path}/saved_model.pb is corrupt (")
    assert line.endswith("); export the model again")


def test_a_saved_model_is_empty(tmp_path: Path) -> None:
    assert mistake(write(tmp_path, SavedModel())) == not_for_serving(tmp_path)


def test_a_saved_model_is_not_for_serving(tmp_path: Path) -> None:
    save_classic(tmp_path / "model", 5.0, ["train", "serve+gpu"])
    assert mistake(tmp_path / "model") == not_for_serving(tmp_path / "model")
