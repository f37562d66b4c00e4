"""The entry point up to the runner: every mistake at once, and the graph that Dataflow is given, without a network."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import google.auth
import pytest
from apache_beam.options.pipeline_options import GoogleCloudOptions, StandardOptions
from apache_beam.portability.api import beam_runner_api_pb2
from google.auth.credentials import AnonymousCredentials

from streaming import main
from streaming.errors import Mistakes


@pytest.fixture
def job_file(job_file: str, saved_models: Path) -> str:
    """Also with a model that takes what `times5` predicts."""
    with Path(job_file).open("a") as file:
        file.write(f"  times10: {{path: {saved_models}/times10, features: {{x: times5.prediction}}, ")
        file.write("outputs: {output_0: prediction}}")
    return job_file


@pytest.fixture
def argv(job_file: str) -> list[str]:
    return [
        f"--job_file={job_file}",
        "--input_subscription=projects/my-project/subscriptions/readings",
        "--output_table=my-project:data.predictions",
        "--runner=DataflowRunner",
    ]


def test_flags_job_file_and_beams_options_are_read_together(argv: list[str]) -> None:
    launch = main.checked([*argv, "--window-duration=5m", "--region=europe-west1", "--output_topic="])
    assert launch.parameters.output_table == "my-project.data.predictions"
    assert launch.parameters.output_topic is None
    assert launch.contract.window == timedelta(minutes=5)
    assert [model.name for model in launch.contract.models] == ["times5", "times10"]
    assert launch.beam_options.view_as(GoogleCloudOptions).region == "europe-west1"
    assert launch.beam_options.view_as(StandardOptions).streaming


def test_mistakes_of_flags_runner_job_file_and_models_are_named_at_once(job_file: str, saved_models: Path) -> None:
    broken = Path(job_file).with_name("broken.yaml")
    broken.write_text(
        Path(job_file).read_text().replace("x: value", "x: valu").replace(f"{saved_models}/times5", "none")
    )
    with pytest.raises(Mistakes) as mistakes:
        main.checked([f"--job_file={broken}", "--output_tabel=p.d.t", "--batch_size=0", "--runner=DirectRunner"])
    assert mistakes.value.lines == (
        "--output_tabel: unknown flag; did you mean --output_table?",
        "--input_subscription: missing; give one of --input_subscription, --input_files and --input_table",
        "--output_table: missing; give --output_table=OUTPUT_TABLE",
        "--batch_size: input should be greater than or equal to 1, not '0'",
        "--runner: DirectRunner never acknowledges a message, or does so before it is processed; "
        "use PrismRunner, DataflowRunner or another portable runner",
        f"models.times5.path: no directory {broken.parent}/none; correct the path",
        "features.x: the schema has no field 'valu'; did you mean value?",
    )


def test_mistakes_end_with_code_2_and_without_a_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["--job_file=", "--runner=DataflowRunner"]) == 2
    assert capsys.readouterr().err.splitlines() == [
        "--job_file: missing; give --job_file=JOB_FILE",
        "--input_subscription: missing; give one of --input_subscription, --input_files and --input_table",
        "--output_table: missing; give --output_table=OUTPUT_TABLE",
    ]


def test_the_graph_can_be_drawn_without_being_run(argv: list[str]) -> None:
    graph = main.draw(main.checked([*argv, "--runner=PrismRunner"])).to_runner_api()
    (root,) = graph.root_transform_ids
    transforms = graph.components.transforms
    assert [transforms[each].unique_name for each in transforms[root].subtransforms] == [
        "Read",
        "Decode",
        "Window",
        "ToExamples",
        "Infer",
        "WriteTable",
        "Publish",
        "WriteDeadLetters",
        "EndOfLine",
    ]


@pytest.fixture
def leaves(argv: list[str]) -> dict[str, Any]:
    """The graph as Dataflow is given it: the transforms without parts, by name."""
    dry = ["--dry_run=True", "--project=my-project", "--region=europe-west1", "--temp_location=gs://bucket/temp"]
    dry += ["--sdk_location=container", "--job_name=reading"]
    with mock.patch.object(google.auth, "default", return_value=(AnonymousCredentials(), "my-project")):
        result = main.start(main.checked([*argv, *dry]))
    transforms = result.job.proto_pipeline.components.transforms.values()
    return {each.unique_name: each for each in transforms if not each.subtransforms}


def test_dataflow_is_given_one_line_without_anything_that_would_part_it(leaves: dict[str, Any]) -> None:
    par_do = "beam:transform:pardo:v1"
    assert {name: each.spec.urn for name, each in leaves.items()} == {
        "Read/Pull/Read": "beam:transform:pubsub_read:v1",
        "Read/Batch/ParDo(_GlobalWindowsBatchingDoFn)": par_do,
        "Decode": par_do,
        "Window": par_do,
        "ToExamples": par_do,
        "Infer/times5/BeamML_RunInference": par_do,
        "Infer/times10/BeamML_RunInference": par_do,
        "WriteTable": par_do,
        "Publish": par_do,
        "WriteDeadLetters": par_do,
    }
    for transform in leaves.values():
        payload = beam_runner_api_pb2.ParDoPayload()
        if transform.spec.urn == par_do:
            payload.ParseFromString(transform.spec.payload)
        assert len(transform.inputs) <= 1
        assert [*payload.state_specs, *payload.side_inputs, *payload.timer_family_specs] == []
        assert not payload.restriction_coder_id
    assert len({transform.environment_id for name, transform in leaves.items() if name != "Read/Pull/Read"}) == 1


def test_dataflow_reads_the_subscription_with_attributes(leaves: dict[str, Any]) -> None:
    payload = beam_runner_api_pb2.PubSubReadPayload()
    payload.ParseFromString(leaves["Read/Pull/Read"].spec.payload)
    assert payload.subscription == "projects/my-project/subscriptions/readings"
    assert payload.with_attributes
