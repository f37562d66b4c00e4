"""A look at a job is made of what the services tell; what one does not, the others still do."""

from __future__ import annotations

from datetime import timedelta

import pytest
from google.cloud.dataflow_v1beta3 import GetJobMetricsRequest, GetJobRequest, JobView
from grpc import StatusCode

from streaming.dataflow.jobs import Place
from streaming.dataflow.monitor.looks import Looks
from streaming.errors import JobError
from streaming.monitoring import figures
from streaming.monitoring.report import JobHeader, Missing, Reason, Report, Said
from streaming.monitoring.verdict import Health, Verdict
from tests.bigquery_rest_server import failure
from tests.dataflow_cases import LINK
from tests.dataflow_lives import CANCELLED, ERROR, FAILED, PENDING, QUEUED, RUNNING, UPDATED
from tests.dataflow_refusals import BUSY
from tests.monitor_cases import COUNTER, PER_MINUTE, UNACKED, Cloud, counter, reasons, said
from tests.time_series_server import denied

PLACE = Place("my-project", "europe-west4")
HEALTHY = (Verdict(Health.HEALTHY, "healthy"),)
NO = "The caller does not have permission"
VIEWER = "the caller needs roles/dataflow.developer on the project"


def look(job: str = "readings", patience: float = 30) -> Report:
    return Looks(PLACE, job).look(patience)


def words(report: Report) -> list[tuple[str, str]]:
    return [(line.source, line.words) for line in report.missing]


def test_a_look_gathers_what_all_services_tell(services: Cloud) -> None:
    job_id = services.add(
        metrics=[[counter("messages_read", 9e5), counter("dead_letters_infer_times5", 4)]],
        messages=[said("slow", ERROR, minutes=5)],
    )
    services.write_healthy(job_id)
    services.bigquery.replies.append(reasons((services.now, "infer:times5", "ValueError", "not finite")))
    report = look()
    assert report.job == JobHeader(
        "readings",
        job_id,
        "my-project, europe-west4",
        "running",
        services.now - timedelta(hours=2),
        LINK.format(job_id),
        ("times5", "times10"),
    )
    assert (report.verdicts, report.workers, report.missing) == (HEALTHY, 3, ())
    assert report.dead_letters == {"infer_times5": 4}
    assert report.reasons == (Reason(services.now, "infer:times5", "ValueError", "not finite"),)
    assert report.said == (Said(services.now - timedelta(minutes=5), is_error=True, text="slow"),)
    assert report.figures.unavailable == {}
    assert report.figures.value(figures.INPUT_RATE) == pytest.approx(100)
    assert report.figures.of(figures.BACKLOG)[""].at == services.now - timedelta(minutes=1)


def test_the_next_look_asks_for_what_may_have_changed(services: Cloud) -> None:
    few, many = ([counter("dead_letters_decode", number)] for number in (4, 9))
    job_id = services.add(metrics=[few, few, many], measured=[services.now + timedelta(seconds=n) for n in range(3)])
    services.write_healthy(job_id)
    looks = Looks(PLACE, "readings")
    asked = []
    for number in range(3):
        services.bigquery.replies.append(reasons((services.now, "decode", "ValueError", f"reason {number}")))
        looks.look(30)
        asked.append(len(services.bigquery.asked))
    assert asked == [1, 1, 2]  # there were no more dead letters at the second look
    views = [each.view for each in services.dataflow.asked(GetJobRequest)]
    assert views.count(JobView.JOB_VIEW_DESCRIPTION) == 1
    assert len(services.dataflow.asked(GetJobMetricsRequest)) == 3


def test_before_cloud_monitoring_has_counters_the_totals_of_two_looks_do(services: Cloud) -> None:
    job_id = services.add(
        metrics=[
            [counter("messages_read", 5000), counter("predictions_times5", 5000)],
            [counter("messages_read", 6000), counter("predictions_times5", 6000)],
        ],
        measured=[services.now - timedelta(seconds=10), services.now],
    )
    services.write_subscription(UNACKED, [40] * 30)
    looks = Looks(PLACE, job_id)
    first, second = looks.look(30), looks.look(30)
    assert first.figures.unavailable["input_rate"] == "a rate takes two points in time, and there is one as yet"
    assert (first.verdicts[0].health, second.verdicts[0].health) == (Health.UNKNOWN, Health.HEALTHY)
    assert second.figures.value(figures.INPUT_RATE) == 100.0
    since = services.now - timedelta(seconds=10)
    words = f"of what was counted before {since:%H:%M:%S} UTC only the total is known"
    assert second.figures.unavailable["all_predictions"] == words


