"""What the job predicts is what tfx-bsl predicts: the same SavedModels, the same examples, compared key by key.

Ours is the typed column that goes to the table; theirs are the `PredictionLog`s of `tfx_bsl.public.beam.RunInference`,
and of Beam's own `RunInference` with a `KeyedModelHandler` around tfx-bsl's handler.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pytest
import tensorflow as tf
from apache_beam.ml.inference import base
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog
from tfx_bsl.public.beam.run_inference import CreateModelHandler, RunInference
from tfx_bsl.public.proto import model_spec_pb2

from streaming.batches import Batch, field_column
from streaming.features import EXAMPLE, ToExamples
from streaming.inference import infer
from streaming.models.saved_model import SavedModel
from streaming.wiring import FeatureColumn, Output, SavedModelCall
from tests import serving_models
from tests.builders import batch, plan

DEVICES = 50
FIELDS = {"x": pa.float64(), "count": pa.int64(), "kind": pa.string(), "samples": pa.list_(pa.float64())}
FEATURES = [FeatureColumn(name, field_column(name), kind) for name, kind in FIELDS.items()]

CLASSIFY = [Output("classes", "classes", pa.list_(pa.string())), Output("scores", "scores", pa.list_(pa.float64()))]
REGRESS = [Output("outputs", "level", pa.float64())]
MULTI_HEAD = [
    Output("classify.classes", "classes", pa.list_(pa.string())),
    Output("classify.scores", "scores", pa.list_(pa.float64())),
    Output("regress.outputs", "level", pa.float64()),
]
PREDICT = [
    Output("hidden", "hidden", pa.list_(pa.float64())),
    Output("total", "total", pa.float64()),
    Output("rank", "rank", pa.int64()),
    Output("label", "label", pa.string()),
]
DEFAULT = ("serving_default",)

Answers = dict[str, dict[str, Any]]
"""By the key of the device, and by the output: a number, a text, or a list of them."""

LOGS: defaultdict[str, list[tuple[str, PredictionLog]]] = defaultdict(list)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory of SavedModels of `serving_models`, each under its builder's name."""
    directory = tmp_path_factory.mktemp("served")
    for name in ("classifier", "regressor", "multi_head", "predictor", "modern_predictor"):
        getattr(serving_models, f"save_{name}")(directory / name)
    return directory


@pytest.fixture(scope="module")
def devices() -> Batch:
    """A message of each device, after ToExamples; about a third of the values are missing."""
    draw = random.Random(7)

    def column(kind: pa.DataType, value: Any) -> pa.Array:
        return pa.array([None if draw.random() < 0.3 else value() for _ in range(DEVICES)], kind)

    fields = {
        "x": column(FIELDS["x"], lambda: draw.gauss(0, 3)),
        "count": column(FIELDS["count"], lambda: draw.randrange(-5, 20)),
        "kind": column(FIELDS["kind"], lambda: draw.choice(["pump", "fan", "Kühler", ""])),
        "samples": column(FIELDS["samples"], lambda: [draw.random() for _ in range(draw.randrange(4))]),
    }
    keys = pa.array([f"device-{row:02}" for row in range(DEVICES)])
    return ToExamples(FEATURES)(batch(DEVICES, **fields).with_column("key", keys))


@pytest.mark.parametrize(
    ("name", "signatures", "outputs"),
    [
        ("classifier", DEFAULT, CLASSIFY),
        ("regressor", DEFAULT, REGRESS),
        ("multi_head", ("classify", "regress"), MULTI_HEAD),
        ("predictor", DEFAULT, PREDICT),
        ("modern_predictor", DEFAULT, PREDICT),
    ],
    ids=["classify", "regress", "multi-inference", "predict", "predict of TensorFlow 2"],
)
def test_every_key_is_answered_as_by_tfx_bsl(
    served: Path, devices: Batch, name: str, signatures: tuple[str, ...], outputs: list[Output]
) -> None:
    path = str(served / name)
    ours = answers(devices, path, signatures, outputs)
    assert len(ours) == DEVICES
    assert len({repr(answer) for answer in ours.values()}) > DEVICES // 2  # they differ
    theirs = tfx_bsl_answers(devices, path, signatures)
    columns = {output.name: output.column for output in outputs}
    for logged in theirs.values():
        assert flat(ours) == nearly(flat(renamed(logged, columns)))
    assert list(theirs) == ["RunInference", "KeyedModelHandler"]


