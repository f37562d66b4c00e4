"""The command `jobs`, as its user sees it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from grpc import StatusCode

from tests.dataflow_cases import Command, run
from tests.dataflow_lives import DRAINED, RUNNING, Life
from tests.dataflow_refusals import BUSY, NUMBER, wrong_region
from tests.dataflow_server import DataflowServer

SDK = ["Apache", "Beam", "Python", "3.11", "SDK", "2.77.0"]


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    return lambda *argv: run(monkeypatch, capsys, "jobs", *argv)


def test_the_active_jobs_are_listed_whole_the_latest_first(dataflow: DataflowServer, jobs: Command) -> None:
    now = datetime.now(UTC)
    created = [now - timedelta(days=3, hours=1), now - timedelta(minutes=5, seconds=20)]
    first = dataflow.add("readings", Life(states=[RUNNING]), created=created[0])
    dataflow.add("old", Life(states=[DRAINED]), created=created[0])
    last = dataflow.add("canary", created=created[1])
    code, out, err = jobs()
    assert (code, err) == (0, "")
    assert [line.split() for line in out.splitlines()] == [
        ["name", "id", "state", "since", "created", "type", "SDK"],
        ["canary", last, "queued", "5m", *f"{created[1]:%Y-%m-%d %H:%M:%SZ}".split(), "-", "-"],
        ["readings", first, "running", "3d", *f"{created[0]:%Y-%m-%d %H:%M:%SZ}".split(), "streaming", *SDK],
    ]


def test_with_all_those_that_have_ended_are_listed_too(dataflow: DataflowServer, jobs: Command) -> None:
    dataflow.add("readings", Life(states=[RUNNING]))
    dataflow.add("old", Life(states=[DRAINED]))
    code, out, err = jobs("--all", "--json")
    document = json.loads(out)
    assert (code, err) == (0, "")
    assert [(job["name"], job["state"]) for job in document["jobs"]] == [("old", "drained"), ("readings", "running")]


def test_where_there_are_none_that_is_said(dataflow: DataflowServer, jobs: Command) -> None:
    dataflow.add("old", Life(states=[DRAINED]))
    assert jobs() == (0, "no job runs in europe-west4 of my-project\n", "")
    assert jobs("--all", "--region=us-central1") == (0, "no job is in us-central1 of my-project\n", "")
    code, out, err = jobs("--json")
    assert (code, json.loads(out), err) == (0, {"project": "my-project", "region": "europe-west4", "jobs": []}, "")


@pytest.mark.usefixtures("dataflow")
def test_everything_wrong_with_the_place_is_told_at_once(jobs: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    assert jobs("--project=My Project", "--region=europe-west4-a") == (
        2,
        "",
        "--project: 'My Project' is no project id; `gcloud projects list` shows those there are\n"
        "--region: 'europe-west4-a' is a zone; write --region=europe-west4\n",
    )
    assert jobs("--region=Europe").err == ("--region: 'Europe' is no region; write one as in --region=europe-west4\n")
    monkeypatch.delenv("GOOGLE_CLOUD_PROJECT")
    assert jobs() == (
        2,
        "",
        "Missing option '--project' (env var: 'GOOGLE_CLOUD_PROJECT'). (pubsub-inference jobs --help)\n",
    )


@pytest.mark.usefixtures("dataflow")
def test_what_the_service_refuses_is_one_line(jobs: Command) -> None:
    assert jobs("--project=another-project") == (
        1,
        "",
        "cannot list the jobs of another-project in europe-west4: "
        f"{NUMBER}Permission 'dataflow.jobs.list' denied on project: 'another-project'; the caller needs "
        "roles/dataflow.developer on the project\n",
    )
    assert jobs("--region=moon-west1") == (
        1,
        "",
        f"cannot list the jobs of my-project in moon-west1: {wrong_region('moon-west1').text.rstrip('.')}\n",
    )


def test_a_service_that_is_unavailable_for_a_moment_is_asked_again(dataflow: DataflowServer, jobs: Command) -> None:
    dataflow.fail("ListJobs", StatusCode.UNAVAILABLE, BUSY)
    assert jobs() == (0, "no job runs in europe-west4 of my-project\n", "")


def test_a_process_of_its_own_lists_them_too_and_gives_up_soon_where_nothing_listens(dataflow: DataflowServer) -> None:
    dataflow.add("readings", Life(states=[RUNNING]))
    command = [sys.executable, "-m", "streaming", "jobs", "--json"]
    listed = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (listed.returncode, [job["name"] for job in json.loads(listed.stdout)["jobs"]]) == (0, ["readings"])
    environment = {**os.environ, "DATAFLOW_EMULATOR_HOST": "127.0.0.1:1"}
    nobody = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, env=environment)
    assert (nobody.returncode, nobody.stdout, nobody.stderr) == (
        1,
        "",
        "cannot list the jobs of my-project in europe-west4: nothing listens there; is the server of "
        "DATAFLOW_EMULATOR_HOST=127.0.0.1:1 there?\n",
    )
