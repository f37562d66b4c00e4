"""The command `drain`, as its user sees it: what becomes of the messages, the job's own words, and the end."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest
from google.cloud.dataflow_v1beta3 import GetJobRequest, Job, UpdateJobRequest
from grpc import StatusCode

from tests.dataflow_cases import LINK, Command, run
from tests.dataflow_lives import (
    CANCELLED,
    DRAINED,
    DRAINING,
    ERROR,
    FAILED,
    PENDING,
    RUNNING,
    UPDATED,
    WARNING,
    Life,
    Said,
)
from tests.dataflow_refusals import BUSY, NUMBER, unknown_job
from tests.dataflow_server import DataflowServer

EXPLANATION = """\
Draining: the job stops reading; every batch that it has read is finished, written and acknowledged.
Windows are columns of a row here, no window waits open: none is closed early, none is written in part.
What is not read stays in the subscription, for as long as that retains messages.
A drained job cannot be resumed: launch it again on the same subscription, and nothing is lost.
"""
DEVELOPER = "the caller needs roles/dataflow.developer on the project"


@pytest.fixture
def drain(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    return lambda *argv: run(monkeypatch, capsys, "drain", *argv)


def test_a_job_is_drained_with_its_own_words_since_then(dataflow: DataflowServer, drain: Command) -> None:
    messages = [
        Said("All workers have finished the startup processes.", at=RUNNING),
        Said("Stopping **** worker pool...", at=DRAINING),
        Said("Worker pool stopped.", WARNING, at=DRAINED),
    ]
    job_id = dataflow.add("readings", Life(states=[RUNNING], messages=messages))
    assert drain("readings") == (
        0,
        f"job readings ({job_id}) is drained\n",
        f"{EXPLANATION}12:00:02Z Stopping **** worker pool...\njob readings is draining\n"
        "12:00:03Z warning: Worker pool stopped.\njob readings was drained\n",
    )
    assert dataflow.asked(UpdateJobRequest) == [
        UpdateJobRequest(
            project_id="my-project", location="europe-west4", job_id=job_id, job=Job(requested_state=DRAINED)
        )
    ]


def test_a_job_that_is_draining_is_waited_for(dataflow: DataflowServer, drain: Command) -> None:
    job_id = dataflow.add("readings", Life(states=[DRAINING, DRAINING, DRAINED]))
    assert drain(job_id) == (
        0,
        f"job readings ({job_id}) is drained\n",
        f"{EXPLANATION}job readings is draining\njob readings was drained\n",
    )


def test_without_waiting_the_link_is_shown(dataflow: DataflowServer, drain: Command) -> None:
    job_id = dataflow.add("readings", Life(states=[RUNNING]))
    asked = f"job readings ({job_id}) is asked to drain: {LINK.format(job_id)}\n"
    assert drain("readings", "--no-wait") == (0, asked, EXPLANATION)
    assert dataflow.asked(GetJobRequest) == []


@pytest.mark.parametrize(
    ("state", "code", "out", "err"),
    [
        (DRAINED, 0, "job readings ({id}) is drained already\n", ""),
        (CANCELLED, 1, "", "job readings ({id}) was cancelled: there is nothing to drain\n"),
        (FAILED, 1, "", "job readings ({id}) has failed: there is nothing to drain\n"),
        (UPDATED, 1, "", "job readings ({id}) was replaced by an update: there is nothing to drain\n"),
        (
            PENDING,
            1,
            "",
            "job readings ({id}) is pending: there is nothing to drain before it runs; `pubsub-inference cancel "
            "readings` stops it\n",
        ),
    ],
)
def test_where_there_is_nothing_to_drain_nothing_is_asked(
    state: int, code: int, out: str, err: str, dataflow: DataflowServer, drain: Command
) -> None:
    job_id = dataflow.add("readings", Life(states=[state]))
    assert drain("readings") == (code, out.format(id=job_id), err.format(id=job_id))
    assert dataflow.asked(UpdateJobRequest) == []


@pytest.mark.parametrize(
    ("life", "words"),
    [
        (
            Life([RUNNING], draining=[DRAINING, FAILED], messages=[Said("Out of memory.", ERROR, at=FAILED)]),
            "12:00:01Z error: Out of memory.\njob readings has failed\n"
            "job readings ({id}) has failed: Out of memory; see ",
        ),
        (
            Life([RUNNING], draining=[DRAINING, CANCELLED]),
            "job readings was cancelled\njob readings ({id}) was cancelled: it has not said why; see ",
        ),
    ],
)
def test_a_job_that_ends_in_another_way_is_told_with_its_own_words(
    life: Life, words: str, dataflow: DataflowServer, drain: Command
) -> None:
    job_id = dataflow.add("readings", life)
    told = f"{EXPLANATION}job readings is draining\n{words}{LINK}\n".replace("{id}", job_id).replace("{}", job_id)
    assert drain("readings") == (1, "", told)


def test_a_job_that_takes_too_long_goes_on_without_us(dataflow: DataflowServer, drain: Command) -> None:
    job_id = dataflow.add("readings", Life(states=[RUNNING], draining=[DRAINING]))
    told = f"job readings is still draining after 0 s; it goes on: {LINK.format(job_id)}\n"
    assert drain("readings", "--timeout=1ms") == (1, "", f"{EXPLANATION}job readings is draining\n{told}")


@pytest.mark.usefixtures("dataflow")
def test_everything_wrong_with_the_flags_is_told_at_once(drain: Command) -> None:
    assert drain("readings", "--project=x", "--region=europe-west4-a", "--timeout=30", "--no-wait") == (
        2,
        "",
        "--project: 'x' is no project id; `gcloud projects list` shows those there are\n"
        "--region: 'europe-west4-a' is a zone; write --region=europe-west4\n"
        "--timeout: '30' is not a duration; write a number and ms, s, m, h or d, as in 60s\n"
        "--timeout: nothing is waited for with --no-wait; leave one of them out\n",
    )
    assert drain() == (2, "", "Missing argument 'JOB'. (pubsub-inference drain --help)\n")


def test_a_job_that_is_not_there_is_told_with_where_to_look(dataflow: DataflowServer, drain: Command) -> None:
    job_id = dataflow.add("readings", Life(states=[RUNNING]))
    lists = "`pubsub-inference jobs --all --project=my-project --region=us-central1` lists"
    assert drain("readings", "--region=us-central1") == (
        1,
        "",
        f"no job 'readings' in us-central1 of my-project; {lists} those there are\n",
    )
    assert drain(job_id, "--region=us-central1") == (
        1,
        "",
        f"cannot look up job {job_id}: {unknown_job(job_id).text.rstrip('.')}; mind --project and --region; "
        "`pubsub-inference jobs --all` lists the jobs there\n",
    )


@pytest.mark.parametrize(
    ("method", "doing", "shown"),
    [
        ("ListJobs", "list the jobs of my-project in europe-west4", ""),
        ("UpdateJob", "drain job {id}", EXPLANATION),
        ("GetJob", "look up job {id}", EXPLANATION),
    ],
)
def test_a_permission_that_is_missing_is_told_with_the_role(
    method: str, doing: str, shown: str, dataflow: DataflowServer, drain: Command
) -> None:
    job_id = dataflow.add("readings", Life(states=[RUNNING]))
    said = f"{NUMBER}The caller does not have permission"
    dataflow.fail(method, StatusCode.PERMISSION_DENIED, said)
    assert drain("readings") == (1, "", f"{shown}cannot {doing.format(id=job_id)}: {said}; {DEVELOPER}\n")


def test_a_job_whose_messages_are_refused_is_drained_without_them(dataflow: DataflowServer, drain: Command) -> None:
    job_id = dataflow.add("readings", Life(states=[RUNNING], messages=[Said("Stopping", at=DRAINING)]))
    dataflow.fail("ListJobMessages", StatusCode.PERMISSION_DENIED, "No.")
    silence = f"cannot read the messages of job {job_id}: No; {DEVELOPER}"
    assert drain("readings") == (
        0,
        f"job readings ({job_id}) is drained\n",
        f"{EXPLANATION}warning: waiting without the job's messages: {silence}\n"
        "job readings is draining\njob readings was drained\n",
    )


def test_a_service_that_is_unavailable_for_a_moment_is_asked_again(dataflow: DataflowServer, drain: Command) -> None:
    job_id = dataflow.add("readings", Life(states=[RUNNING]))
    for method in ("ListJobs", "UpdateJob", "GetJob", "ListJobMessages"):
        dataflow.fail(method, StatusCode.UNAVAILABLE, BUSY)
    assert drain("readings") == (
        0,
        f"job readings ({job_id}) is drained\n",
        f"{EXPLANATION}job readings is draining\njob readings was drained\n",
    )


def test_ctrl_c_ends_the_waiting_and_not_the_draining(dataflow: DataflowServer) -> None:
    job_id = dataflow.add("readings", Life(states=[RUNNING], draining=[DRAINING]))
    command = [sys.executable, "-m", "streaming", "drain", "readings"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        dataflow.await_asked(GetJobRequest, 2)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (130, "")
    assert err == (
        f"{EXPLANATION}job readings is draining\nno longer waiting; job readings goes on: {LINK.format(job_id)}\n"
    )
    assert dataflow.jobs[job_id].state == DRAINING
