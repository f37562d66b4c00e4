"""What is wrong with a launch is told at once, even without a template; and what is shown of the job that began."""

from __future__ import annotations

from pathlib import Path

import pytest
from google.cloud.dataflow_v1beta3 import ContainerSpec, LaunchFlexTemplateRequest

from streaming.dataflow.commands.planned import begin, planned, wait_until_it_runs
from streaming.dataflow.commands.settings import Settings
from streaming.dataflow.jobs import Jobs, Place
from streaming.errors import JobError, Mistakes
from tests.dataflow_cases import LINK
from tests.dataflow_lives import FAILED, PENDING, RUNNING, Life
from tests.dataflow_server import DataflowServer
from tests.launch_cases import TEMPLATE, announced, environment, request

PLACE = Place("my-project", "europe-west4")


def settings(template: Path | str = "none", **others: object) -> Settings:
    return Settings(template=str(template), project="my-project", region="europe-west4", **others)  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def _no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FORCE_COLOR", raising=False)


def mistakes(argv: list[str], given: Settings, *known: str) -> tuple[str, ...]:
    with pytest.raises(Mistakes) as caught:
        planned(argv, given, known)
    return caught.value.lines


def test_without_a_template_arguments_and_settings_are_told_of_all_the_same(dataflow: DataflowServer) -> None:
    assert mistakes(["--nonsense"], settings(num_workers=0), "JOB_NAME: wrong") == (
        "JOB_NAME: wrong",
        "--num-workers: 0 is out of range; give 1 to 1000",
        "--template: no file none; `pubsub-inference template --output` writes one",
    )


def test_a_file_that_is_no_template_is_told_of_in_the_same_way(dataflow: DataflowServer, tmp_path: Path) -> None:
    path = tmp_path / "job.yaml"
    path.touch()
    assert mistakes([], settings(path, disk_size_gb=1, timeout="1m", wait=False)) == (
        "--timeout: nothing is waited for with --no-wait or --dry-run; leave one of them out",
        "--disk-size-gb: 1 is out of range; give 10 to 65536",
        f"--template: {path} is no template of this program; `pubsub-inference template` writes one",
    )


def test_of_a_job_that_has_begun_id_link_and_the_next_command_are_shown(
    dataflow: DataflowServer, capsys: pytest.CaptureFixture[str]
) -> None:
    dataflow.templates["gs://bucket/template.json"] = ContainerSpec.from_json(TEMPLATE)
    asked = request(environment())
    job = begin(PLACE, asked)
    assert [*dataflow.jobs] == [job.id]
    assert dataflow.asked(LaunchFlexTemplateRequest) == [asked]
    assert tuple(capsys.readouterr()) == ("".join(f"{line}\n" for line in announced(job.id)), "")


def test_a_job_is_waited_for_until_it_runs(dataflow: DataflowServer, capsys: pytest.CaptureFixture[str]) -> None:
    job_id = dataflow.add("readings", Life(states=[PENDING, PENDING, RUNNING, FAILED]))
    wait_until_it_runs(PLACE, Jobs(PLACE).get(job_id), settings(timeout="1h"))
    assert tuple(capsys.readouterr()) == ("", "job readings is pending\njob readings is running\n")


def test_a_job_that_fails_before_it_runs(dataflow: DataflowServer, capsys: pytest.CaptureFixture[str]) -> None:
    job_id = dataflow.add("readings", Life(states=[PENDING, PENDING, FAILED]))
    with pytest.raises(JobError) as caught:
        wait_until_it_runs(PLACE, Jobs(PLACE).get(job_id), settings())
    assert str(caught.value) == (f"job readings ({job_id}) has failed: it has not said why; see {LINK.format(job_id)}")
    assert capsys.readouterr().err == "job readings is pending\njob readings has failed\n"
