"""A job on this machine: its state, its verdict, and what it says of its workers."""

from __future__ import annotations

import os
from datetime import timedelta

import pytest

from streaming.local.local_job import IDLE, MOST_SAID, RUNNING, SILENT, STARTING, STOPPING, UNANSWERED, LocalJob
from streaming.monitoring import figures
from streaming.monitoring.report import JobHeader, Missing, Reason, Said
from streaming.monitoring.verdict import Health, Verdict
from tests.local_snapshots import START, after, reason, snapshot

STAGES = ("decode", "event_time", "to_example", "write_table", "publish", "generation", "infer_times5", "infer_times10")
NO_DEAD_LETTERS = dict.fromkeys(STAGES, 0)


@pytest.fixture
def job() -> LocalJob:
    return LocalJob("examples/multiply/job.yaml", ["times5", "times10"], START)


def state(job: LocalJob, seconds: float) -> tuple[str, float]:
    """The state, and for how many seconds."""
    header = job.look(after(seconds)).job
    assert header.since is not None
    return header.state, (after(seconds) - header.since).total_seconds()


def test_the_header(job: LocalJob) -> None:
    expected = JobHeader(
        "examples/multiply/job.yaml",
        str(os.getpid()),
        "this machine",
        STARTING,
        START,
        models=("times5", "times10"),
    )
    assert job.look(after(3)).job == expected


def test_a_job_that_has_not_reported_is_starting(job: LocalJob) -> None:
    report = job.look(after(3))
    assert (report.workers, report.reasons, report.said, report.missing) == (0, (), (), ())
    assert report.dead_letters == NO_DEAD_LETTERS
    assert report.verdicts[0].health is Health.UNKNOWN
    assert report.verdicts[0].words.startswith("starting: no predictions yet; the job has run for 3 s")


def test_the_states_of_a_job(job: LocalJob) -> None:
    assert state(job, 0) == (STARTING, 0)
    job.totals.update(1, snapshot(100, {"101": 100}), after(1))
    assert state(job, 1) == (RUNNING, 0)
    job.totals.update(1, snapshot(200, {"101": 200}), after(2))
    assert state(job, 2) == (RUNNING, 1)
    for second in range(3, 11):
        assert state(job, second)[0] == RUNNING
    assert state(job, 11) == (IDLE, 0)
    assert state(job, 15) == (IDLE, 4)
    job.stop()
    assert state(job, 16) == (STOPPING, 0)


def test_a_job_that_has_never_read_a_message_is_idle(job: LocalJob) -> None:
    for second in range(12):
        job.totals.update(1, {"counters": {}, "fine": {}, "reasons": []}, after(second))
        report = job.look(after(second))
    assert report.job.state == IDLE
    rates = {model: each.value for model, each in report.figures.of(figures.PREDICTION_RATE).items()}
    assert (report.figures.value(figures.INPUT_RATE), rates) == (0.0, {"times5": 0.0, "times10": 0.0})


def test_messages_that_are_read_and_not_answered(job: LocalJob) -> None:
    job.totals.update(1, snapshot(7), after(0))
    for second in range(12):
        last = state(job, second)
    assert last[0] == UNANSWERED


def test_between_two_processes_a_worker_is_starting(job: LocalJob) -> None:
    job.totals.update(1, snapshot(100), after(0))
    state(job, 0)
    job.totals.end(1)
    assert state(job, 1) == (STARTING, 0)


def test_what_the_workers_have_counted(job: LocalJob) -> None:
    for second in range(11):
        job.totals.update(1, snapshot(100 * second, {"101": 100 * second}, [reason("cut", 2)]), after(second))
        job.totals.update(2, snapshot(50 * second), after(second))
        report = job.look(after(second))
    known = report.figures
    assert (report.workers, report.dead_letters) == (2, {**NO_DEAD_LETTERS, "decode": 7, "infer_times5": 8})
    assert report.reasons == (Reason(after(2), "decode", "AvroError", "cut"),)
    rates = {model: each.value for model, each in known.of(figures.PREDICTION_RATE).items()}
    assert (known.value(figures.INPUT_RATE), rates) == (150.0, {"times5": 75.0, "times10": 225.0})
    assert known.value(figures.LATENCY_P99) == 0.101
    assert report.verdicts[0].health is Health.HEALTHY


