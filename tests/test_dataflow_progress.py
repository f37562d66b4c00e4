"""While a job is waited for, a terminal has a line that moves, and a file a line for each change."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from google.cloud.dataflow_v1beta3 import Job, JobMessage

from streaming.dataflow.jobs import Jobs, Place
from streaming.dataflow.progress import Progress, watched
from streaming.errors import PermanentError
from tests.dataflow_cases import LINK
from tests.dataflow_lives import BASIC, DRAINED, DRAINING, ERROR, RUNNING, WARNING, Life, Said
from tests.dataflow_server import DataflowServer

TIME = datetime(2026, 7, 1, 12, 0, 1, tzinfo=UTC)


def test_each_state_is_said_once_and_each_message_on_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress()
    with progress.shown("job j goes on"):
        for state in (RUNNING, DRAINING, DRAINING, DRAINED):
            progress.state(Job(name="readings", current_state=state))
        for importance in (BASIC, WARNING, ERROR):
            text = "[red]Stopping\n  worker pool...[/red]"
            progress.message(JobMessage(time=TIME, message_text=text, message_importance=importance))
        progress.silence(PermanentError("denied; ask"))
    assert capsys.readouterr() == (
        "",
        "job readings is running\n"
        "job readings is draining\n"
        "job readings was drained\n"
        "12:00:01Z [red]Stopping worker pool...[/red]\n"
        "12:00:01Z warning: [red]Stopping worker pool...[/red]\n"
        "12:00:01Z error: [red]Stopping worker pool...[/red]\n"
        "warning: waiting without the job's messages: denied; ask\n",
    )


def test_a_terminal_has_one_line_that_moves(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")
    progress = Progress()
    with progress.shown("job j goes on"):
        progress.state(Job(name="readings", current_state=DRAINING))
        progress.message(JobMessage(time=TIME, message_text="Stopping", message_importance=BASIC))
        progress.state(Job(name="readings", current_state=DRAINED))
    out, err = capsys.readouterr()
    assert out == ""
    assert "job readings is draining" not in err.splitlines()
    assert any(line.endswith("12:00:01Z Stopping") for line in err.splitlines())
    assert err.endswith("job readings was drained\n")  # what was said last stays


def test_ctrl_c_says_what_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(KeyboardInterrupt), Progress().shown("job j goes on: LINK"):
        raise KeyboardInterrupt
    assert capsys.readouterr() == ("", "no longer waiting; job j goes on: LINK\n")


def test_a_watch_shows_what_it_sees(dataflow: DataflowServer, capsys: pytest.CaptureFixture[str]) -> None:
    job_id = dataflow.add("readings", Life(messages=[Said("Worker pool started.", at=RUNNING)]))
    jobs = Jobs(Place("my-project", "europe-west4"))
    with watched(jobs, Job(id=job_id, name="readings")) as watch:
        watch.until({RUNNING})
    assert capsys.readouterr().err == (
        "job readings is queued\njob readings is pending\n12:00:01Z Worker pool started.\njob readings is running\n"
    )
    with pytest.raises(KeyboardInterrupt), watched(jobs, Job(id=job_id, name="readings")):
        raise KeyboardInterrupt
    assert capsys.readouterr().err == f"no longer waiting; job readings goes on: {LINK.format(job_id)}\n"
