"""What the tests of launches share: a job on Cloud Storage, a template, and the arguments that launch one from it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from google.cloud.dataflow_v1beta3 import (
    FlexTemplateRuntimeEnvironment,
    LaunchFlexTemplateParameter,
    LaunchFlexTemplateRequest,
    StreamingMode,
)

from streaming.dataflow.spec import spec, text
from tests.cloud_storage_server import Bucket, cloud_storage
from tests.dataflow_cases import LINK, Outcome, dataflow_server, run
from tests.dataflow_server import DataflowServer

EXAMPLE = Path(__file__).parents[1] / "examples" / "multiply"
STEPS = (Path(__file__).parent / "golden" / "steps.txt").read_text().split()
IMAGE = "europe-west4-docker.pkg.dev/my-project/jobs/pubsub-inference:1.0"
TEMPLATE = text(spec(IMAGE))
PARAMETERS = {
    "job_file": "gs://bucket/multiply/job.yaml",
    "input_subscription": "projects/my-project/subscriptions/readings",
    "output_table": "my-project:data.predictions",
}
ARGUMENTS = [f"--{name}={value}" for name, value in PARAMETERS.items()]
FROM_TEMPLATE = ["--template=gs://bucket/template.json", *ARGUMENTS]
MONITOR = "pubsub-inference monitor {} --project=my-project --region=europe-west4"


def announced(job_id: str) -> list[str]:
    """What is said of a job that has begun."""
    return [job_id, LINK.format(job_id), MONITOR.format(job_id)]


@dataclass(frozen=True)
class Cloud:
    """Dataflow and Cloud Storage in this process, and the command that asks them."""

    dataflow: DataflowServer
    bucket: Bucket
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]

    def run(self, *argv: str) -> Outcome:
        return run(self.monkeypatch, self.capsys, *argv)

    def the_job(self) -> str:
        """The id of the one job that there is."""
        (job_id,) = self.dataflow.jobs
        return job_id

    def request(self) -> LaunchFlexTemplateRequest:
        """The one launch that Dataflow was asked for."""
        (request,) = self.dataflow.asked(LaunchFlexTemplateRequest)
        return request

    def put_job(self, name: str, *, without: str = "") -> None:
        """The job of `examples/multiply`, perhaps without one of its models."""
        lines = (EXAMPLE / "job.yaml").read_text().splitlines(keepends=True)
        self.bucket.put(f"{name}/reading.avsc", (EXAMPLE / "reading.avsc").read_bytes())
        self.bucket.put(f"{name}/job.yaml", "".join(_without_model(lines, without)).encode())

    def put_models(self, directory: Path, names: list[str], job: str) -> None:
        for model in names:
            for file in (each for each in (directory / model).rglob("*") if each.is_file()):
                self.bucket.put(f"{job}/models/{model}/{file.relative_to(directory / model)}", file.read_bytes())


def _without_model(lines: list[str], model: str) -> Iterator[str]:
    """The lines without those of the model's block."""
    inside = False
    for line in lines:
        if line.startswith("  ") and line[2] not in " #":
            inside = bool(model) and line.startswith(f"  {model}:")
        elif not line.startswith("    "):
            inside = False
        if not inside:
            yield line


@contextmanager
def cloud(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], saved_models: Path) -> Iterator[Cloud]:
    """With the template, and a job of the models `times5` and `times10`."""
    with dataflow_server(monkeypatch) as dataflow, cloud_storage(monkeypatch) as bucket:
        ready = Cloud(dataflow, bucket, monkeypatch, capsys)
        ready.put_job("multiply")
        ready.put_models(saved_models, ["times5", "times10"], "multiply")
        bucket.put("template.json", TEMPLATE.encode())
        dataflow.templates["gs://bucket/template.json"] = _parsed()
        yield ready


def _parsed() -> object:
    from google.cloud.dataflow_v1beta3 import ContainerSpec

    return ContainerSpec.from_json(TEMPLATE)


def request(environment: FlexTemplateRuntimeEnvironment, **fields: object) -> LaunchFlexTemplateRequest:
    """The launch of `readings` from the template, with more fields of its parameter."""
    return LaunchFlexTemplateRequest(
        project_id="my-project",
        location="europe-west4",
        launch_parameter=LaunchFlexTemplateParameter(
            job_name="readings",
            container_spec_gcs_path="gs://bucket/template.json",
            parameters=PARAMETERS,
            environment=environment,
            **fields,
        ),
    )


def environment(**settings: object) -> FlexTemplateRuntimeEnvironment:
    """What a launch without settings asks for, and these."""
    return FlexTemplateRuntimeEnvironment(**{"streaming_mode": StreamingMode.STREAMING_MODE_AT_LEAST_ONCE, **settings})
