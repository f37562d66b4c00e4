"""The commands that install a job's monitoring, against Cloud Monitoring's services in this process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from google.cloud.monitoring_dashboard_v1 import CreateDashboardRequest, Dashboard
from google.cloud.monitoring_v3 import AlertPolicy, CreateAlertPolicyRequest, UpdateAlertPolicyRequest
from grpc import StatusCode
from typer.testing import CliRunner, Result

from streaming.errors import Mistakes, PermanentError
from streaming.monitoring.commands import sub_app
from streaming.monitoring.rules import RULES
from tests.monitoring_server import MonitoringServer, monitoring_server

JOB = ("--project", "my-project", "--job", "readings")
TARGET = (*JOB, "--subscription", "projects/my-project/subscriptions/readings-sub")
CHANNEL = "projects/my-project/notificationChannels/7"
ALL = ["+ dashboard 'Pub/Sub inference: readings'", *(f"+ alert 'readings: {rule.title}'" for rule in RULES)]


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[MonitoringServer]:
    with monitoring_server(monkeypatch) as server:
        yield server


def run(*argv: str, answer: str | None = None) -> Result:
    return CliRunner().invoke(sub_app(), argv, input=answer)


def lines(result: Result) -> list[str]:
    return result.stdout.splitlines()


def test_all_is_created_once_and_then_there_is_nothing_to_change(cloud: MonitoringServer) -> None:
    result = run("apply", *TARGET, "--yes")
    assert (result.exit_code, lines(result)) == (0, ALL)
    assert sorted(policy.user_labels["rule"] for policy in cloud.policies.values()) == sorted(r.name for r in RULES)
    assert [each.display_name for each in cloud.dashboards.values()] == ["Pub/Sub inference: readings"]
    cloud.requests.clear()
    for command in ("apply", "diff"):
        again = run(command, *TARGET)
        assert (again.exit_code, lines(again)) == (0, ["nothing to change"])
    assert not cloud.asked(CreateAlertPolicyRequest) + cloud.asked(CreateDashboardRequest)


def test_progress_goes_to_standard_error(cloud: MonitoringServer) -> None:
    told = run("apply", *TARGET, "--yes").stderr.splitlines()
    assert told == [f"create: {line[2:]}: done" for line in ALL]


@pytest.mark.parametrize("argv", [("diff", *TARGET), ("apply", *TARGET, "--dry-run")])
def test_a_dry_run_changes_nothing(cloud: MonitoringServer, argv: tuple[str, ...]) -> None:
    result = run(*argv)
    assert (result.exit_code, lines(result)) == (1 if argv[0] == "diff" else 0, ALL)
    assert (cloud.policies, cloud.dashboards) == ({}, {})


def test_what_was_changed_by_hand_is_shown_and_set_right(cloud: MonitoringServer) -> None:
    run("apply", *TARGET, "--yes")
    policy = next(each for each in cloud.policies.values() if each.user_labels["rule"] == "freshness")
    policy.severity = AlertPolicy.Severity.ERROR
    policy.notification_channels.append(CHANNEL)
    cloud.channels.add(CHANNEL)
    board = next(iter(cloud.dashboards.values()))
    board.mosaic_layout.tiles[1].x_pos = 3
    result = run("apply", *TARGET, "--yes")
    assert lines(result) == [
        "~ dashboard 'Pub/Sub inference: readings'",
        "    mosaic_layout.tiles[1].x_pos: 3 -> 0",
        "~ alert 'readings: The data is not fresh'",
        "    severity: 2 -> 3",
    ]
    assert cloud.policies[policy.name].severity == AlertPolicy.Severity.WARNING
    assert list(cloud.policies[policy.name].notification_channels) == [CHANNEL]
    (update,) = cloud.asked(UpdateAlertPolicyRequest)
    assert "notification_channels" not in update.update_mask.paths
    assert lines(run("diff", *TARGET)) == ["nothing to change"]


def test_channels_are_added_to_every_alert(cloud: MonitoringServer) -> None:
    run("apply", *TARGET, "--yes")
    cloud.channels.add(CHANNEL)
    assert run("apply", *TARGET, "--notification-channel", CHANNEL, "--yes").exit_code == 0
    assert {tuple(policy.notification_channels) for policy in cloud.policies.values()} == {(CHANNEL,)}


def test_remove_takes_what_is_the_jobs_and_nothing_else(cloud: MonitoringServer) -> None:
    run("apply", *TARGET, "--yes")
    run("apply", "--project", "my-project", "--job", "other", "--subscription", "other-sub", "--yes")
    theirs = "projects/my-project/dashboards/theirs"
    cloud.dashboards[theirs] = Dashboard(name=theirs, display_name="Pub/Sub inference: readings")
    result = run("remove", *JOB, "--yes")
    assert sorted(lines(result)) == sorted(line.replace("+", "-", 1) for line in ALL)
    assert {policy.user_labels["job"] for policy in cloud.policies.values()} == {"other"}
    assert {board.labels.get("job") for board in cloud.dashboards.values()} == {"other", None}
    assert lines(run("remove", *JOB)) == ["nothing to change"]


def test_without_a_terminal_nothing_is_changed_unasked(cloud: MonitoringServer) -> None:
    result = run("apply", *TARGET)
    assert isinstance(result.exception, Mistakes)
    assert str(result.exception) == "--yes: 10 changes were not made, for there is no terminal to ask on; add --yes"
    assert cloud.policies == {}


@pytest.mark.parametrize(("answer", "made"), [("y\n", 9), ("n\n", 0), ("", 0)])
def test_with_a_terminal_somebody_is_asked(
    cloud: MonitoringServer, monkeypatch: pytest.MonkeyPatch, answer: str, made: int
) -> None:
    monkeypatch.setattr("streaming.monitoring.commands._has_terminal", lambda: True)
    result = run("apply", *TARGET, answer=answer)
    assert "Make these 10 changes?" in result.stderr
    assert ("nothing was changed" in result.stderr) is (made == 0)
    assert (result.exit_code, len(cloud.policies)) == (0 if made else 1, made)


@pytest.mark.parametrize(
    ("method", "code", "text", "told"),
    [
        (
            "ListAlertPolicies",
            StatusCode.PERMISSION_DENIED,
            "Permission monitoring.alertPolicies.list denied.",
            "cannot list alert policies: Permission monitoring.alertPolicies.list denied; the caller needs "
            "roles/monitoring.editor on the project",
        ),
        (
            "ListDashboards",
            StatusCode.PERMISSION_DENIED,
            "Cloud Monitoring API has not been used in project 1 before or it is disabled.",
            "cannot list dashboards: Cloud Monitoring API has not been used in project 1 before or it is disabled; run "
            "gcloud services enable monitoring.googleapis.com",
        ),
        (
            "CreateDashboard",
            StatusCode.INVALID_ARGUMENT,
            "Field mosaicLayout.tiles[1] has an invalid value.",
            "cannot create dashboard 'Pub/Sub inference: readings': Field mosaicLayout.tiles[1] has an invalid value",
        ),
    ],
)
def test_a_refusal_is_one_line_with_the_remedy(
    cloud: MonitoringServer, method: str, code: StatusCode, text: str, told: str
) -> None:
    cloud.fail(method, code, text)
    result = run("apply", *TARGET, "--yes")
    assert isinstance(result.exception, PermanentError)
    assert str(result.exception) == told


def test_a_service_that_is_away_for_a_moment_is_asked_again(cloud: MonitoringServer) -> None:
    cloud.fail("ListAlertPolicies", StatusCode.UNAVAILABLE, "The service is currently unavailable.")
    assert lines(run("diff", *TARGET)) == ALL


def test_an_unknown_channel_is_named(cloud: MonitoringServer) -> None:
    result = run("apply", *TARGET, "--notification-channel", CHANNEL, "--yes")
    assert str(result.exception) == (
        f"cannot create alert 'readings: {RULES[0].title}': Could not find NotificationChannel '{CHANNEL}'; "
        "mind --project and --notification-channel"
    )


def test_all_wrong_flags_are_told_at_once() -> None:
    result = run("apply", "--project", "X", "--job", "My Job", "--subscription", "a/b", "--notification-channel", "7")
    assert isinstance(result.exception, Mistakes)
    assert result.exception.lines == (
        "--project: 'X' is no project id; `gcloud projects list` shows those there are",
        "--job: 'My Job' is no job's name; `pubsub-inference jobs` lists them",
        "--subscription: 'a/b' is no subscription; write its id, or projects/P/subscriptions/S",
        "--notification-channel: '7' is no channel's name; `gcloud beta monitoring channels list` shows those "
        "there are",
    )
