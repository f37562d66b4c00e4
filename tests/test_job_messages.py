"""What a job says is read for the last hour, each thing once; the number of workers from as long ago as it takes."""

from __future__ import annotations

from datetime import timedelta

from google.cloud.dataflow_v1beta3 import AutoscalingEvent, ListJobMessagesRequest

from streaming.dataflow.jobs import Jobs, Place
from streaming.dataflow.monitor.messages import MOST, Messages, ask_messages
from streaming.monitoring.report import Said
from tests.dataflow_lives import BASIC, ERROR, WARNING
from tests.monitor_cases import Cloud, said, workers

PLACE = Place("my-project", "europe-west4")


def ask(services: Cloud, job_id: str, known: int | None = None) -> Messages:
    return ask_messages(Jobs(PLACE), job_id, services.now, known)


def test_warnings_and_errors_of_the_last_hour_are_told_once_the_latest_first(services: Cloud) -> None:
    job_id = services.add(
        messages=[
            said("long ago", ERROR, minutes=61),
            said("Table\nnot found", ERROR, minutes=40),
            said("slow", WARNING, minutes=30),
            said("a worker has started", BASIC, minutes=20),
            said("Table not found", ERROR, minutes=5),
        ]
    )
    at = services.now - timedelta(minutes=5)
    assert ask(services, job_id) == Messages(
        (
            Said(at, is_error=True, text="Table not found"),
            Said(at - timedelta(minutes=25), is_error=False, text="slow"),
        ),
        workers=3,
    )


def test_of_many_messages_the_latest_are_told(services: Cloud) -> None:
    job_id = services.add(messages=[said(f"error {minute}", ERROR, minutes=minute) for minute in range(50, 0, -1)])
    assert [each.text for each in ask(services, job_id).said] == [f"error {minute}" for minute in range(1, MOST + 1)]


def test_workers_that_have_not_changed_for_long_are_asked_for_once(services: Cloud) -> None:
    long_ago = services.now - timedelta(hours=1)
    target = AutoscalingEvent.AutoscalingEventType.TARGET_NUM_WORKERS_CHANGED
    wanted = AutoscalingEvent(
        time=services.now - timedelta(hours=1, minutes=10), target_num_workers=9, event_type=target
    )
    job_id = services.add(events=[workers(long_ago, 2), workers(services.now - timedelta(minutes=50), 5), wanted])
    assert ask(services, job_id).workers == 5
    assert ask(services, job_id, known=5).workers == 5
    assert len(services.dataflow.asked(ListJobMessagesRequest)) == 3


def test_that_no_worker_is_left_is_known_and_nothing_else_is(services: Cloud) -> None:
    assert ask(services, services.add(events=[workers(services.now, 0)]), known=5).workers == 0
    assert ask(services, services.add(events=[])).workers is None
