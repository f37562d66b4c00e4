"""The monitoring of a job in Cloud Monitoring: what is there, and how it is changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Any

from google.api_core import exceptions
from google.cloud.monitoring_dashboard_v1 import (
    CreateDashboardRequest,
    DashboardsServiceClient,
    DeleteDashboardRequest,
    ListDashboardsRequest,
    UpdateDashboardRequest,
)
from google.cloud.monitoring_v3 import (
    AlertPolicyServiceClient,
    CreateAlertPolicyRequest,
    DeleteAlertPolicyRequest,
    ListAlertPoliciesRequest,
    UpdateAlertPolicyRequest,
)
from google.protobuf.field_mask_pb2 import FieldMask

from streaming.asking import Service
from streaming.endpoints import alert_policy_client, dashboards_client, show_monitoring
from streaming.monitoring.alerts import alert_policy
from streaming.monitoring.dashboard import dashboard
from streaming.monitoring.installed import Action, Change, Item, Kind, is_ours
from streaming.monitoring.rules import RULES
from streaming.monitoring.target import Target

_OWNED = (
    "display_name",
    "documentation",
    "user_labels",
    "conditions",
    "combiner",
    "enabled",
    "severity",
    "alert_strategy",
)
"""The fields of a policy that are ours; its notification channels are when some are asked for."""

CLOUD_MONITORING = Service(
    "Cloud Monitoring",
    show_monitoring,
    {
        exceptions.DeadlineExceeded: "try again",
        exceptions.NotFound: "mind --project and --notification-channel",
        exceptions.PermissionDenied: "the caller needs roles/monitoring.editor on the project",
        exceptions.ServiceUnavailable: "try again; status.cloud.google.com tells of outages",
    },
    {
        "quota project": "run gcloud auth application-default set-quota-project PROJECT",
        "has not been used in project": "run gcloud services enable monitoring.googleapis.com",
    },
)


def wanted(target: Target, channels: Sequence[str] = ()) -> list[Item]:
    """The dashboard and the alert policies of a job."""
    policies = [Item(Kind.ALERT, rule.name, alert_policy(rule, target, channels)) for rule in RULES]
    return [Item(Kind.DASHBOARD, "", dashboard(target)), *policies]


class Installation:
    """Cloud Monitoring of one project; each method raises PermanentError where it refuses or cannot be had."""

    def __init__(self, project: str) -> None:
        self._parent = f"projects/{project}"

    @cached_property
    def _alerts(self) -> AlertPolicyServiceClient:
        return CLOUD_MONITORING.connected(alert_policy_client)

    @cached_property
    def _dashboards(self) -> DashboardsServiceClient:
        return CLOUD_MONITORING.connected(dashboards_client)

    def there(self, target: Target) -> list[Item]:
        """What is installed for the job."""
        return [*self._dashboards_there(target), *self._alerts_there(target)]

    def make(self, change: Change) -> None:
        """Make a change."""
        make = self._dashboard if change.item.kind is Kind.DASHBOARD else self._alert
        make(change)

    def _dashboards_there(self, target: Target) -> Iterator[Item]:
        pages = _pages("dashboards", self._dashboards.list_dashboards, ListDashboardsRequest(parent=self._parent))
        for each in (each for page in pages for each in page.dashboards):
            if is_ours(each.labels, target.labels):
                yield Item(Kind.DASHBOARD, "", each)

    def _alerts_there(self, target: Target) -> Iterator[Item]:
        request = ListAlertPoliciesRequest(name=self._parent)
        pages = _pages("alert policies", self._alerts.list_alert_policies, request)
        for each in (each for page in pages for each in page.alert_policies):
            if is_ours(each.user_labels, target.labels):
                yield Item(Kind.ALERT, each.user_labels.get("rule", ""), each)

    def _dashboard(self, change: Change) -> None:
        client, message, what = self._dashboards, change.item.message, f"{change.action.name.lower()} {change.item}"
        if change.action is Action.CREATE:
            request = CreateDashboardRequest(parent=self._parent, dashboard=message)
            CLOUD_MONITORING.asked(what, client.create_dashboard, request)
        elif change.action is Action.CHANGE:
            renamed = type(message)(message, name=change.name)
            CLOUD_MONITORING.asked(what, client.update_dashboard, UpdateDashboardRequest(dashboard=renamed))
        else:
            CLOUD_MONITORING.asked(what, client.delete_dashboard, DeleteDashboardRequest(name=change.name))

    def _alert(self, change: Change) -> None:
        client, message, what = self._alerts, change.item.message, f"{change.action.name.lower()} {change.item}"
        if change.action is Action.CREATE:
            request = CreateAlertPolicyRequest(name=self._parent, alert_policy=message)
            CLOUD_MONITORING.asked(what, client.create_alert_policy, request)
        elif change.action is Action.CHANGE:
            mask = FieldMask(paths=[*_OWNED, *(["notification_channels"] if message.notification_channels else [])])
            renamed = type(message)(message, name=change.name)
            request = UpdateAlertPolicyRequest(alert_policy=renamed, update_mask=mask)
            CLOUD_MONITORING.asked(what, client.update_alert_policy, request)
        else:
            CLOUD_MONITORING.asked(what, client.delete_alert_policy, DeleteAlertPolicyRequest(name=change.name))


def _pages(what: str, method: Callable[..., Any], request: Any) -> Iterator[Any]:
    while True:
        page = CLOUD_MONITORING.asked(f"list {what}", method, request)
        yield page
        if not page.next_page_token:
            return
        request.page_token = page.next_page_token
