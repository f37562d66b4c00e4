"""Clients of Google's services, or of the emulators that the environment names.

| variable | value | default |
|---|---|---|
| `PUBSUB_EMULATOR_HOST` | host:port | none: Google's service |
| `BIGQUERY_EMULATOR_HOST` | host:port of its REST service, with or without http:// | none: Google's service |
| `BIGQUERY_STORAGE_EMULATOR_HOST` | host:port of its gRPC service | the REST service's host, its port + 10 |
| `DATAFLOW_EMULATOR_HOST` | host:port of a gRPC server in Dataflow's stead | none: Google's service |
| `MONITORING_EMULATOR_HOST` | the same in Cloud Monitoring's stead | none: Google's service |

An emulator is spoken to with anonymous credentials, without encryption. An empty variable counts as none.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from streaming.errors import Mistakes

if TYPE_CHECKING:
    import grpc
    from google.cloud.bigquery import Client
    from google.cloud.bigquery_storage_v1 import BigQueryReadClient, BigQueryWriteClient
    from google.cloud.dataflow_v1beta3 import (
        FlexTemplatesServiceClient,
        JobsV1Beta3Client,
        MessagesV1Beta3Client,
        MetricsV1Beta3Client,
    )
    from google.cloud.monitoring_dashboard_v1 import DashboardsServiceClient
    from google.cloud.monitoring_v3 import AlertPolicyServiceClient, MetricServiceClient
    from google.pubsub_v1 import PublisherClient, SchemaServiceClient, SubscriberClient

_CHANNEL_OPTIONS = {
    "grpc.max_send_message_length": -1,
    "grpc.max_receive_message_length": -1,  # a pull may bring more than 10 MB, gRPC's default is 4
    "grpc.keepalive_time_ms": 60_000,  # finds out dead connections on which we only wait
    "grpc.keepalive_timeout_ms": 20_000,
    "grpc.initial_reconnect_backoff_ms": 100,
    "grpc.min_reconnect_backoff_ms": 5_000,  # how long a connection may take to be made, despite the name
    "grpc.max_reconnect_backoff_ms": 10_000,  # gRPC's default of two minutes outlasts our own retries
}

_PUBSUB = "PUBSUB_EMULATOR_HOST"
_DATAFLOW = "DATAFLOW_EMULATOR_HOST"
_MONITORING = "MONITORING_EMULATOR_HOST"
_VARIABLES = (_PUBSUB, "BIGQUERY_EMULATOR_HOST", "BIGQUERY_STORAGE_EMULATOR_HOST")


def emulators() -> dict[str, str]:
    """The variables that name emulators of what a job reads and writes, with their values."""
    return {name: host for name in _VARIABLES if (host := _variable(name)) is not None}


def show_pubsub() -> str:
    """Pub/Sub in words, or the emulator that stands in for it."""
    host = _variable(_PUBSUB)
    return f"the Pub/Sub emulator ({_PUBSUB}={host})" if host else "Pub/Sub"


def show_dataflow() -> str:
    """Dataflow in words, or the server that stands in for it."""
    return _show("Dataflow", _DATAFLOW)


def show_monitoring() -> str:
    """Cloud Monitoring in words, or the server that stands in for it."""
    return _show("Cloud Monitoring", _MONITORING)


def _show(service: str, variable: str) -> str:
    host = _variable(variable)
    return f"the server of {variable}={host}" if host else service


def publisher_client() -> PublisherClient:
    """The generated client of Pub/Sub's Publisher service."""
    from google.pubsub_v1 import PublisherClient

    return _client(PublisherClient, _variable(_PUBSUB))


def subscriber_client() -> SubscriberClient:
    """The generated client of Pub/Sub's Subscriber service."""
    from google.pubsub_v1 import SubscriberClient

    return _client(SubscriberClient, _variable(_PUBSUB))


def schema_client() -> SchemaServiceClient:
    """The generated client of Pub/Sub's SchemaService."""
    from google.pubsub_v1 import SchemaServiceClient

    return _client(SchemaServiceClient, _variable(_PUBSUB))


def bigquery_client(project: str) -> Client:
    """The client of BigQuery's REST service; `project` is the one that its jobs run in."""
    from google.auth.credentials import AnonymousCredentials
    from google.cloud.bigquery import Client

    host = _variable("BIGQUERY_EMULATOR_HOST")
    if host is None:
        return Client(project=project)
    endpoint = f"http://{_authority(host)}"
    return Client(project=project, credentials=AnonymousCredentials(), client_options={"api_endpoint": endpoint})