def test_without_cloud_monitoring_the_rest_is_known(services: Cloud) -> None:
    job_id = services.add(metrics=[[counter("messages_read", 5000)]])
    services.monitoring.projects = ()
    report = look(job_id)
    denial = f"cannot read the time series of my-project: {denied().text.rstrip('.')}"
    line = f"{denial}; the caller needs roles/monitoring.viewer on that project"
    assert report.missing == (Missing("Cloud Monitoring", line),)
    assert report.figures.unavailable["backlog"] == line
    assert (report.job.state, report.workers, report.dead_letters) == ("running", 3, {})
    assert report.figures.value(figures.ELAPSED) == pytest.approx(7200, abs=30)


@pytest.mark.parametrize(
    ("method", "source", "doing"),
    [
        ("GetJobMetrics", "Dataflow, metrics", "read the metrics of job {}"),
        ("ListJobMessages", "Dataflow, messages", "read the messages of job {}"),
    ],
)
@pytest.mark.parametrize(
    ("code", "text", "remedy"),
    [(StatusCode.PERMISSION_DENIED, NO, VIEWER), (StatusCode.UNAVAILABLE, BUSY, "is the server of {} there?")],
)
def test_a_service_that_refuses_is_one_line(
    method: str, source: str, doing: str, code: StatusCode, text: str, remedy: str, services: Cloud
) -> None:
    job_id = services.add()
    services.write_healthy(job_id)
    services.dataflow.fail(method, code, text, times=100)
    report = look()
    asked_instead = f"DATAFLOW_EMULATOR_HOST={services.dataflow.host}"
    told = f"cannot {doing.format(job_id)}: {text.rstrip('.')}; {remedy.format(asked_instead)}"
    assert report.missing == (Missing(source, told),)
    assert report.verdicts == HEALTHY


def test_a_job_whose_state_nobody_tells_is_watched_by_its_id(services: Cloud) -> None:
    job_id = services.add(metrics=[[counter("messages_read", 5000)]])
    services.write_healthy(job_id)
    services.dataflow.fail("GetJob", StatusCode.PERMISSION_DENIED, NO, times=100)
    report = look(job_id)
    assert (report.job.name, report.job.state, report.job.models) == (job_id, "unknown", ())
    assert report.figures.value(figures.INPUT_RATE) == pytest.approx(100)
    assert [source for source, _ in words(report)] == [
        "Dataflow, the job",
        "Dataflow, the job's description",
        "the subscription",
        "Cloud Monitoring",  # has no points of the job's state, which it tells here in Dataflow's stead
    ]
    assert report.verdicts[0].health is Health.HEALTHY


def test_when_a_service_falls_silent_its_line_tells_since_when(services: Cloud) -> None:
    services.write_healthy(services.add())
    looks = Looks(PLACE, "readings")
    looks.look(30)
    services.dataflow.fail("GetJob", StatusCode.UNAVAILABLE, BUSY, times=100)
    report = looks.look(30)
    (line,) = report.missing
    assert (line.source, line.since is not None) == ("Dataflow, the job", True)
    assert (report.job.state, report.verdicts) == ("running", HEALTHY)


def test_a_slow_service_does_not_hold_up_the_others(services: Cloud) -> None:
    services.write_healthy(services.add())
    going_on = [services.dataflow.hold("GetJobMetrics"), services.monitoring.hold(UNACKED)]
    looks = Looks(PLACE, "readings")
    report = looks.look(1.2)
    for event in going_on:
        event.set()
    slow = "no answer yet; it is waited for"
    assert words(report) == [("Dataflow, metrics", slow), ("Cloud Monitoring", slow)]
    assert report.figures.value(figures.INPUT_RATE) == pytest.approx(100)
    assert report.figures.unavailable["backlog"] == slow
    services.dataflow.await_asked(GetJobMetricsRequest, 1)
    while report.missing:
        report = looks.look(30)
    assert report.verdicts == HEALTHY


