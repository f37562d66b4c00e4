"""The article's examples: each command of their README says what stands below it, and tfx-bsl answers the same."""

from __future__ import annotations

import base64
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import apache_beam as beam
import pyarrow.parquet as pq
import pytest
import tensorflow as tf
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog
from tfx_bsl.public.beam import RunInference
from tfx_bsl.public.beam.run_inference import RunInferencePerModel
from tfx_bsl.public.proto.model_spec_pb2 import InferenceSpecType, SavedModelSpec

from streaming import options
from streaming.endpoints import bigquery_client
from streaming.local.emulators import BigQueryEmulator
from tests.predict_server import PredictServer

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

ARTICLE = Path(__file__).parents[2] / "examples" / "article"
README = (ARTICLE / "README.md").read_text()
STEPS = re.findall(r"```sh\n(.*?)```(?:\n\n```text\n(.*?)```)?", README, re.DOTALL)
"""Commands that run everywhere, with what they say; those of `bash` blocks want a cloud, or do not end."""

VALUES = {"question_1": 105.0, "question_2": 108.0, "question_3": 1000.0, "question_4": 1013.0}


@pytest.fixture(scope="module")
def emulator(bigquery_emulator: BigQueryEmulator) -> dict[str, str]:
    """The environment of the commands."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return {**os.environ, **bigquery_emulator.environment(), "PATH": path, "TF_CPP_MIN_LOG_LEVEL": "1"}


@pytest.fixture(scope="module")
def said(emulator: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """Where the commands have run, and what each has said."""
    root = tmp_path_factory.mktemp("root")
    example = root / "examples" / "article"
    example.mkdir(parents=True)
    for file in ARTICLE.glob("*.*"):
        (example / file.name).write_bytes(file.read_bytes())
    with PredictServer() as server:
        remote = example / "remote.yaml"
        remote.write_text(remote.read_text().replace("http://localhost:8501/v1/models/times5", server.url))
        server.predict = lambda instance: answer(example / "models" / "times5", instance)
        outputs = [
            run("\n".join(exports(number)) + command, root, emulator) for number, (command, _) in enumerate(STEPS)
        ]
    return root, outputs


def exports(number: int) -> list[str]:
    """What the commands before have put into the shell's environment."""
    return re.findall(r"^export .*\n", "".join(command for command, _ in STEPS[:number]), re.MULTILINE)


