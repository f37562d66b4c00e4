"""The command `cancel`, as its user sees it."""

from __future__ import annotations

import pytest
from google.cloud.dataflow_v1beta3 import Job, UpdateJobRequest
from grpc import StatusCode

from tests.dataflow_cases import LINK, Command, run
from tests.dataflow_lives import CANCELLED, CANCELLING, DRAINED, DRAINING, QUEUED, RUNNING, Life, Said
from tests.dataflow_refusals import not_allowed
from tests.dataflow_server import DataflowServer

EXPLANATION = """\
Cancelling: the job stops at once; messages that it has in hand are not acknowledged, and come again.
What of them was written already is written once more by the next job, under the same prediction_id.
"""


@pytest.fixture
def cancel(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    return lambda *argv: run(monkeypatch, capsys, "cancel", *argv)


@pytest.mark.parametrize("state", [QUEUED, RUNNING, DRAINING, CANCELLING])
def test_a_job_is_cancelled_from_every_state_that_it_can_leave(
    state: int, dataflow: DataflowServer, cancel: Command
) -> None:
    life = Life(states=[state], cancelling=[CANCELLING, CANCELLED], messages=[Said("Cancel request is committed.")])
    job_id = dataflow.add("readings", life)
    if state == CANCELLING:
        dataflow.jobs[job_id].turn(life.cancelling)
    assert cancel("readings") == (
        0,
        f"job readings ({job_id}) is cancelled\n",
        f"{EXPLANATION}job readings is cancelling\njob readings was cancelled\n",
    )
    assert dataflow.asked(UpdateJobRequest) == [
        UpdateJobRequest(
            project_id="my-project", location="europe-west4", job_id=job_id, job=Job(requested_state=CANCELLED)
        )
    ]


def test_without_waiting_the_link_is_shown(dataflow: DataflowServer, cancel: Command) -> None:
    job_id = dataflow.add("readings", Life(states=[RUNNING]))
    asked = f"job readings ({job_id}) is asked to cancel: {LINK.format(job_id)}\n"
    assert cancel(job_id, "--no-wait") == (0, asked, EXPLANATION)


def test_a_job_that_has_ended_is_left_alone(dataflow: DataflowServer, cancel: Command) -> None:
    cancelled, drained = dataflow.add("gone", Life([CANCELLED])), dataflow.add("readings", Life([DRAINED]))
    assert cancel("gone") == (0, f"job gone ({cancelled}) is cancelled already\n", "")
    assert cancel("readings") == (1, "", f"job readings ({drained}) was drained: there is nothing to cancel\n")
    assert dataflow.asked(UpdateJobRequest) == []


def test_a_job_that_ends_meanwhile_is_refused_by_the_service(dataflow: DataflowServer, cancel: Command) -> None:
    job_id = dataflow.add("readings", Life(states=[RUNNING]))
    refusal = not_allowed("cancel", job_id, "Job is already in a terminal state.")
    dataflow.fail("UpdateJob", StatusCode.FAILED_PRECONDITION, refusal.text)
    told = f"{EXPLANATION}cannot cancel job {job_id}: {refusal.text.rstrip('.')}\n"
    assert cancel("readings") == (1, "", told)
