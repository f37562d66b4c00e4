"""A job on Dataflow is judged by the rules, unless it has ended or is another program's."""

from __future__ import annotations

import pytest
from google.cloud.dataflow_v1beta3 import Job, JobState

from streaming.dataflow.monitor.description import Description
from streaming.dataflow.monitor.judging import judged
from streaming.dataflow.monitor.totals import Totals
from streaming.monitoring.figures import Figures
from streaming.monitoring.verdict import Health, Verdict
from tests.dataflow_lives import CANCELLED, DRAINED, DRAINING, FAILED, PENDING, RUNNING, UPDATED
from tests.monitoring_points import NOW
from tests.monitoring_reports import healthy, troubled, unknown

OURS, NOTHING = Description(models=("times5",)), Description()
COUNTED, UNCOUNTED = Totals(NOW, {("Decode", "messages_read"): 1.0}), Totals(NOW, {})
FOREIGN = (
    Verdict(Health.UNKNOWN, "cannot tell: the job has none of pubsub-inference's metrics; is it another program's?"),
)


def verdicts(
    state: JobState, figures: Figures, shown: Description = OURS, totals: Totals | None = COUNTED, **job: str
) -> tuple[Verdict, ...]:
    return judged(Job(current_state=state, **job), figures, shown, totals, is_described=True)


@pytest.mark.parametrize("state", [PENDING, RUNNING, DRAINING, FAILED])
def test_the_rules_judge_a_job_that_goes_on_or_has_failed(state: JobState) -> None:
    for report in (healthy(), troubled(), unknown()):
        assert verdicts(state, report.figures) == report.verdicts


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (CANCELLED, "cannot tell: the job was cancelled"),
        (DRAINED, "cannot tell: the job was drained"),
        (UPDATED, "cannot tell: the job was replaced by an update (2026-07-01_j)"),
    ],
)
def test_of_a_job_that_has_ended_nobody_can_tell(state: JobState, words: str) -> None:
    replaced_by = "2026-07-01_j" if state == UPDATED else ""
    found = verdicts(state, healthy().figures, replaced_by_job_id=replaced_by)
    assert found == (Verdict(Health.UNKNOWN, words),)


@pytest.mark.parametrize("state", [RUNNING, DRAINING])
def test_a_job_that_shows_and_counts_nothing_of_ours_is_another_program_s(state: JobState) -> None:
    assert verdicts(state, healthy().figures, NOTHING, UNCOUNTED) == FOREIGN


@pytest.mark.parametrize(
    ("state", "shown", "totals"),
    [
        (PENDING, NOTHING, UNCOUNTED),
        (RUNNING, OURS, UNCOUNTED),
        (RUNNING, NOTHING, COUNTED),
        (RUNNING, NOTHING, None),
    ],
)
def test_a_job_that_may_be_ours_is_judged(state: JobState, shown: Description, totals: Totals | None) -> None:
    assert verdicts(state, healthy().figures, shown, totals) == healthy().verdicts


def test_a_job_of_which_dataflow_tells_nothing_is_judged() -> None:
    known = healthy()
    assert judged(None, known.figures, NOTHING, UNCOUNTED, is_described=True) == known.verdicts
    running = Job(current_state=RUNNING)
    assert judged(running, known.figures, NOTHING, UNCOUNTED, is_described=False) == known.verdicts
