"""Clients speak to the service, or to the emulator that the environment names."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import google.auth
import grpc
import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud.bigquery_storage_v1.types import GetWriteStreamRequest, WriteStream
from google.pubsub_v1.types import GetSchemaRequest, PublishRequest, PublishResponse, PullRequest, PullResponse, Schema

from streaming.endpoints import (
    alert_policy_client,
    bigquery_client,
    bigquery_read_client,
    bigquery_write_client,
    dashboards_client,
    flex_templates_client,
    jobs_client,
    messages_client,
    metric_service_client,
    publisher_client,
    schema_client,
    show_dataflow,
    show_monitoring,
    show_pubsub,
    subscriber_client,
)
from streaming.errors import Mistakes
from tests.dataflow_server import DataflowServer
from tests.monitoring_server import MonitoringServer

VARIABLES = (
    "PUBSUB_EMULATOR_HOST",
    "BIGQUERY_EMULATOR_HOST",
    "BIGQUERY_STORAGE_EMULATOR_HOST",
    "DATAFLOW_EMULATOR_HOST",
    "MONITORING_EMULATOR_HOST",
)
BIG = b"x" * 12_000_000


@pytest.fixture(autouse=True)
def _no_emulators(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stands in for the credentials that this machine may or may not have."""
    monkeypatch.setattr(google.auth, "default", lambda *args, **kwargs: (AnonymousCredentials(), "p"))


def test_pubsub_is_called_by_the_name_of_what_stands_in_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert show_pubsub() == "Pub/Sub"
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", "localhost:8085")
    assert show_pubsub() == "the Pub/Sub emulator (PUBSUB_EMULATOR_HOST=localhost:8085)"


def test_dataflow_is_called_by_the_name_of_what_stands_in_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert show_dataflow() == "Dataflow"
    monkeypatch.setenv("DATAFLOW_EMULATOR_HOST", "localhost:8086")
    assert show_dataflow() == "the server of DATAFLOW_EMULATOR_HOST=localhost:8086"


def test_cloud_monitoring_is_called_by_the_name_of_what_stands_in_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert show_monitoring() == "Cloud Monitoring"
    monkeypatch.setenv("MONITORING_EMULATOR_HOST", "localhost:8087")
    assert show_monitoring() == "the server of MONITORING_EMULATOR_HOST=localhost:8087"


