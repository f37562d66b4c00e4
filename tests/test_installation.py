"""A job's dashboard and alert policies are found among all of a project, and changed one by one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from google.cloud.monitoring_dashboard_v1 import Dashboard, ListDashboardsRequest
from google.cloud.monitoring_v3 import AlertPolicy, ListAlertPoliciesRequest, UpdateAlertPolicyRequest
from grpc import StatusCode

from streaming.errors import PermanentError
from streaming.monitoring.alerts import alert_policy
from streaming.monitoring.dashboard import dashboard
from streaming.monitoring.installation import Installation, wanted
from streaming.monitoring.installed import Action, Change, Item, Kind
from streaming.monitoring.rules import RULES
from streaming.monitoring.target import Target
from tests.monitoring_server import MonitoringServer, monitoring_server

READINGS, OTHER = Target("readings", "readings-sub"), Target("other", "other-sub")
CHANNEL = "projects/my-project/notificationChannels/7"
RULE = RULES[0]
OWNED = [
    "display_name",
    "documentation",
    "user_labels",
    "conditions",
    "combiner",
    "enabled",
    "severity",
    "alert_strategy",
]


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[MonitoringServer]:
    with monitoring_server(monkeypatch) as server:
        server.channels.add(CHANNEL)
        yield server


def create(item: Item) -> None:
    Installation("my-project").make(Change(Action.CREATE, item))


def alert(*channels: str, target: Target = READINGS) -> Item:
    return Item(Kind.ALERT, RULE.name, alert_policy(RULE, target, channels))


def board(target: Target = READINGS) -> Item:
    return Item(Kind.DASHBOARD, "", dashboard(target))


def test_a_job_wants_a_dashboard_and_an_alert_for_each_rule() -> None:
    assert wanted(READINGS, [CHANNEL]) == [
        board(),
        *(Item(Kind.ALERT, rule.name, alert_policy(rule, READINGS, [CHANNEL])) for rule in RULES),
    ]


def test_of_what_is_there_the_job_s_own_is_found_page_by_page(cloud: MonitoringServer) -> None:
    for target in (OTHER, READINGS, OTHER, OTHER):
        create(board(target))
        create(alert(target=target))
    found = Installation("my-project").there(READINGS)
    (name,) = (each.name for each in cloud.dashboards.values() if each.labels["job"] == "readings")
    (policy,) = (each.name for each in cloud.policies.values() if each.user_labels["job"] == "readings")
    assert found == [
        Item(Kind.DASHBOARD, "", cloud.dashboards[name]),
        Item(Kind.ALERT, RULE.name, cloud.policies[policy]),
    ]
    assert [each.page_token for each in cloud.asked(ListDashboardsRequest)] == ["", "2"]
    assert [each.page_token for each in cloud.asked(ListAlertPoliciesRequest)] == ["", "2"]


def test_a_dashboard_is_made_changed_and_removed(cloud: MonitoringServer) -> None:
    installation = Installation("my-project")
    installation.make(Change(Action.CREATE, board()))
    ((name, made),) = cloud.dashboards.items()
    assert made.display_name == dashboard(READINGS).display_name
    renamed = Item(Kind.DASHBOARD, "", Dashboard(dashboard(READINGS), display_name="another"))
    installation.make(Change(Action.CHANGE, renamed, name))
    assert {name: each.display_name for name, each in cloud.dashboards.items()} == {name: "another"}
    installation.make(Change(Action.REMOVE, board(), name))
    assert cloud.dashboards == {}


@pytest.mark.parametrize(
    ("channels", "kept", "mask"),
    [([], [CHANNEL], OWNED), ([f"{CHANNEL}7"], [f"{CHANNEL}7"], [*OWNED, "notification_channels"])],
)
def test_an_alert_keeps_its_channels_unless_others_are_asked_for(
    channels: list[str], kept: list[str], mask: list[str], cloud: MonitoringServer
) -> None:
    cloud.channels.update(channels)
    installation = Installation("my-project")
    installation.make(Change(Action.CREATE, alert(CHANNEL)))
    ((name, _),) = cloud.policies.items()
    changed = AlertPolicy(alert(*channels).message, display_name="another")
    installation.make(Change(Action.CHANGE, Item(Kind.ALERT, RULE.name, changed), name))
    after = cloud.policies[name]
    assert (after.display_name, list(after.notification_channels)) == ("another", kept)
    assert [list(each.update_mask.paths) for each in cloud.asked(UpdateAlertPolicyRequest)] == [mask]
    installation.make(Change(Action.REMOVE, alert(), name))
    assert cloud.policies == {}


@pytest.mark.parametrize(
    ("method", "doing"),
    [("ListDashboards", "list dashboards"), ("ListAlertPolicies", "list alert policies")],
)
def test_what_cloud_monitoring_refuses_is_told(method: str, doing: str, cloud: MonitoringServer) -> None:
    cloud.fail(method, StatusCode.PERMISSION_DENIED, "No.")
    with pytest.raises(PermanentError) as caught:
        Installation("my-project").there(READINGS)
    remedy = "the caller needs roles/monitoring.editor on the project"
    assert str(caught.value) == f"cannot {doing}: No; {remedy}"


def test_a_change_that_is_refused_is_told_by_its_name(cloud: MonitoringServer) -> None:
    cloud.fail("CreateAlertPolicy", StatusCode.PERMISSION_DENIED, "No.")
    with pytest.raises(PermanentError) as caught:
        create(alert())
    what = f"create alert 'readings: {RULE.title}'"
    assert str(caught.value) == f"cannot {what}: No; the caller needs roles/monitoring.editor on the project"
