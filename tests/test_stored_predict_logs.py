"""What a model's logs say of it, read from its signatures; and which answers of a batch are serialized together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

from streaming.errors import Mistakes
from streaming.savedmodel.signatures import TensorSpec
from streaming.stored.predict_logs import PredictionLogs
from streaming.wiring import EnsembleCall, Member, ModelPlan, Output, RemoteCall, SavedModelCall, Tensor
from tests.builders import answered, plan, readings
from tests.contract_cases import EXAMPLES, PREDICTION, save, save_signatures

REMOTE = RemoteCall("http://host/v1/models/remote", "embed")
VECTOR = Output("v", "v", pa.list_(pa.float64()))


def remote(*outputs: Output) -> ModelPlan:
    return plan("remote", outputs=outputs, call=REMOTE)


def logged(model: ModelPlan, answers: Sequence[dict[str, Any] | None]) -> list[list[dict[str, Any]]]:
    """The outputs of each log, in the arrays that they come in: each tensor's values and shape."""
    batch = answered(readings([float(row) for row in range(len(answers))]), model, answers)
    return [
        [_outputs(PredictionLog.FromString(log)) for log in array.to_pylist()]
        for array in PredictionLogs.of(model)(batch)
    ]


def _outputs(log: Any) -> dict[str, Any]:
    import tensorflow as tf

    return {name: tf.make_ndarray(each).tolist() for name, each in log.predict_log.response.outputs.items()}


def test_a_saved_model_s_logs_name_its_examples_and_its_types(tmp_path: Path) -> None:
    save(tmp_path / "m", inputs={"inputs": ("STRING", (None,))})
    model = plan("m", str(tmp_path / "m"))
    spec = TensorSpec("float32", (None, 1))
    assert PredictionLogs.of(model) == PredictionLogs(model, "serving_default", "inputs", {"output_0": spec})


def test_several_signatures_are_named_together_and_their_outputs_apart(tmp_path: Path) -> None:
    labels = {"label": ("STRING", (None,))}
    save_signatures(tmp_path / "m", {"b": (EXAMPLES, labels), "a": (EXAMPLES, PREDICTION), "c": (EXAMPLES, labels)})
    model = plan("m", call=SavedModelCall(str(tmp_path / "m"), ("b", "a")))
    outputs = {"b.label": TensorSpec("string", (None,)), "a.output_0": TensorSpec("float32", (None, 1))}
    assert PredictionLogs.of(model) == PredictionLogs(model, "b,a", "examples", outputs)


def test_a_model_that_takes_tensors_has_no_examples(tmp_path: Path) -> None:
    save(tmp_path / "m", inputs={"x": ("FLOAT", (None, 1))})
    model = plan("m", call=SavedModelCall(str(tmp_path / "m"), tensors=(Tensor("x", "float32", 1),)))
    assert PredictionLogs.of(model).examples is None


def test_of_a_model_that_is_not_here_only_the_signature_s_name_is_known() -> None:
    assert PredictionLogs.of(remote(VECTOR)) == PredictionLogs(remote(VECTOR), "embed", None, {})
    mean = plan("mean", call=EnsembleCall("mean", (Member("model:a", "prediction"),)))
    assert PredictionLogs.of(mean) == PredictionLogs(mean, "", None, {})


def test_a_model_that_has_gone(tmp_path: Path) -> None:
    with pytest.raises(Mistakes) as caught:
        PredictionLogs.of(plan("m", str(tmp_path / "none")))
    (line,) = caught.value.lines
    assert line.startswith("models.m.path: ")


def test_answers_of_one_shape_come_in_one_array_in_their_order() -> None:
    one, none, three = {"v": [1.0, 2.0]}, None, {"v": [5.0, 6.0]}
    assert logged(remote(VECTOR), [one, none, three]) == [[{"v": [[1.0, 2.0]]}, {"v": [[5.0, 6.0]]}]]


def test_vectors_of_other_lengths_come_apart_the_shortest_first() -> None:
    texts = Output("t", "t", pa.list_(pa.string()))
    number = Output("n", "n", pa.int64())
    answers: list[dict[str, Any]] = [
        {"v": [1.0, 2.0], "t": ["a"], "n": 1},
        {"v": [], "t": ["b"], "n": 2},
        {"v": [3.0, 4.0], "t": ["c", "d"], "n": 3},
        {"v": [5.0, 6.0], "t": ["e"], "n": 4},
    ]
    assert logged(remote(VECTOR, texts, number), answers) == [
        [{"v": [[]], "t": [[b"b"]], "n": [2]}],
        [{"v": [[1.0, 2.0]], "t": [[b"a"]], "n": [1]}, {"v": [[5.0, 6.0]], "t": [[b"e"]], "n": [4]}],
        [{"v": [[3.0, 4.0]], "t": [[b"c", b"d"]], "n": [3]}],
    ]


@pytest.mark.parametrize(
    ("kind", "values", "dtype"),
    [
        (pa.float64(), [0.5, -1e300], "DT_DOUBLE"),
        (pa.int64(), [-(2**63), 2**63 - 1], "DT_INT64"),
        (pa.bool_(), [True, False], "DT_BOOL"),
        (pa.string(), ["", "é"], "DT_STRING"),
    ],
)
def test_outputs_of_unknown_types_have_those_of_their_columns(kind: pa.DataType, values: list[Any], dtype: str) -> None:
    from tensorflow.core.framework.types_pb2 import DataType

    model = remote(Output("o", "o", kind))
    batch = answered(readings([0.0, 1.0]), model, [{"o": value} for value in values])
    (logs,) = PredictionLogs.of(model)(batch)
    found = [PredictionLog.FromString(log).predict_log.response.outputs["o"].dtype for log in logs.to_pylist()]
    assert [DataType.Name(each) for each in found] == [dtype, dtype]
    texts = [value.encode() if isinstance(value, str) else value for value in values]
    assert logged(model, [{"o": value} for value in values]) == [[{"o": [value]} for value in texts]]


@pytest.mark.parametrize("answers", [[], [None], [None, None]])
def test_where_nothing_was_answered_there_is_no_log(answers: list[None]) -> None:
    assert logged(remote(VECTOR), answers) == []