def bigquery_write_client() -> BigQueryWriteClient:
    """The generated client of BigQuery's Storage Write service.

    Raises:
        Mistakes: `BIGQUERY_EMULATOR_HOST` names no port to count from.
    """
    from google.cloud.bigquery_storage_v1 import BigQueryWriteClient

    return _client(BigQueryWriteClient, _storage_emulator())


def bigquery_read_client() -> BigQueryReadClient:
    """The client of BigQuery's Storage Read service.

    Raises:
        Mistakes: `BIGQUERY_EMULATOR_HOST` names no port to count from.
    """
    from google.cloud.bigquery_storage_v1 import BigQueryReadClient

    return _client(BigQueryReadClient, _storage_emulator())


def flex_templates_client() -> FlexTemplatesServiceClient:
    """The generated client of Dataflow's FlexTemplatesService."""
    from google.cloud.dataflow_v1beta3 import FlexTemplatesServiceClient

    return _client(FlexTemplatesServiceClient, _variable(_DATAFLOW))


def jobs_client() -> JobsV1Beta3Client:
    """The generated client of Dataflow's Jobs service."""
    from google.cloud.dataflow_v1beta3 import JobsV1Beta3Client

    return _client(JobsV1Beta3Client, _variable(_DATAFLOW))


def messages_client() -> MessagesV1Beta3Client:
    """The generated client of Dataflow's Messages service."""
    from google.cloud.dataflow_v1beta3 import MessagesV1Beta3Client

    return _client(MessagesV1Beta3Client, _variable(_DATAFLOW))


def metrics_client() -> MetricsV1Beta3Client:
    """The generated client of Dataflow's Metrics service."""
    from google.cloud.dataflow_v1beta3 import MetricsV1Beta3Client

    return _client(MetricsV1Beta3Client, _variable(_DATAFLOW))


def alert_policy_client() -> AlertPolicyServiceClient:
    """The generated client of Cloud Monitoring's AlertPolicyService."""
    from google.cloud.monitoring_v3 import AlertPolicyServiceClient

    return _client(AlertPolicyServiceClient, _variable(_MONITORING))


def dashboards_client() -> DashboardsServiceClient:
    """The generated client of Cloud Monitoring's DashboardsService."""
    from google.cloud.monitoring_dashboard_v1 import DashboardsServiceClient

    return _client(DashboardsServiceClient, _variable(_MONITORING))


def metric_service_client() -> MetricServiceClient:
    """The generated client of Cloud Monitoring's MetricService."""
    from google.cloud.monitoring_v3 import MetricServiceClient

    return _client(MetricServiceClient, _variable(_MONITORING))


def _client(kind: Any, emulator: str | None) -> Any:
    """A generated client over gRPC, of the emulator or of Google's service."""
    transport = kind.get_transport_class("grpc")
    return kind(transport=transport(channel=_channel(transport.create_channel, emulator)))


def _channel(create: Callable[..., grpc.Channel], emulator: str | None) -> grpc.Channel | Callable[..., grpc.Channel]:
    """What a generated transport takes as its channel: one to the emulator, or what opens one to Google."""
    import grpc

    if emulator is not None:
        return grpc.insecure_channel(emulator, options=list(_CHANNEL_OPTIONS.items()))

    def create_with_options(host: str, options: Sequence[tuple[str, Any]], **arguments: Any) -> grpc.Channel:
        return create(host, options=list({**dict(options), **_CHANNEL_OPTIONS}.items()), **arguments)

    return create_with_options


def _storage_emulator() -> str | None:
    explicit = _variable("BIGQUERY_STORAGE_EMULATOR_HOST")
    if explicit is not None:
        return _authority(explicit)
    rest = _variable("BIGQUERY_EMULATOR_HOST")
    if rest is None:
        return None
    host, _, port = _authority(rest).rpartition(":")
    if not host or not port.isdecimal():
        raise Mistakes([f"BIGQUERY_EMULATOR_HOST: {rest!r} names no port; write host:port, as in localhost:9050"])
    return f"{host}:{int(port) + 10}"


def _authority(host: str) -> str:
    """`host:port` of `host:port` or `http://host:port/`."""
    return urlsplit(host if "://" in host else f"//{host}").netloc


def _variable(name: str) -> str | None:
    return os.environ.get(name) or None
