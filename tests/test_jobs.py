"""The jobs of a place are asked of the service: found, listed page by page, told to end, and heard."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from google.cloud.dataflow_v1beta3 import GetJobRequest, Job, JobState, JobView, ListJobsRequest, UpdateJobRequest

from streaming.dataflow.jobs import Jobs, Place, show_state
from streaming.errors import PermanentError
from tests.dataflow_lives import (
    BASIC,
    BEGINNING,
    CANCELLED,
    DETAILED,
    DONE,
    DRAINED,
    DRAINING,
    ERROR,
    FAILED,
    RUNNING,
    WARNING,
    Life,
    Said,
)
from tests.dataflow_server import PAGE, DataflowServer

PLACE = Place("my-project", "europe-west4")
RUNS = Life(states=[RUNNING])


@pytest.fixture
def jobs() -> Jobs:
    return Jobs(PLACE)


def test_a_place_is_shown_as_the_console_and_the_commands_know_it() -> None:
    assert PLACE.flags() == "--project=my-project --region=europe-west4"
    link = "https://console.cloud.google.com/dataflow/jobs/europe-west4/2026-07-01_j?project=my-project"
    assert PLACE.console_link("2026-07-01_j") == link


def test_jobs_are_listed_over_all_pages_the_latest_first(dataflow: DataflowServer, jobs: Jobs) -> None:
    for number in range(2 * PAGE + 1):
        dataflow.add(f"job{number}", Life(states=[DONE if number % 2 else RUNNING]))
    dataflow.add("elsewhere", RUNS, region="us-central1")
    assert [job.name for job in jobs.all(active=False)] == ["job4", "job3", "job2", "job1", "job0"]
    assert [job.name for job in jobs.all(active=True)] == ["job4", "job2", "job0"]
    where = {"project_id": "my-project", "location": "europe-west4"}
    every, active = ListJobsRequest.Filter.ALL, ListJobsRequest.Filter.ACTIVE
    assert dataflow.asked(ListJobsRequest) == [
        ListJobsRequest(**where, filter=kind, name="", page_token=token)
        for kind, token in [(every, ""), (every, "2"), (every, "4"), (active, ""), (active, "2")]
    ]


def test_a_job_is_found_by_its_id(dataflow: DataflowServer, jobs: Jobs) -> None:
    job_id = dataflow.add("readings", RUNS)
    assert jobs.find(job_id).name == "readings"
    summary = JobView.JOB_VIEW_SUMMARY
    assert dataflow.requests == [
        GetJobRequest(project_id="my-project", location="europe-west4", job_id=job_id, view=summary)
    ]


def test_of_a_name_the_active_job_is_found_else_the_latest(dataflow: DataflowServer, jobs: Jobs) -> None:
    first = dataflow.add("readings", RUNS)
    latest = dataflow.add("readings", Life(states=[FAILED]))
    assert jobs.find("readings").id == first
    dataflow.jobs[first].turn([CANCELLED])
    assert jobs.find("readings").id == latest


@pytest.mark.parametrize("name", ["reading", "Readings", "", "2026-07-01"])
def test_a_name_that_no_job_has_is_told_with_the_command_that_lists_them(
    name: str, dataflow: DataflowServer, jobs: Jobs
) -> None:
    dataflow.add("readings", RUNS)
    with pytest.raises(PermanentError) as raised:
        jobs.find(name)
    assert str(raised.value) == (
        f"no job {name!r} in europe-west4 of my-project; `pubsub-inference jobs --all --project=my-project "
        "--region=europe-west4` lists those there are"
    )


def test_a_job_has_step_names_once_its_launcher_has_run(dataflow: DataflowServer, jobs: Jobs) -> None:
    steps = ["Read/Read", "Infer/times5/BeamML_RunInference"]
    job_id = dataflow.add("readings", Life(steps=steps))
    assert jobs.step_names(job_id) == frozenset()
    assert jobs.get(job_id).pipeline_description.original_pipeline_transform == []
    jobs.get(job_id)
    assert jobs.step_names(job_id) == frozenset(steps)


@pytest.mark.parametrize(("steps", "told"), [(["Read/Read", "", "Decode"], {"Read/Read", "Decode"}), ([""], set())])
def test_without_a_description_the_names_are_those_of_the_translated_steps(
    steps: list[str], told: set[str], dataflow: DataflowServer, jobs: Jobs
) -> None:
    job_id = dataflow.add("readings", Life(states=[RUNNING], steps=steps, described=False))
    assert jobs.step_names(job_id) == told


def test_a_job_is_asked_to_end_and_does_so_by_and_by(dataflow: DataflowServer, jobs: Jobs) -> None:
    job_id = dataflow.add("readings", RUNS)
    jobs.request(job_id, DRAINED)
    assert [jobs.get(job_id).current_state for _ in range(4)] == [DRAINING, DRAINING, DRAINED, DRAINED]
    assert dataflow.asked(UpdateJobRequest) == [
        UpdateJobRequest(
            project_id="my-project", location="europe-west4", job_id=job_id, job=Job(requested_state=DRAINED)
        )
    ]


def test_messages_come_over_all_pages_from_an_importance_and_a_time_on(dataflow: DataflowServer, jobs: Jobs) -> None:
    kinds = [BASIC, WARNING, DETAILED, ERROR, BASIC]
    job_id = dataflow.add("readings", Life(messages=[Said(f"m{n}", kind) for n, kind in enumerate(kinds)]))
    assert [each.message_text for each in jobs.messages(job_id)] == ["m0", "m1", "m3", "m4"]
    assert [each.message_text for each in jobs.messages(job_id, WARNING)] == ["m1", "m3"]
    since = BEGINNING + timedelta(seconds=4)
    assert [(each.time, each.message_text) for each in jobs.messages(job_id, since=since)] == [
        (since, "m3"),
        (since + timedelta(seconds=1), "m4"),
    ]


@pytest.mark.parametrize(
    ("ask", "doing"),
    [
        (lambda jobs: jobs.all(active=True), "list the jobs of my-project in europe-west4"),
        (lambda jobs: jobs.find("2026-07-01_12_00_00-1"), "look up job 2026-07-01_12_00_00-1"),
        (lambda jobs: jobs.messages("j"), "read the messages of job j"),
        (lambda jobs: jobs.request("j", DRAINED), "drain job j"),
        (lambda jobs: jobs.request("j", CANCELLED), "cancel job j"),
    ],
)
def test_without_credentials_or_a_server_it_is_said_what_is_missing(
    ask: Callable[[Jobs], object], doing: str, jobs: Jobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streaming.service_errors.REFUSED_SECONDS", 0.0)
    for name in ("DATAFLOW_EMULATOR_HOST", "GOOGLE_APPLICATION_CREDENTIALS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    with pytest.raises(PermanentError) as raised:
        ask(jobs)
    words = "cannot ask Dataflow: no valid credentials; run gcloud auth application-default login ("
    assert str(raised.value).startswith(words)
    monkeypatch.setenv("DATAFLOW_EMULATOR_HOST", "127.0.0.1:1")
    with pytest.raises(PermanentError) as raised:
        ask(jobs)
    assert str(raised.value) == (
        f"cannot {doing}: nothing listens there; is the server of DATAFLOW_EMULATOR_HOST=127.0.0.1:1 there?"
    )


def test_a_state_is_shown_as_words() -> None:
    states = (RUNNING, JobState.JOB_STATE_RESOURCE_CLEANING_UP)
    assert [show_state(state) for state in states] == ["running", "resource cleaning up"]
