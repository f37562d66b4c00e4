"""A job is watched until it is as wanted; what it says is told once, and its end in another way is told with why."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
from google.cloud.dataflow_v1beta3 import GetJobRequest, ListJobMessagesRequest
from grpc import StatusCode

from streaming.dataflow import waiting
from streaming.dataflow.jobs import Jobs, Place
from streaming.dataflow.waiting import Watch
from streaming.errors import JobError, PermanentError
from tests.dataflow_cases import LINK
from tests.dataflow_lives import (
    BEGINNING,
    CANCELLED,
    DETAILED,
    DONE,
    DRAINED,
    DRAINING,
    ERROR,
    FAILED,
    PENDING,
    QUEUED,
    RUNNING,
    UPDATED,
    WARNING,
    Life,
    Said,
)
from tests.dataflow_refusals import BUSY, NUMBER
from tests.dataflow_server import DataflowServer

PLACE = Place("my-project", "europe-west4")
DENIED = f"{NUMBER}Permission 'dataflow.messages.list' denied on project: 'my-project'"


class Seen:
    """A watch over a job, and what it has told: states by their names, messages by their texts."""

    def __init__(self, job_id: str) -> None:
        self.told: list[str] = []
        self.silences: list[str] = []
        self.watch = Watch(
            Jobs(PLACE),
            job_id,
            on_state=lambda job: self.told.append(job.current_state.name.removeprefix("JOB_STATE_")),
            on_message=lambda message: self.told.append(message.message_text),
            on_silence=lambda error: self.silences.append(str(error)),
        )


def test_states_and_messages_are_told_in_their_order_each_message_once(dataflow: DataflowServer) -> None:
    messages = [
        Said("a"),
        Said("b", DETAILED),
        Said("c", WARNING, at=PENDING),
        Said("c", at=RUNNING),
        Said("d", at=RUNNING),
    ]
    seen = Seen(dataflow.add("readings", Life(states=[QUEUED, QUEUED, PENDING, RUNNING], messages=messages)))
    assert seen.watch.until({RUNNING}).current_state == RUNNING
    assert seen.told == ["a", "QUEUED", "QUEUED", "c", "PENDING", "c", "d", "RUNNING"]
    starts = [request.start_time for request in dataflow.asked(ListJobMessagesRequest) if not request.page_token]
    assert starts == [None] + [BEGINNING + timedelta(seconds=second) for second in (1, 1, 3)]


def test_messages_from_before_can_be_passed_over(dataflow: DataflowServer) -> None:
    messages = [Said("old", ERROR), Said("drained", at=DRAINED)]
    job_id = dataflow.add("readings", Life(states=[RUNNING], messages=messages))
    seen = Seen(job_id)
    seen.watch.pass_over()
    seen.watch.jobs.request(job_id, DRAINED)
    seen.watch.until({DRAINED})
    assert seen.told == ["DRAINING", "DRAINING", "drained", "DRAINED"]


@pytest.mark.parametrize(
    ("states", "messages", "words"),
    [
        (
            [QUEUED, FAILED],
            [Said("Launcher died.\n  Code 1", ERROR), Said("Bad.", WARNING), Said("No quota", ERROR, at=FAILED)],
            "has failed: Launcher died. Code 1; No quota",
        ),
        ([FAILED], [Said("No.", ERROR), Said("No.", ERROR)], "has failed: No"),
        ([RUNNING, FAILED], [Said("hello")], "has failed: it has not said why"),
        ([CANCELLED], [], "was cancelled: it has not said why"),
        ([UPDATED], [], "was replaced by an update: it has not said why"),
        ([DONE], [], "is done: it has not said why"),
    ],
)
def test_a_job_that_ends_in_another_way_is_told_with_its_own_words(
    states: Sequence[int], messages: Sequence[Said], words: str, dataflow: DataflowServer
) -> None:
    job_id = dataflow.add("readings", Life(states=states, messages=messages))
    with pytest.raises(JobError) as raised:
        Seen(job_id).watch.until({DRAINED})
    assert str(raised.value) == f"job readings ({job_id}) {words}; see {LINK.format(job_id)}"


def test_the_reason_of_a_failure_may_come_after_it(dataflow: DataflowServer, monkeypatch: pytest.MonkeyPatch) -> None:
    messages: list[Said] = []
    job_id = dataflow.add("readings", Life(states=[FAILED], messages=messages))
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 2:
            messages.append(Said("No quota", ERROR))

    monkeypatch.setattr(waiting, "time", type("Clock", (), {"sleep": pause, "monotonic": lambda: 0.0}))
    seen = Seen(job_id)
    with pytest.raises(JobError) as raised:
        seen.watch.until({RUNNING})
    assert str(raised.value) == f"job readings ({job_id}) has failed: No quota; see {LINK.format(job_id)}"
    assert (pauses, seen.told) == ([waiting.LAST_WORDS_SECONDS] * 2, ["FAILED", "No quota"])


def test_pauses_grow_up_to_the_longest(dataflow: DataflowServer, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(waiting, "FIRST_PAUSE_SECONDS", 0.25)
    monkeypatch.setattr(waiting, "LONGEST_PAUSE_SECONDS", 0.5)
    monkeypatch.setattr(waiting, "time", type("Clock", (), {"sleep": pauses.append, "monotonic": lambda: 0.0}))
    Seen(dataflow.add("readings", Life(states=[QUEUED] * 4 + [RUNNING]))).watch.until({RUNNING})
    assert pauses == [0.25, 0.375, 0.5, 0.5]


def test_a_job_that_takes_too_long_is_left_to_itself(dataflow: DataflowServer, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 60.0, 61.0])
    monkeypatch.setattr(waiting, "time", type("Clock", (), {"sleep": lambda _: None, "monotonic": lambda: next(clock)}))
    seen = Seen(job_id := dataflow.add("readings", Life(states=[DRAINING])))
    seen.watch.patience = timedelta(minutes=1)
    with pytest.raises(JobError) as raised:
        seen.watch.until({DRAINED})
    assert str(raised.value) == f"job readings is still draining after 61 s; it goes on: {LINK.format(job_id)}"
    assert seen.told == ["DRAINING", "DRAINING"]


def test_messages_that_are_refused_are_told_of_once_and_waited_without(dataflow: DataflowServer) -> None:
    dataflow.fail("ListJobMessages", StatusCode.PERMISSION_DENIED, DENIED)
    seen = Seen(job_id := dataflow.add("readings", Life(states=[QUEUED, RUNNING, FAILED], messages=[Said("a", ERROR)])))
    with pytest.raises(JobError) as raised:
        seen.watch.until({DRAINED})
    assert str(raised.value) == (
        f"job readings ({job_id}) has failed: its messages cannot be had; see {LINK.format(job_id)}"
    )
    assert seen.silences == [
        f"cannot read the messages of job {job_id}: {DENIED}; the caller needs roles/dataflow.developer on the project"
    ]
    assert seen.told == ["QUEUED", "RUNNING", "FAILED"]
    assert len(dataflow.asked(ListJobMessagesRequest)) == 1


def test_messages_that_are_refused_end_the_wait_of_who_takes_no_silence(dataflow: DataflowServer) -> None:
    dataflow.fail("ListJobMessages", StatusCode.PERMISSION_DENIED, DENIED)
    seen = Seen(dataflow.add("readings"))
    seen.watch.on_silence = None
    with pytest.raises(PermanentError, match=r"^cannot read the messages of job "):
        seen.watch.until({RUNNING})


def test_a_job_that_nobody_may_look_at_is_not_waited_for(dataflow: DataflowServer) -> None:
    dataflow.fail("GetJob", StatusCode.UNAVAILABLE, BUSY)
    dataflow.fail("GetJob", StatusCode.NOT_FOUND, "gone")
    with pytest.raises(PermanentError, match=r"^cannot look up job j: gone; "):
        Seen("j").watch.until({RUNNING})
    assert len(dataflow.asked(GetJobRequest)) == 2