def answers(devices: Batch, path: str, signatures: tuple[str, ...], outputs: Sequence[Output]) -> Answers:
    """What the job writes to the table."""
    model = plan("m", outputs=outputs, call=SavedModelCall(path, signatures))
    after = infer(devices, model, SavedModel(model, path))
    assert after.failures.num_rows == 0
    wanted = {output.column for output in outputs}
    rows = zip(after.column("key").to_pylist(), after.column(model.column).to_pylist(), strict=True)
    return {key: {name: answer[name] for name in answer.keys() & wanted} for key, answer in rows}


def tfx_bsl_answers(devices: Batch, path: str, signatures: tuple[str, ...]) -> dict[str, Answers]:
    """What tfx-bsl logs, by the way in which it was asked."""
    saved_model = model_spec_pb2.SavedModelSpec(model_path=path, signature_name=signatures)
    spec = model_spec_pb2.InferenceSpecType(saved_model_spec=saved_model)
    ways = {
        "RunInference": RunInference(spec),
        "KeyedModelHandler": base.RunInference(base.KeyedModelHandler(CreateModelHandler(spec))),
    }
    LOGS.clear()
    examples = map(tf.train.Example.FromString, devices.column(EXAMPLE).to_pylist())
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        keyed = pipeline | beam.Create(list(zip(devices.column("key").to_pylist(), examples, strict=True)))
        for way, transform in ways.items():
            _ = keyed | way >> transform | f"Keep {way}" >> beam.Map(_keep, way)
    return {way: {key: read_log(log) for key, log in LOGS[way]} for way in ways}


def _keep(keyed: tuple[str, PredictionLog], way: str) -> None:
    LOGS[way].append(keyed)


def read_log(log: PredictionLog) -> dict[str, Any]:
    """The outputs by the names that they have in the job file."""
    match log.WhichOneof("log_type"):
        case "predict_log":
            return {name: tensor(value) for name, value in log.predict_log.response.outputs.items()}
        case "classify_log":
            return classification(log.classify_log.response.result)
        case "regress_log":
            return regression(log.regress_log.response.result)
    results = {each.model_spec.signature_name: each for each in log.multi_inference_log.response.results}
    heads = {
        "classify": classification(results["classify"].classification_result),
        "regress": regression(results["regress"].regression_result),
    }
    return {f"{head}.{name}": value for head, outputs in heads.items() for name, value in outputs.items()}


def tensor(value: Any) -> Any:
    (row,) = tf.make_ndarray(value)
    values = [each.decode() if isinstance(each, bytes) else each for each in np.ravel(row).tolist()]
    return values[0] if len(values) == 1 else values


def classification(result: Any) -> dict[str, Any]:
    (classes,) = (each.classes for each in result.classifications)
    return {"classes": [each.label for each in classes], "scores": [each.score for each in classes]}


def regression(result: Any) -> dict[str, Any]:
    (only,) = result.regressions
    return {"outputs": only.value}


def renamed(logged: Answers, columns: dict[str, str]) -> Answers:
    return {key: {columns[name]: value for name, value in answer.items()} for key, answer in logged.items()}


def flat(answers: Answers) -> dict[tuple[str, str, int | None], Any]:
    """Each number or text by key, column and place in its list."""
    return {
        (key, column, place): value
        for key, answer in answers.items()
        for column, values in answer.items()
        for place, value in (enumerate(values) if isinstance(values, list) else [(None, values)])
    }


def nearly(values: dict[Any, Any]) -> dict[Any, Any]:
    """The same texts and whole numbers; other numbers may end otherwise in a batch of the size that Beam has chosen."""
    return {
        place: pytest.approx(value, rel=1e-6, abs=1e-6) if isinstance(value, float) else value
        for place, value in values.items()
    }
