"""Cloud Monitoring's services for alert policies and dashboards in this process.

It answers in pages, fills in what the service fills in, and refuses in the service's words as far as its documentation
and the public reports of its users tell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, NamedTuple, TypeVar

import grpc
import pytest
from google.cloud.monitoring_dashboard_v1 import (
    CreateDashboardRequest,
    Dashboard,
    DeleteDashboardRequest,
    ListDashboardsRequest,
    ListDashboardsResponse,
    UpdateDashboardRequest,
)
from google.cloud.monitoring_v3 import (
    AlertPolicy,
    CreateAlertPolicyRequest,
    DeleteAlertPolicyRequest,
    ListAlertPoliciesRequest,
    ListAlertPoliciesResponse,
    UpdateAlertPolicyRequest,
)
from google.protobuf.empty_pb2 import Empty

from tests.grpc_servers import Refusal, RefusingServer, page

R = TypeVar("R")

PAGE = 2
CREATED = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class Method(NamedTuple):
    """How one method is answered; `response` writes the answer as bytes."""

    answer: Callable[[Any], Any]
    request: Any
    response: Callable[[Any], bytes]


class MonitoringServer(RefusingServer):
    """The services of one project, for `MONITORING_EMULATOR_HOST`.

    Attributes:
        policies, dashboards: what is there, by name.
        channels: the notification channels that there are.
    """

    def __init__(self, project: str = "my-project") -> None:
        super().__init__()
        self.project = project
        self.policies: dict[str, AlertPolicy] = {}
        self.dashboards: dict[str, Dashboard] = {}
        self.channels: set[str] = set()
        self._made = 0
        self._methods = {**self._alert_methods(), **self._dashboard_methods()}

    def service(self, call: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        if call.method not in self._methods:
            return None
        method, name = self._methods[call.method], call.method.rpartition("/")[2]
        return grpc.unary_unary_rpc_method_handler(
            lambda request, context: self.answer(name, request, context, method.answer),
            method.request.deserialize,
            method.response,
        )

    def _alert_methods(self) -> dict[str, Method]:
        policy = AlertPolicy.serialize
        methods = {
            "List": Method(self._list_policies, ListAlertPoliciesRequest, ListAlertPoliciesResponse.serialize),
            "Create": Method(self._create_policy, CreateAlertPolicyRequest, policy),
            "Update": Method(self._update_policy, UpdateAlertPolicyRequest, policy),
            "Delete": Method(self._delete_policy, DeleteAlertPolicyRequest, Empty.SerializeToString),
        }
        names = {"List": "ListAlertPolicies"}
        service = "/google.monitoring.v3.AlertPolicyService"
        return {f"{service}/{names.get(verb, f'{verb}AlertPolicy')}": method for verb, method in methods.items()}

    def _dashboard_methods(self) -> dict[str, Method]:
        methods = {
            "List": Method(self._list_dashboards, ListDashboardsRequest, ListDashboardsResponse.serialize),
            "Create": Method(self._create_dashboard, CreateDashboardRequest, Dashboard.serialize),
            "Update": Method(self._update_dashboard, UpdateDashboardRequest, Dashboard.serialize),
            "Delete": Method(self._delete_dashboard, DeleteDashboardRequest, Empty.SerializeToString),
        }
        names = {"List": "ListDashboards"}
        service = "/google.monitoring.dashboard.v1.DashboardsService"
        return {f"{service}/{names.get(verb, f'{verb}Dashboard')}": method for verb, method in methods.items()}

    def _list_policies(self, request: ListAlertPoliciesRequest) -> ListAlertPoliciesResponse:
        self._check(request.name)
        policies, token = page(list(self.policies.values()), request.page_token, PAGE)
        return ListAlertPoliciesResponse(alert_policies=policies, next_page_token=token)

    def _create_policy(self, request: CreateAlertPolicyRequest) -> AlertPolicy:
        self._check(request.name)
        return self._keep_policy(f"{request.name}/alertPolicies/{self._number()}", request.alert_policy)

    def _update_policy(self, request: UpdateAlertPolicyRequest) -> AlertPolicy:
        policy = AlertPolicy(self._known(self.policies, request.alert_policy.name))
        for path in request.update_mask.paths:
            setattr(policy, path, getattr(request.alert_policy, path))
        return self._keep_policy(policy.name, policy)

    def _keep_policy(self, name: str, policy: AlertPolicy) -> AlertPolicy:
        if len(policy.conditions) != 1:
            raise Refusal(grpc.StatusCode.INVALID_ARGUMENT, "A PromQL alert policy must have exactly one condition.")
        for channel in policy.notification_channels:
            if channel not in self.channels:
                raise Refusal(grpc.StatusCode.NOT_FOUND, f"Could not find NotificationChannel '{channel}'.")
        kept = AlertPolicy(policy, name=name)
        kept.creation_record.mutate_time = CREATED
        kept.conditions[0].name = f"{name}/conditions/{self._number()}"
        self.policies[name] = kept
        return kept

    def _delete_policy(self, request: DeleteAlertPolicyRequest) -> Empty:
        del self.policies[self._known(self.policies, request.name).name]
        return Empty()

    def _list_dashboards(self, request: ListDashboardsRequest) -> ListDashboardsResponse:
        self._check(request.parent)
        dashboards, token = page(list(self.dashboards.values()), request.page_token, PAGE)
        return ListDashboardsResponse(dashboards=dashboards, next_page_token=token)

    def _create_dashboard(self, request: CreateDashboardRequest) -> Dashboard:
        self._check(request.parent)
        return self._keep_dashboard(Dashboard(request.dashboard, name=f"{request.parent}/dashboards/{self._number()}"))

    def _update_dashboard(self, request: UpdateDashboardRequest) -> Dashboard:
        self._known(self.dashboards, request.dashboard.name)
        return self._keep_dashboard(request.dashboard)

    def _keep_dashboard(self, dashboard: Dashboard) -> Dashboard:
        kept = Dashboard(dashboard, etag=f"etag-{self._number()}")
        for number, tile in enumerate(kept.mosaic_layout.tiles):
            tile.widget.id = f"widget-{number}"
            if "xy_chart" in tile.widget:
                tile.widget.xy_chart.chart_options.mode = "COLOR"
        self.dashboards[kept.name] = kept
        return kept

    def _delete_dashboard(self, request: DeleteDashboardRequest) -> Empty:
        del self.dashboards[self._known(self.dashboards, request.name).name]
        return Empty()

    def _number(self) -> int:
        self._made += 1
        return self._made

    def _check(self, parent: str) -> None:
        if parent != f"projects/{self.project}":
            raise Refusal(
                grpc.StatusCode.PERMISSION_DENIED,
                f"Permission monitoring.alertPolicies.list denied (or the resource may not exist) on {parent}.",
            )

    @staticmethod
    def _known(there: dict[str, R], name: str) -> R:
        if name not in there:
            raise Refusal(grpc.StatusCode.NOT_FOUND, f"Could not find {name}.")
        return there[name]


@contextmanager
def monitoring_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[MonitoringServer]:
    """A server that the clients of this process speak to."""
    with MonitoringServer() as server:
        monkeypatch.setenv("MONITORING_EMULATOR_HOST", server.host)
        yield server
