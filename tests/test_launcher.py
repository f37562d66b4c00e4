"""A launch of the Flex Template, up to the job graph that Dataflow is given: the entry file in a process of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess
from types import MappingProxyType
from typing import Any

import pytest
from apache_beam.portability import common_urns
from apache_beam.portability.api import beam_runner_api_pb2 as beam_api
from apache_beam.runners.portability.fn_api_runner import translations

from tests.builders import save_multiplier
from tests.launcher import GoogleServer, google_server, launch
from tests.pubsub_presence_server import PresenceServer

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]  # no emulators, but seconds of Beam and TensorFlow

STEPS = Path(__file__).parent / "golden" / "steps.txt"
"""The steps of the job, by name: an interface, since a running job can be updated only as long as they stay."""

STORED_STEPS = STEPS.with_name("steps_stored.txt")

EXAMPLE = Path(__file__).parents[1] / "examples" / "multiply"
IMAGE = "europe-west1-docker.pkg.dev/my-project/jobs/inference:1"
GRAPH = "staging/template_launches/2026-07-01_launch/job_object"
PIPELINE = "pipeline.pb"
READ = "Read/Pull/Read"
PAR_DO = common_urns.primitives.PAR_DO.urn
PUBSUB_READ = "beam:transform:pubsub_read:v1"

PARAMETERS = {
    "input_subscription": "projects/my-project/subscriptions/readings",
    "output_table": "my-project:data.predictions",
    "output_topic": "projects/my-project/topics/predictions",
    "output_deadletter_table": "",
    "output_deadletter_topic": "",
    "output_ordering": "true",
    "window_duration": "30s",
    "batch_size": "1000",
}
LAUNCHER_S = {
    "runner": "DataflowRunner",
    "project": "my-project",
    "region": "europe-west1",
    "job_name": "readings",
    "temp_location": "gs://bucket/temp",
    "staging_location": "gs://bucket/staging",
    "streaming": "true",
    "enable_streaming_engine": "true",
    "dataflow_service_options": "streaming_mode_at_least_once",
    "experiments": "use_runner_v2,min_num_workers=1",
    "labels": '{"team": "devices"}',
    "num_workers": "1",
    "max_num_workers": "4",
    "worker_machine_type": "n2-standard-2",
    "service_account_email": "worker@my-project.iam.gserviceaccount.com",
    "use_public_ips": "False",
    "update": "false",
    "sdk_container_image": IMAGE,
    "sdk_location": "container",
}


@dataclass(frozen=True)
class Launched:
    """What a launch has come to: the process, and what Google was given."""

    process: CompletedProcess[str]
    google: GoogleServer

    @property
    def job(self) -> dict[str, Any]:
        return dict(json.loads(self.google.bucket.objects[GRAPH]))

    @property
    def pipeline(self) -> beam_api.Pipeline:
        (content,) = (each for name, each in self.google.bucket.objects.items() if name.endswith(PIPELINE))
        return beam_api.Pipeline.FromString(content)


@pytest.fixture(scope="module")
def job_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The job of `examples/multiply`."""
    directory = tmp_path_factory.mktemp("multiply")
    for name, factor in (("times5", 5.0), ("times10", 10.0)):
        save_multiplier(directory / "models" / name, factor)
    for name in ("job.yaml", "reading.avsc"):
        (directory / name).write_bytes((EXAMPLE / name).read_bytes())
    return directory / "job.yaml"


def launched(
    job_file: Path, directory: Path, files: Mapping[str, bytes] = MappingProxyType({}), **more: str
) -> Iterator[Launched]:
    """A launch with `more` parameters and `files` in the bucket; the services stay up until the test is over."""
    with ExitStack() as services:
        google = services.enter_context(google_server())
        for name, content in files.items():
            google.bucket.put(name, content)
        pubsub = services.enter_context(PresenceServer("projects/my-project/topics/readings"))
        variables = {
            "STORAGE_EMULATOR_HOST": f"http://localhost:{google.port}",
            "PUBSUB_EMULATOR_HOST": pubsub.host,
            "BIGQUERY_EMULATOR_HOST": f"localhost:{google.port}",
        }
        more = {name: value.format(port=google.port) for name, value in more.items()}
        parameters = {"job_file": str(job_file), **PARAMETERS, **LAUNCHER_S, **more}
        yield Launched(launch(parameters, variables, directory), google)


@pytest.fixture(scope="module")
def written(job_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launched]:
    """The launcher has asked for the job graph, to submit it itself."""
    yield from launched(job_file, tmp_path_factory.mktemp("written"), template_location=f"gs://bucket/{GRAPH}")


def transforms(pipeline: beam_api.Pipeline) -> dict[str, beam_api.PTransform]:
    """The transforms without parts, by name."""
    every = pipeline.components.transforms.values()
    return {each.unique_name: each for each in every if not each.subtransforms}


def test_the_program_ends_well_once_the_graph_is_written(written: Launched) -> None:
    assert written.process.returncode == 0, written.process.stderr
    assert [job for job, _ in written.google.jobs] == []
    assert written.google.tables == [
        "my-project.data.predictions",
        "my-project.data.predictions_distinct",
        "my-project.data.predictions_error_records",
    ]