class Services(grpc.GenericRpcHandler):
    """Publishes by answering the payload's size, pulls 12 MB, and knows one write stream and one schema."""

    def service(self, call: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        return {
            "Publish": grpc.unary_unary_rpc_method_handler(
                lambda request, _: PublishResponse(message_ids=[str(len(request.messages[0].data))]),
                PublishRequest.deserialize,
                PublishResponse.serialize,
            ),
            "Pull": grpc.unary_unary_rpc_method_handler(
                lambda request, _: PullResponse(received_messages=[{"message": {"data": BIG}}]),
                PullRequest.deserialize,
                PullResponse.serialize,
            ),
            "GetSchema": grpc.unary_unary_rpc_method_handler(
                lambda request, _: Schema(name=request.name), GetSchemaRequest.deserialize, Schema.serialize
            ),
            "GetWriteStream": grpc.unary_unary_rpc_method_handler(
                lambda request, _: WriteStream(name=request.name),
                GetWriteStreamRequest.deserialize,
                WriteStream.serialize,
            ),
        }.get(call.method.rpartition("/")[2])


@pytest.fixture
def port() -> Iterator[int]:
    """The port of a server of all four services."""
    server = grpc.server(ThreadPoolExecutor(1), [Services()], options=[("grpc.max_receive_message_length", -1)])
    bound = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield bound
    server.stop(None)


def test_pubsub_clients_speak_to_the_emulator_in_messages_above_grpc_s_4_mb(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", f"127.0.0.1:{port}")
    published = publisher_client().publish(topic="projects/p/topics/t", messages=[{"data": BIG}])
    assert list(published.message_ids) == ["12000000"]
    pulled = subscriber_client().pull(subscription="projects/p/subscriptions/s", max_messages=1)
    assert [received.message.data == BIG for received in pulled.received_messages] == [True]


def test_the_schema_client_speaks_to_the_emulator(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", f"127.0.0.1:{port}")
    assert schema_client().get_schema(name="projects/p/schemas/s").name == "projects/p/schemas/s"


@pytest.mark.parametrize("host", ["localhost:9050", "http://localhost:9050"])
def test_the_bigquery_client_speaks_to_the_emulator_with_or_without_http(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", host)
    client = bigquery_client("p")
    assert (client.project, client._connection.API_BASE_URL) == ("p", "http://localhost:9050")
    assert isinstance(client._credentials, AnonymousCredentials)


@pytest.mark.parametrize(
    ("rest", "storage"),
    [
        ("127.0.0.1:{rest}", ""),
        ("http://127.0.0.1:{rest}", ""),
        ("http://127.0.0.1:{rest}/", ""),
        ("elsewhere:9050", "127.0.0.1:{grpc}"),
        ("", "http://127.0.0.1:{grpc}"),
    ],
)
def test_the_storage_write_service_stands_ten_ports_beside_the_rest_service_unless_named(
    rest: str, storage: str, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", rest.format(rest=port - 10))
    monkeypatch.setenv("BIGQUERY_STORAGE_EMULATOR_HOST", storage.format(grpc=port))
    stream = "projects/p/datasets/d/tables/t/streams/_default"
    assert bigquery_write_client().get_write_stream(name=stream).name == stream


def test_an_emulator_without_a_port_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", "localhost")
    with pytest.raises(Mistakes) as raised:
        bigquery_write_client()
    assert raised.value.lines == (
        "BIGQUERY_EMULATOR_HOST: 'localhost' names no port; write host:port, as in localhost:9050",
    )


@pytest.mark.usefixtures("_credentials")
def test_without_emulators_clients_speak_to_google() -> None:
    pubsub = [client().transport.host for client in (publisher_client, subscriber_client, schema_client)]
    assert pubsub == ["pubsub.googleapis.com:443"] * 3
    assert bigquery_write_client().transport.host == "bigquerystorage.googleapis.com:443"
    assert bigquery_read_client().transport.host == "bigquerystorage.googleapis.com:443"
    assert bigquery_client("p")._connection.API_BASE_URL == "https://bigquery.googleapis.com"
    dataflow = [client().transport.host for client in (flex_templates_client, jobs_client, messages_client)]
    assert dataflow == ["dataflow.googleapis.com:443"] * 3
    monitoring = [client().transport.host for client in (alert_policy_client, dashboards_client, metric_service_client)]
    assert monitoring == ["monitoring.googleapis.com:443"] * 3


def test_the_dataflow_clients_speak_to_the_server_that_the_variable_names(monkeypatch: pytest.MonkeyPatch) -> None:
    with DataflowServer() as server:
        monkeypatch.setenv("DATAFLOW_EMULATOR_HOST", server.host)
        where = {"project_id": server.project, "location": server.regions[0]}
        launched = {"launch_parameter": {"job_name": "readings", "container_spec": {"image": "i"}}}
        job = flex_templates_client().launch_flex_template({**where, **launched}).job
        assert jobs_client().get_job({**where, "job_id": job.id}).name == "readings"
        assert list(messages_client().list_job_messages({**where, "job_id": job.id})) == []


def test_the_monitoring_clients_speak_to_the_server_that_the_variable_names(monkeypatch: pytest.MonkeyPatch) -> None:
    with MonitoringServer() as server:
        monkeypatch.setenv("MONITORING_EMULATOR_HOST", server.host)
        assert list(alert_policy_client().list_alert_policies(name=f"projects/{server.project}")) == []
        assert list(dashboards_client().list_dashboards({"parent": f"projects/{server.project}"})) == []


@pytest.mark.usefixtures("_credentials")
def test_an_empty_variable_counts_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.setenv(name, "")
    assert bigquery_write_client().transport.host == "bigquerystorage.googleapis.com:443"
    assert bigquery_client("p")._connection.API_BASE_URL == "https://bigquery.googleapis.com"
    assert (show_pubsub(), show_dataflow()) == ("Pub/Sub", "Dataflow")