def run(command: str, root: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(
        ["bash", "-euc", command],
        check=False,
        cwd=root,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, f"{command}{done.stdout}"
    return done.stdout


def answer(model: Path, instance: dict[str, str]) -> list[float]:
    """As TensorFlow Serving answers."""
    example = base64.b64decode(instance["b64"])
    serve = tf.saved_model.load(str(model)).signatures["serving_default"]
    return serve(examples=tf.constant([example]))["output_0"].numpy()[0].tolist()


@pytest.mark.parametrize("number", range(len(STEPS)), ids=[command.split("\n")[0][:60] for command, _ in STEPS])
def test_each_command_says_what_stands_below_it(number: int, said: tuple[Path, list[str]]) -> None:
    expected = STEPS[number][1].splitlines()
    pattern = [re.escape(line).replace("…", r"\d+") for line in expected]
    lines = [line.rstrip() for line in said[1][number].splitlines()]
    found = [line for line in lines if any(re.fullmatch(each, line) for each in pattern)]
    assert len(found) == len(expected)
    assert all(re.fullmatch(each, line) for each, line in zip(pattern, found, strict=True))


@pytest.fixture(scope="module")
def models(said: tuple[Path, list[str]]) -> Path:
    return said[0] / "examples" / "article" / "models"


def examples() -> list[tf.train.Example]:
    return [example(value) for value in VALUES.values()]


def example(x: float) -> tf.train.Example:
    return tf.train.Example(features={"feature": {"x": {"float_list": {"value": [x]}}}})


def spec(model: Path) -> InferenceSpecType:
    return InferenceSpecType(saved_model_spec=SavedModelSpec(model_path=str(model)))


def by_tfx_bsl(output: Path, *steps: beam.PTransform) -> list[PredictionLog]:
    """What a plain pipeline of these steps makes of the questions."""
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        logs = pipeline | beam.Create(examples())
        for number, step in enumerate(steps):
            logs |= f"Step {number}" >> step
        _ = logs | beam.io.WriteToTFRecord(str(output / "log"), coder=beam.coders.ProtoCoder(PredictionLog))
    return logs_in(output)


def logs_in(directory: Path) -> list[PredictionLog]:
    files = [str(file) for file in directory.iterdir()]
    logs = [PredictionLog.FromString(record.numpy()) for record in tf.data.TFRecordDataset(files)]
    return sorted(logs, key=asked)


def asked(log: PredictionLog) -> float:
    """The x of the example that a model was given."""
    (given,) = log.predict_log.request.inputs["examples"].string_val
    return tf.train.Example.FromString(given).features.feature["x"].float_list.value[0]


def answered(logs: list[PredictionLog]) -> list[float]:
    return [tf.make_ndarray(log.predict_log.response.outputs["output_0"]).item() for log in logs]


def in_files(directory: Path, model: str) -> list[float]:
    """A model's predictions in the order of the questions."""
    rows = sorted(pq.read_table(directory / "predictions").to_pylist(), key=lambda row: row["key"])
    return [row["prediction"] for row in rows if row["model"] == model]


def in_table(model: str) -> list[float]:
    query = f"SELECT prediction FROM article.answers WHERE model = '{model}' ORDER BY key"
    return [row.prediction for row in bigquery_client("demo").query(query).result()]


def test_run_inference_gives_the_same(said: tuple[Path, list[str]], models: Path, tmp_path: Path) -> None:
    article = said[0] / "article"
    theirs = by_tfx_bsl(tmp_path, RunInference(spec(models / "times5")))
    ours = logs_in(article / "times5" / "prediction_logs" / "times5")
    assert [asked(log) for log in ours] == [asked(log) for log in theirs] == list(VALUES.values())
    assert answered(ours) == pytest.approx(answered(theirs))
    assert in_files(article / "remote", "times5") == pytest.approx(answered(theirs))


def test_run_inference_per_model_gives_the_same(
    models: Path, emulator: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", emulator["BIGQUERY_EMULATOR_HOST"])
    both = RunInferencePerModel([spec(models / "times5"), spec(models / "times10")])
    for number, model in enumerate(("times5", "times10")):
        directory = tmp_path / model
        directory.mkdir()
        theirs = by_tfx_bsl(directory, both, beam.Map(lambda logs, number=number: logs[number]))
        assert in_table(model) == pytest.approx(answered(theirs))


def test_one_after_the_other_gives_the_same(said: tuple[Path, list[str]], models: Path, tmp_path: Path) -> None:
    to_example = beam.Map(lambda log: example(answered([log])[0])).with_output_types(tf.train.Example)
    steps = [RunInference(spec(models / "times5")), to_example, RunInference(spec(models / "times10"))]
    theirs = by_tfx_bsl(tmp_path, *steps)
    assert in_files(said[0] / "article" / "sequence", "times10") == pytest.approx(answered(theirs))


def launches() -> list[list[str]]:
    """The arguments of the README's launches."""
    text = README.replace("\\\n", " ")
    return [shlex.split(line) for line in re.findall(r"^pubsub-inference launch (.*)$", text, re.MULTILINE)]


def test_the_launches_have_the_templates_parameters() -> None:
    own = ("--template=", "--project=", "--region=")
    names = []
    for job_name, *flags in launches():
        text = [re.sub(r"\$\w+", "p-name", flag) for flag in flags if not flag.startswith(own)]
        parameters, _ = options.parse(text)
        names.append((job_name, Path(parameters.job_file).name))
    assert names == [(f"article-{name}", f"{name}.yaml") for name in ("times5", "parallel", "sequence", "remote")]
