"""What a job shows of itself: the display data of its steps."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from streaming.dataflow.jobs import Jobs

if TYPE_CHECKING:
    from google.cloud.dataflow_v1beta3 import DisplayData, Job


@dataclass(frozen=True)
class Description:
    """What is read of it; empty is what it does not show.

    Attributes:
        subscription: `projects/P/subscriptions/S`.
        deadletter_table: `P:D.T` or `P.D.T`.
        models: their names, in the job's order.
    """

    subscription: str = ""
    deadletter_table: str = ""
    models: tuple[str, ...] = ()


def ask_description(jobs: Jobs, job_id: str) -> Description:
    """The job's description.

    Raises:
        PermanentError: Dataflow refuses to tell.
    """
    from google.cloud.dataflow_v1beta3 import JobView

    job = jobs.get(job_id, JobView.JOB_VIEW_DESCRIPTION)
    shown = {each.key: each.str_value for each in _display_data(job) if each.str_value}
    return Description(
        shown.get("input_subscription") or _subscription(job),
        shown.get("output_deadletter_table", ""),
        tuple(name for name in shown.get("models", "").split(", ") if name),
    )


def _display_data(job: Job) -> Iterable[DisplayData]:
    """That of the steps last, for it says most."""
    yield from job.pipeline_description.display_data
    for transform in job.pipeline_description.original_pipeline_transform:
        yield from transform.display_data


def _subscription(job: Job) -> str:
    """The one that Dataflow itself has found among the steps; a bare name is one of the job's project."""
    name = next((each.subscription for each in job.job_metadata.pubsub_details if each.subscription), "")
    return name if "/" in name or not name else f"projects/{job.project_id}/subscriptions/{name}"