def test_dead_letters_that_nobody_may_read_are_one_line(services: Cloud) -> None:
    services.write_healthy(services.add())
    services.bigquery.replies.append(failure(403, "accessDenied", "Access Denied: no bigquery.jobs.create"))
    report = look()
    assert (report.verdicts, report.reasons) == (HEALTHY, ())
    ((source, text),) = words(report)
    assert source == "BigQuery, dead letters"
    assert "no bigquery.jobs.create; the caller needs roles/bigquery.jobUser on the job's project" in text


def test_a_job_that_names_no_dead_letter_table_can_be_told_it(services: Cloud) -> None:
    shown = {"models": "times5", "input_subscription": "projects/my-project/subscriptions/readings-sub"}
    services.write_healthy(services.add(display=shown))
    assert words(look()) == [("BigQuery, dead letters", "the job does not name their table; --deadletter-table does")]
    services.bigquery.replies.append(reasons((services.now, "decode", "ValueError", "bad")))
    assert Looks(PLACE, "readings", "p:d.errors").look(30).reasons == (
        Reason(services.now, "decode", "ValueError", "bad"),
    )
    assert "`p.d.errors`" in services.bigquery.asked[0].body["query"]


def test_the_subscription_that_dataflow_has_found_is_taken(services: Cloud) -> None:
    shown = {"models": "times5", "output_deadletter_table": "p:d.errors"}
    services.write_healthy(services.add(display=shown, subscriptions=["readings-sub"]))
    assert look().figures.value(figures.BACKLOG) == 40.0


def test_a_job_of_another_program_is_not_judged(services: Cloud) -> None:
    services.add(display={}, subscriptions=["readings-sub"], metrics=[[counter("words", 5, namespace="wordcount")]])
    services.write_subscription(UNACKED, [40] * 30)
    assert look().verdicts == (
        Verdict(
            Health.UNKNOWN, "cannot tell: the job has none of pubsub-inference's metrics; is it another program's?"
        ),
    )


def test_a_job_that_fails_every_bundle_is_ours_though_it_has_counted_nothing(services: Cloud) -> None:
    services.add()
    services.write_subscription(UNACKED, [40] * 30)
    assert look().verdicts[0] == Verdict(
        Health.UNHEALTHY, "stuck: no predictions in 10 minutes, while 40 messages wait", "no_predictions"
    )


def test_a_failed_job_is_told_from_its_state(services: Cloud) -> None:
    services.add(FAILED)
    assert look().verdicts[0] == Verdict(
        Health.UNHEALTHY, "failed: Dataflow has given the job up, see its errors", "job_failed"
    )


def test_a_job_that_has_ended_is_neither_healthy_nor_unhealthy(services: Cloud) -> None:
    job_id = services.add(CANCELLED)
    assert look(job_id).verdicts == (Verdict(Health.UNKNOWN, "cannot tell: the job was cancelled"),)


def test_a_job_that_was_replaced_names_the_one_in_its_place(services: Cloud) -> None:
    old = services.add(UPDATED)
    services.dataflow.jobs[old].replaced_by = "2026-07-02_00_00_00-7"
    assert look(old).verdicts == (
        Verdict(Health.UNKNOWN, "cannot tell: the job was replaced by an update (2026-07-02_00_00_00-7)"),
    )


@pytest.mark.parametrize("state", [QUEUED, PENDING])
def test_a_job_that_does_not_run_yet_is_starting(state: int, services: Cloud) -> None:
    services.add(state, display={}, hours=0.5)
    services.write_subscription(UNACKED, [40] * 30)
    verdict = look().verdicts[0]
    assert (verdict.health, verdict.words.partition(":")[0]) == (Health.UNKNOWN, "starting")


@pytest.mark.parametrize("job", ["other", "2026-01-01_00_00_00-1"])
def test_a_job_that_is_not_there_cannot_be_watched(job: str, services: Cloud) -> None:
    services.add(RUNNING)
    with pytest.raises(JobError, match=r"no job 'other'|could not be found"):
        look(job)


def test_counters_that_a_moment_ago_stopped_are_of_their_own_time(services: Cloud) -> None:
    job_id = services.add()
    services.write_counters(job_id, PER_MINUTE, lag=6)
    report = look()
    assert report.figures.of(figures.INPUT_RATE)[""].at == services.now - timedelta(minutes=6)
    assert [each.filter.split(" AND ")[0] for each in services.monitoring.requests].count(
        f'metric.type = "{COUNTER}"'
    ) > 1  # pages
