"""How long a command waits for a job's end; everything wrong with its flags is said before the service is asked."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from google.cloud.dataflow_v1beta3 import JobState

from streaming.dataflow.commands.ending import Ending, Request, end
from streaming.errors import JobError, Mistakes
from tests.dataflow_cases import LINK
from tests.dataflow_lives import CANCELLED, DRAINED, PENDING, RUNNING, Life
from tests.dataflow_server import DataflowServer

ENDING = Ending("JOB_STATE_CANCELLED", "stop", "Stopping: nothing is kept.", too_early=("JOB_STATE_PENDING",))


def request(**flags: Any) -> Request:
    usual = {"job": "readings", "project": "my-project", "region": "europe-west4", "wait": True, "timeout": None}
    return Request(**{**usual, **flags})


@pytest.mark.parametrize(
    ("flags", "patience"),
    [
        ({}, None),
        ({"timeout": "90s"}, timedelta(seconds=90)),
        ({"wait": False}, None),
        ({"job": "2026-07-01_12_00_00-1", "timeout": "500ms"}, timedelta(milliseconds=500)),
    ],
)
def test_how_long_a_command_waits(flags: dict[str, Any], patience: timedelta | None) -> None:
    assert request(**flags).patience() == patience


def test_all_that_is_wrong_with_the_flags_is_said_at_once() -> None:
    with pytest.raises(Mistakes) as caught:
        end(ENDING, request(job="Readings", region="europe-west4-b", wait=False, timeout="soon"))
    assert caught.value.lines == (
        "JOB: 'Readings' is neither the name of a job nor an id; `pubsub-inference jobs --all` lists both",
        "--region: 'europe-west4-b' is a zone; write --region=europe-west4",
        "--timeout: 'soon' is not a duration; write a number and ms, s, m, h or d, as in 60s",
        "--timeout: nothing is waited for with --no-wait; leave one of them out",
    )


def test_the_state_is_the_service_s_own() -> None:
    assert ENDING.state == JobState.JOB_STATE_CANCELLED


def test_the_words_are_the_ending_s(dataflow: DataflowServer, capsys: pytest.CaptureFixture[str]) -> None:
    job_id = dataflow.add("readings", Life(states=[RUNNING]))
    end(ENDING, request(wait=False))
    assert tuple(capsys.readouterr()) == (
        f"job readings ({job_id}) is asked to stop: {LINK.format(job_id)}\n",
        "Stopping: nothing is kept.\n",
    )


def test_a_job_that_is_there_already(dataflow: DataflowServer, capsys: pytest.CaptureFixture[str]) -> None:
    job_id = dataflow.add("readings", Life(states=[CANCELLED]))
    end(ENDING, request(timeout="1s"))
    assert tuple(capsys.readouterr()) == (f"job readings ({job_id}) is cancelled already\n", "")


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (DRAINED, "was drained: there is nothing to stop"),
        (
            PENDING,
            "is pending: there is nothing to stop before it runs; `pubsub-inference cancel readings` stops it",
        ),
    ],
)
def test_a_job_that_cannot_be_brought_there(state: JobState, words: str, dataflow: DataflowServer) -> None:
    job_id = dataflow.add("readings", Life(states=[state]))
    with pytest.raises(JobError) as caught:
        end(ENDING, request())
    assert str(caught.value) == f"job readings ({job_id}) {words}"
