"""What comes of a launch: a job that runs or fails, a refusal, an answer that is lost, patience that ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import grpc
import pytest
from google.cloud.dataflow_v1beta3 import LaunchFlexTemplateRequest

from tests.dataflow_cases import LINK
from tests.dataflow_lives import ERROR, FAILED, QUEUED, RUNNING, WARNING, Life, Said
from tests.dataflow_refusals import ACT_AS, BUSY, QUOTA
from tests.launch_cases import FROM_TEMPLATE, Cloud, announced
from tests.launcher import ANONYMOUS

pytestmark = pytest.mark.timeout(120)


def launching(directory: Path) -> subprocess.Popen[str]:
    """The command in a process of its own."""
    (directory / "sitecustomize.py").write_text(ANONYMOUS)
    command = [sys.executable, "-m", "streaming", "launch", "readings", *FROM_TEMPLATE]
    variables = {**os.environ, "PYTHONPATH": str(directory)}
    return subprocess.Popen(command, env=variables, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_a_job_that_fails_ends_the_command_with_its_errors(google: Cloud) -> None:
    said = [
        Said("The subscription has no messages.", WARNING),
        Said("Error occurred in the launcher container: Template launch failed.", ERROR),
    ]
    google.dataflow.lives.append(Life(states=[QUEUED, FAILED], messages=said))
    ended = google.run("launch", "readings", *FROM_TEMPLATE)
    assert (ended.code, ended.out.splitlines()) == (1, announced(google.the_job()))
    assert ended.err.splitlines() == [
        "12:00:01Z warning: The subscription has no messages.",
        "12:00:02Z error: Error occurred in the launcher container: Template launch failed.",
        "job readings is queued",
        "job readings has failed",
        f"job readings ({google.the_job()}) has failed: Error occurred in the launcher container: Template launch "
        f"failed; see {LINK.format(google.the_job())}",
    ]


@pytest.mark.parametrize(
    ("code", "text", "told"),
    [
        (
            grpc.StatusCode.RESOURCE_EXHAUSTED,
            QUOTA,
            f"{QUOTA.rstrip('.')}; ask for fewer or smaller workers (--max-workers, --machine-type), another --region, "
            "or more quota",
        ),
        (
            grpc.StatusCode.PERMISSION_DENIED,
            ACT_AS,
            f"{ACT_AS.rstrip('.')}; the caller needs roles/iam.serviceAccountUser on that account",
        ),
    ],
)
def test_a_refusal_is_one_line(google: Cloud, code: grpc.StatusCode, text: str, told: str) -> None:
    google.dataflow.fail("LaunchFlexTemplate", code, text)
    ended = google.run("launch", "readings", *FROM_TEMPLATE)
    assert (ended.code, ended.out, ended.err) == (1, "", f"cannot launch readings: {told}\n")


def test_a_refusal_of_a_dry_run_is_one_line(google: Cloud) -> None:
    google.dataflow.add("readings", Life(states=[RUNNING]))
    ended = google.run("launch", "readings", *FROM_TEMPLATE, "--dry-run")
    assert (ended.code, ended.out, ended.err.count("\n")) == (1, "", 1)
    assert ended.err.startswith("cannot validate the launch of readings: ")


def test_a_region_that_dataflow_does_not_have(google: Cloud) -> None:
    ended = google.run("launch", "readings", *FROM_TEMPLATE, "--region=europe-west44")
    assert (ended.code, ended.out, ended.err.count("\n")) == (1, "", 1)
    assert ended.err.startswith("cannot list the jobs of my-project in europe-west44: ")
    assert "invalid regional endpoint (europe-west44)" in ended.err


def test_a_service_that_cannot_be_had_is_asked_again(google: Cloud) -> None:
    google.dataflow.fail("LaunchFlexTemplate", grpc.StatusCode.UNAVAILABLE, BUSY)
    ended = google.run("launch", "readings", *FROM_TEMPLATE, "--no-wait")
    assert (ended.code, ended.out.splitlines(), ended.err) == (0, announced(google.the_job()), "")


@pytest.mark.parametrize("earlier", [0, 1])
def test_a_job_whose_launch_was_lost_on_the_way_back_is_the_one_asked_for(google: Cloud, earlier: int) -> None:
    for _ in range(earlier):
        google.dataflow.add("readings", Life(states=[FAILED]))
    google.dataflow.lose("LaunchFlexTemplate")
    ended = google.run("launch", "readings", *FROM_TEMPLATE)
    assert (ended.code, ended.out.splitlines()) == (0, announced([*google.dataflow.jobs][-1]))
    assert (len(google.dataflow.asked(LaunchFlexTemplateRequest)), len(google.dataflow.jobs)) == (2, 1 + earlier)


def test_a_name_that_another_job_has(google: Cloud) -> None:
    google.dataflow.add("readings", Life(states=[RUNNING]))
    ended = google.run("launch", "readings", *FROM_TEMPLATE)
    assert (ended.code, ended.out, ended.err.count("\n")) == (1, "", 1)
    assert ended.err.startswith("cannot launch readings: ")
    assert "There is already an active job named readings." in ended.err
    assert ended.err.endswith("; give it another name, or `pubsub-inference update` the job that runs\n")


def test_patience_ends_the_wait_and_not_the_job(google: Cloud) -> None:
    google.dataflow.lives.append(Life(states=[QUEUED]))
    ended = google.run("launch", "readings", *FROM_TEMPLATE, "--timeout=1ms")
    assert (ended.code, ended.out.splitlines()) == (1, announced(google.the_job()))
    assert ended.err.splitlines()[-1].startswith("job readings is still queued after 0 s; it goes on: https://")


@pytest.mark.integration
def test_ctrl_c_while_dataflow_is_asked_says_that_a_job_may_have_begun(google: Cloud, tmp_path: Path) -> None:
    google.dataflow.fail("LaunchFlexTemplate", grpc.StatusCode.UNAVAILABLE, BUSY, times=1000)
    with launching(tmp_path) as process:
        google.dataflow.await_asked(LaunchFlexTemplateRequest, 1)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (
        130,
        "",
        "interrupted while Dataflow was asked, which may have begun the job: `pubsub-inference jobs "
        "--project=my-project --region=europe-west4` shows whether it did\n",
    )


@pytest.mark.integration
def test_ctrl_c_ends_the_wait_and_not_the_job(google: Cloud, tmp_path: Path) -> None:
    google.dataflow.lives.append(Life(states=[QUEUED]))
    with launching(tmp_path) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "job readings is queued\n"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    job_id = google.the_job()
    assert (process.returncode, out.splitlines()) == (130, announced(job_id))
    assert err.splitlines()[-1] == f"no longer waiting; job readings goes on: {LINK.format(job_id)}"
