"""The command `monitor`, as its user sees it."""

from __future__ import annotations

import json
import re

import pytest
from grpc import StatusCode

from tests.bigquery_rest_server import failure
from tests.dataflow_cases import Command, Outcome, run
from tests.dataflow_lives import ERROR, FAILED
from tests.dataflow_refusals import BUSY, denied, unknown_job, wrong_region
from tests.monitor_cases import OLDEST, PER_MINUTE, UNACKED, VCPUS, WATERMARK, Cloud, counter, said
from tests.monitor_command_cases import HEALTHY, healthy_job, plain, with_dead_letter

NO = "The caller does not have permission"


@pytest.fixture
def services(services: Cloud, monkeypatch: pytest.MonkeyPatch) -> Cloud:
    return with_dead_letter(services, monkeypatch)


@pytest.fixture
def monitor(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    return lambda *argv: run(monkeypatch, capsys, "monitor", *argv)


def first_line(outcome: Outcome) -> tuple[int, str]:
    return outcome.code, plain(outcome.out).splitlines()[0]


def missing(outcome: Outcome) -> list[str]:
    """What is not known, a line each."""
    lines = plain(outcome.out).splitlines()
    return [line.strip() for line in lines[lines.index("not known") + 1 :]] if "not known" in lines else []


def test_a_healthy_job(services: Cloud, monitor: Command) -> None:
    job_id = healthy_job(services)
    for job in ("readings", job_id):
        outcome = monitor(job)
        assert (outcome.code, plain(outcome.out), outcome.err) == (0, HEALTHY, "")


def test_a_job_that_falls_behind_is_told_with_the_model_that_takes_the_time(services: Cloud, monitor: Command) -> None:
    job_id = services.add()
    services.write_counters(job_id, PER_MINUTE | {"model_ms_times10_sum": 55_200})
    services.write_gauge(job_id, WATERMARK, [4] * 30)
    services.write_subscription(UNACKED, [20_000 + 600 * minute for minute in range(30)])
    services.write_subscription(OLDEST, [9] * 30)
    words = "falling behind: the backlog grows by 10.0 messages/s: model times10 takes 92 % of the time"
    outcome = monitor("readings")
    assert first_line(outcome) == (1, f"UNHEALTHY [backlog_growing] {words}")
    assert "backlog      37,400 ↑ 10/s" in outcome.out


def test_a_job_that_is_stuck_is_told_with_what_it_says_and_which_sink_is_asked_again(
    services: Cloud, monitor: Command
) -> None:
    job_id = services.add(messages=[said("Not found: Table my-project:iot.predictions", ERROR, minutes=3)])
    stuck = dict.fromkeys(PER_MINUTE, 0.0) | {"sink_retries_table": 12.0}
    services.write_counters(job_id, stuck)
    services.write_subscription(UNACKED, [500] * 30)
    services.write_subscription(OLDEST, [60 * minute for minute in range(30)])
    outcome = monitor("readings")
    words = "stuck: no predictions in 10 minutes, while 500 messages wait; requests to BigQuery are sent again"
    assert first_line(outcome) == (1, f"UNHEALTHY [no_predictions] {words}")
    assert "  TIME error: Not found: Table my-project:iot.predictions\n" in plain(outcome.out)


def test_a_job_that_has_failed(services: Cloud, monitor: Command) -> None:
    services.add(FAILED, messages=[said("The worker image does not start", ERROR, minutes=3)])
    outcome = monitor("readings")
    assert first_line(outcome) == (
        1,
        "UNHEALTHY [job_failed] failed: Dataflow has given the job up, see its errors",
    )
    assert "  TIME error: The worker image does not start\n" in plain(outcome.out)


def test_stale_figures_are_told_with_their_age_and_too_old_ones_are_none(services: Cloud, monitor: Command) -> None:
    job_id = services.add()
    services.write_counters(job_id, lag=7)
    for metric in (WATERMARK, VCPUS):
        services.write_gauge(job_id, metric, [4] * 15, lag=1)
    for metric in (UNACKED, OLDEST):
        services.write_subscription(metric, [4] * 15, lag=12)
    outcome = monitor("readings")
    assert "input        100/s, 10.0 kB/s (7 min old)" in outcome.out
    assert re.search(r"^backlog +- ", outcome.out, re.MULTILINE)
    names = "num_unacked_messages_by_region, oldest_unacked_message_age_by_region"
    assert missing(outcome) == [f"Cloud Monitoring: no data since TIME: it has no newer points of {names}"]
    assert first_line(outcome) == (
        0,
        "HEALTHY as far as is known; not judged: oldest_unacked, backlog_growing",
    )


def test_without_any_figures_nobody_can_tell(services: Cloud, monitor: Command) -> None:
    services.add(metrics=[[counter("messages_read", 5000)]], measured=[services.now])
    outcome = monitor("readings")
    assert first_line(outcome) == (2, "UNKNOWN cannot tell: a rate takes two points in time, and there is one as yet")
    assert re.search(r"^input +- ", outcome.out, re.MULTILINE)
    assert missing(outcome)[0].startswith("Cloud Monitoring: no data: it has no newer points of current_num_vcpus, ")


@pytest.mark.parametrize(
    ("method", "line"),
    [
        ("GetJob", "Dataflow, the job's description: no data: cannot look up job JOB_ID {}"),
        ("GetJobMetrics", "Dataflow, metrics: no data: cannot read the metrics of job JOB_ID {}"),
        ("ListJobMessages", "Dataflow, messages: no data: cannot read the messages of job JOB_ID {}"),
    ],
)
@pytest.mark.parametrize(
    ("code", "text", "remedy"),
    [
        (StatusCode.PERMISSION_DENIED, NO, "the caller needs roles/dataflow.developer on the project"),
        (StatusCode.UNAVAILABLE, BUSY, "is the server of DATAFLOW_EMULATOR_HOST={} there?"),
    ],
)
def test_a_service_of_dataflow_that_does_not_answer_is_one_line(
    method: str, line: str, code: StatusCode, text: str, remedy: str, services: Cloud, monitor: Command
) -> None:
    healthy_job(services)
    services.dataflow.fail(method, code, text, times=1000)
    outcome = monitor("readings")
    why = f"{text.rstrip('.')}; {remedy.format(services.dataflow.host)}"
    assert missing(outcome)[0] == line.format(why)
    assert "input        100/s, 10.0 kB/s" in outcome.out
    assert outcome.code == 0


@pytest.mark.parametrize(
    ("code", "text", "remedy"),
    [
        (StatusCode.PERMISSION_DENIED, NO, "the caller needs roles/monitoring.viewer on that project"),
        (StatusCode.UNAVAILABLE, BUSY, "is the server of MONITORING_EMULATOR_HOST={} there?"),
    ],
)
def test_without_cloud_monitoring_the_rest_of_the_screen_is_shown(
    code: StatusCode, text: str, remedy: str, services: Cloud, monitor: Command
) -> None:
    services.add(metrics=[[counter("dead_letters_decode", 5)]])
    services.monitoring.fail(code, text, times=1000)
    outcome = monitor("readings")
    why = f"{text.rstrip('.')}; {remedy.format(services.monitoring.host)}"
    assert missing(outcome)[0] == f"Cloud Monitoring: no data: cannot read the time series of my-project: {why}"
    assert re.search(r"^workers +3", outcome.out, re.MULTILINE)
    assert "ValueError: 3 bytes are left over" in outcome.out
    assert outcome.code == 2


def test_dead_letters_that_nobody_may_read_are_one_line(services: Cloud, monitor: Command) -> None:
    healthy_job(services)
    services.bigquery.otherwise = failure(403, "accessDenied", "Access Denied: no bigquery.jobs.create")
    outcome = monitor("readings")
    assert (outcome.code, missing(outcome)) == (
        0,
        [
            "BigQuery, dead letters: no data: cannot read the latest dead letters of "
            "my-project.iot.predictions_error_records: Access Denied: no bigquery.jobs.create; the caller needs "
            "roles/bigquery.jobUser on the job's project and roles/bigquery.dataViewer on the table"
        ],
    )


def test_a_slow_service_does_not_keep_the_screen_away(
    services: Cloud, monitor: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streaming.dataflow.commands.monitor.PATIENCE_ONCE_SECONDS", 1.0)
    healthy_job(services)
    go_on = services.dataflow.hold("ListJobMessages")
    outcome = monitor("readings")
    go_on.set()
    assert missing(outcome) == ["Dataflow, messages: no data: no answer yet; it is waited for"]
    assert first_line(outcome) == (0, "HEALTHY")


@pytest.mark.parametrize(
    ("argv", "line"),
    [
        (
            ["other"],
            "no job 'other' in europe-west4 of my-project; `pubsub-inference jobs --all --project=my-project "
            "--region=europe-west4` lists those there are\n",
        ),
        (
            ["2026-01-01_00_00_00-1"],
            f"cannot look up job 2026-01-01_00_00_00-1: {unknown_job('2026-01-01_00_00_00-1').text.rstrip('.')}; mind "
            "--project and --region; `pubsub-inference jobs --all` lists the jobs there\n",
        ),
        (
            ["readings", "--region=europe-west9"],
            f"cannot list the jobs of my-project in europe-west9: {wrong_region('europe-west9').text.rstrip('.')}\n",
        ),
        (
            ["readings", "--project=another"],
            f"cannot list the jobs of another in europe-west4: {denied('dataflow.jobs.list', 'another').text}; the "
            "caller needs roles/dataflow.developer on the project\n",
        ),
    ],
)
def test_a_job_that_cannot_be_found_is_one_line(argv: list[str], line: str, services: Cloud, monitor: Command) -> None:
    services.add()
    assert monitor(*argv) == (2, "", line)


@pytest.mark.usefixtures("services")
def test_everything_wrong_with_the_flags_is_told_at_once(monitor: Command) -> None:
    assert monitor("--watch=3", "--once", "--region=europe-west4-a", "--deadletter-table=x") == (
        2,
        "",
        "JOB: none is given; name a job, or watch one of this machine with --local\n"
        "--deadletter-table: 'x' is not a table; write PROJECT:DATASET.TABLE or PROJECT.DATASET.TABLE\n"
        "--region: 'europe-west4-a' is a zone; write --region=europe-west4\n"
        "--watch: '3' is not a duration; write a number and ms, s, m, h or d, as in 60s\n"
        "--watch: there is only one look with --once; leave one of them out\n",
    )
    assert monitor("readings", "--local") == (
        2,
        "",
        "JOB: 'readings' is no process; with --local give the number of one, or nothing\n",
    )


def test_the_document_is_for_machines(services: Cloud, monitor: Command) -> None:
    job_id = healthy_job(services)
    outcome = monitor("readings", "--json")
    document = json.loads(outcome.out)
    assert (outcome.code, document["health"], document["job"]["id"]) == (0, "healthy", job_id)
    assert document["figures"]["backlog"]["value"] == 40.0
    assert document["dead_letters"] == {"decode": 5}
    assert document["missing"] == []