def test_a_worker_that_does_not_report_is_told_of(job: LocalJob) -> None:
    job.totals.update(1, snapshot(100), after(0))
    job.totals.update(2, snapshot(100), after(5))
    assert job.look(START + SILENT).missing == ()
    assert job.look(START + SILENT + timedelta(seconds=1)).missing == (
        Missing("worker 1", "it runs and does not report; it may hang", START),
    )


def test_a_job_whose_worker_does_not_report_is_not_healthy(job: LocalJob) -> None:
    job.totals.update(1, snapshot(100, {"101": 100}), after(1))
    assert job.look(after(11)).verdicts[0].health is Health.HEALTHY
    assert job.look(after(12)).verdicts == (Verdict(Health.UNKNOWN, "cannot tell: worker 1 does not report"),)


def test_a_job_whose_workers_have_ended_is_not_healthy_until_it_is_to_stop(job: LocalJob) -> None:
    job.totals.update(1, snapshot(100, {"101": 100}), after(1))
    job.totals.end(1)
    unknown = Verdict(Health.UNKNOWN, "cannot tell: no worker runs; it is being started")
    looks = [job.look(after(seconds)) for seconds in (2, 1200, 1201)]
    assert (looks[0].verdicts, looks[2].verdicts) == ((unknown,), (unknown,))
    job.stop()
    assert job.look(after(1202)).verdicts[0].health is Health.HEALTHY


def test_a_job_that_has_messages_in_hand_for_long_is_not_healthy(job: LocalJob) -> None:
    looks = []
    for second in range(63):
        job.totals.update(1, snapshot(100, {"101": 93}), after(second))
        looks.append(job.look(after(second)))
    *others, last = looks
    assert (last.job.state, last.job.since) == (UNANSWERED, after(1))
    assert last.verdicts == (Verdict(Health.UNKNOWN, "cannot tell: messages in hand have not been answered for 61 s"),)
    assert {each.verdicts[0].health for each in others} == {Health.HEALTHY}


def test_the_flow_of_a_job_that_ends_is_not_judged() -> None:
    job = LocalJob("job.yaml", ["times5"], START, ends=True)
    starting = Verdict(Health.UNKNOWN, "cannot tell: no worker runs; it is being started")
    assert job.look(after(1)).verdicts == (starting,)
    job.totals.update(1, snapshot(100, {}), after(2))
    reads = Verdict(Health.HEALTHY, "healthy: it reads stored data, which has no flow that could be judged")
    assert [job.look(after(seconds)).verdicts for seconds in (2, 3)] == [(reads,), (reads,)]
    counters = {"messages_read": 100, "dead_letters_decode": 50}
    job.totals.update(1, {"counters": counters, "fine": {}, "reasons": []}, after(4))
    assert job.look(after(60)).verdicts[0].rule == "dead_letters"


def test_what_is_wrong_goes_before_what_nobody_can_tell(job: LocalJob) -> None:
    counters = {"messages_read": 100, "dead_letters_decode": 50}
    job.totals.update(1, {"counters": counters, "fine": {}, "reasons": []}, after(1))
    assert job.look(after(60)).verdicts[0].rule == "dead_letters"


def test_the_latest_of_what_it_has_said_comes_first_and_the_rest_is_forgotten(job: LocalJob) -> None:
    for second in range(MOST_SAID + 3):
        job.say(Said(after(second), is_error=True, text=f"{second}"))
    assert [int(each.text) for each in job.look(after(60)).said] == [*range(MOST_SAID + 2, 2, -1)]
