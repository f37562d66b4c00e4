"""The verdict on a job on Dataflow: the rules', where there is something that they could judge."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streaming.dataflow.monitor.description import Description
from streaming.dataflow.monitor.totals import Totals
from streaming.monitoring.figures import Figures
from streaming.monitoring.verdict import Health, Verdict, judge

if TYPE_CHECKING:
    from google.cloud.dataflow_v1beta3 import Job


def judged(
    job: Job | None, figures: Figures, shown: Description, totals: Totals | None, is_described: bool
) -> tuple[Verdict, ...]:
    """All verdicts, the worst first.

    Args:
        job: as Dataflow tells of it; None if it does not.
        figures: what is known of it.
        shown: what it shows of itself.
        totals: what it has counted; None if nobody knows.
        is_described: whether it is known what it shows.
    """
    from streaming.dataflow.jobs import ENDED
    from streaming.dataflow.waiting import ENDINGS

    if job is not None and job.current_state in ENDED and job.current_state.name != "JOB_STATE_FAILED":
        ended = f"cannot tell: the job {ENDINGS.get(job.current_state, 'has ended')}"
        return (Verdict(Health.UNKNOWN, ended + (f" ({job.replaced_by_job_id})" * bool(job.replaced_by_job_id))),)
    verdicts = judge(figures)
    is_foreign = _runs(job) and is_described and not shown.models and totals is not None and not totals.counters
    if is_foreign and verdicts[0].rule != "job_failed":
        words = "cannot tell: the job has none of pubsub-inference's metrics; is it another program's?"
        return (Verdict(Health.UNKNOWN, words),)
    return verdicts


def _runs(job: Job | None) -> bool:
    """Before a job runs it shows nothing of itself."""
    return job is not None and job.current_state.name in ("JOB_STATE_RUNNING", "JOB_STATE_DRAINING")
