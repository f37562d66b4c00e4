"""What a job has said of itself of late, and how many workers it has."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from streaming.dataflow.jobs import Jobs
from streaming.monitoring.report import Said

if TYPE_CHECKING:
    from google.cloud.dataflow_v1beta3 import AutoscalingEvent, JobMessage

SPAN = timedelta(hours=1)
"""So long ago a message may be."""

MOST = 10
"""Messages that are kept; one that is said again and again counts once."""


@dataclass(frozen=True)
class Messages:
    """The latest warnings and errors, the latest first; and the number of workers, where it is known."""

    said: tuple[Said, ...]
    workers: int | None


def ask_messages(jobs: Jobs, job_id: str, now: datetime, workers: int | None) -> Messages:
    """What the job has said in the last hour.

    Args:
        jobs: those of its place.
        job_id: its id.
        now: the end of that hour.
        workers: how many it had at the look before. A job that has not changed that for an hour is asked for all that
            its autoscaling has ever done, if nobody knows it yet.

    Raises:
        PermanentError: Dataflow refuses to tell.
    """
    from google.cloud.dataflow_v1beta3 import JobMessageImportance

    answers = jobs.message_pages(job_id, JobMessageImportance.JOB_MESSAGE_WARNING, now - SPAN)
    latest = _workers(event for answer in answers for event in answer.autoscaling_events)
    if latest is None and workers is None:
        all_answers = jobs.message_pages(job_id, JobMessageImportance.JOB_MESSAGE_ERROR)
        latest = _workers(event for answer in all_answers for event in answer.autoscaling_events)
    said = _said(message for answer in answers for message in answer.job_messages)
    return Messages(said, workers if latest is None else latest)


def _said(messages: Iterable[JobMessage]) -> tuple[Said, ...]:
    from google.cloud.dataflow_v1beta3 import JobMessageImportance

    latest: dict[tuple[bool, str], datetime] = {}
    for message in messages:
        is_error = message.message_importance == JobMessageImportance.JOB_MESSAGE_ERROR
        key = (is_error, " ".join(message.message_text.split()))
        latest[key] = max(message.time, latest.get(key, message.time))
    said = [Said(at, is_error, text) for (is_error, text), at in latest.items()]
    return tuple(sorted(said, key=lambda each: each.at, reverse=True)[:MOST])


def _workers(events: Iterable[AutoscalingEvent]) -> int | None:
    """Those that ran after the last event that tells."""
    from google.cloud.dataflow_v1beta3 import AutoscalingEvent

    changed = AutoscalingEvent.AutoscalingEventType.CURRENT_NUM_WORKERS_CHANGED
    telling = [each for each in events if each.current_num_workers or each.event_type == changed]
    return max(telling, key=lambda each: each.time).current_num_workers if telling else None