def test_neither_packages_nor_a_main_session_are_staged(written: Launched) -> None:
    assert {name.rpartition("/")[2] for name in written.google.bucket.objects} == {
        PIPELINE,
        "job_object",
        "submission_environment_dependencies.txt",  # Beam's list of what is installed here
    }


def test_the_steps_are_named_as_they_were(written: Launched) -> None:
    assert sorted(transforms(written.pipeline)) == sorted(STEPS.read_text().split())


def test_the_job_tells_what_it_reads_and_writes(written: Launched) -> None:
    payloads = [
        beam_api.LabelledPayload.FromString(shown.payload)
        for transform in written.pipeline.components.transforms.values()
        for shown in transform.display_data
    ]
    parameters, table = ("input_", "output_", "models"), "my-project.data.predictions"
    assert {each.key: each.string_value for each in payloads if each.key.startswith(parameters)} == {
        "input_subscription": PARAMETERS["input_subscription"],
        "output_table": table,
        "output_topic": PARAMETERS["output_topic"],
        "output_deadletter_table": f"{table}_error_records",
        "models": "times5, times10",
    }


def test_pubsub_is_read_natively_with_attributes(written: Launched) -> None:
    read = transforms(written.pipeline)[READ]
    assert read.spec.urn == PUBSUB_READ
    payload = beam_api.PubSubReadPayload.FromString(read.spec.payload)
    assert (payload.subscription, payload.with_attributes) == (PARAMETERS["input_subscription"], True)


def test_nothing_parts_the_line(written: Launched) -> None:
    steps = [step for name, step in transforms(written.pipeline).items() if name != READ]
    assert {step.spec.urn for step in steps} == {PAR_DO}  # no grouping, flattening or transform of another language
    for step in steps:
        do = beam_api.ParDoPayload.FromString(step.spec.payload)
        assert [*do.state_specs, *do.timer_family_specs, *do.side_inputs, do.restriction_coder_id] == [""]
        assert len(step.inputs) == 1


def test_beam_fuses_all_that_follows_the_reader_into_one_stage(written: Launched) -> None:
    _, stages = translations.create_and_optimize_stages(
        written.pipeline, phases=[translations.greedily_fuse], known_runner_urns=frozenset({PUBSUB_READ})
    )
    names = STEPS.read_text().split()
    fused = [{each.unique_name for each in stage.transforms} & {*names} for stage in stages]
    assert sorted(fused, key=len) == [{READ}, {*names} - {READ}]  # the runner's own step is a stage to this fuser


def test_the_steps_run_in_the_image_without_resource_hints(written: Launched) -> None:
    used = {step.environment_id for step in transforms(written.pipeline).values() if step.environment_id}
    (environment,) = (written.pipeline.components.environments[each] for each in used)
    assert beam_api.DockerPayload.FromString(environment.payload).container_image == IMAGE
    assert len(environment.resource_hints) == 0


def test_the_launchers_options_reach_the_job(written: Launched) -> None:
    environment = written.job["environment"]
    options = environment["sdkPipelineOptions"]["options"]
    kept = ("streaming", "enable_streaming_engine", "dataflow_service_options", "use_public_ips", "update")
    assert {name: options[name] for name in kept} == {
        "streaming": True,
        "enable_streaming_engine": True,
        "dataflow_service_options": ["streaming_mode_at_least_once"],
        "use_public_ips": False,
        "update": False,
    }
    assert "min_num_workers=1" in options["experiments"]
    assert environment["serviceOptions"] == ["streaming_mode_at_least_once"]
    assert (written.job["name"], written.job["type"], written.job["labels"]) == (
        "readings",
        "JOB_TYPE_STREAMING",
        {"team": "devices"},
    )


def test_the_same_launch_over_files_is_a_batch_job(job_file: Path, tmp_path: Path) -> None:
    files = {"readings.ndjson": b'{"device_id": "d1", "event_time": 1790000000000000, "value": 2.0}'}
    stored = {
        "input_subscription": "",
        "input_files": "gs://bucket/*.ndjson",
        "output_files": "gs://bucket/out",
        "template_location": f"gs://bucket/{GRAPH}",
    }
    for written in launched(job_file, tmp_path, files, **stored):
        assert written.process.returncode == 0, written.process.stderr
        environment = written.job["environment"]
        options = environment["sdkPipelineOptions"]["options"]
        assert (written.job["type"], options["streaming"]) == ("JOB_TYPE_BATCH", False)
        assert environment.get("serviceOptions", []) == []
        names = [name for name in STORED_STEPS.read_text().splitlines() if not name.startswith("Infer/")]
        assert {*names} <= {*transforms(written.pipeline)}


def test_a_job_that_is_submitted_is_not_waited_for(job_file: Path, tmp_path: Path) -> None:
    for submitted in launched(job_file, tmp_path, dataflow_endpoint="http://localhost:{port}"):
        assert submitted.process.returncode == 0, submitted.process.stderr
        assert [request for request, _ in submitted.google.jobs] == [
            "POST /v1b3/projects/my-project/locations/europe-west1/jobs"
        ]
