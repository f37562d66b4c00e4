"""The emulators answer their clients, and leave no process behind."""

from __future__ import annotations

import os
import select
import subprocess
import sys

import psutil
import pytest
from google.cloud.bigquery import Dataset, SchemaField, Table
from google.cloud.bigquery_storage_v1.types import GetWriteStreamRequest

from streaming.endpoints import bigquery_client, bigquery_write_client, publisher_client, subscriber_client
from streaming.local.emulators import BigQueryEmulator, PubSubEmulator
from streaming.local.prism import Prism
from streaming.local.processes import Service, accepts

pytestmark = pytest.mark.integration

SERVICES = (PubSubEmulator, BigQueryEmulator, Prism)
OWNER = """
from streaming.local.{module} import {name}
with {name}():
    print("up", flush=True)
    input()
"""


@pytest.mark.usefixtures("emulators")
def test_what_is_published_can_be_pulled() -> None:
    topic, subscription = "projects/emulated/topics/topic", "projects/emulated/subscriptions/subscription"
    with publisher_client() as publisher, subscriber_client() as subscriber:
        publisher.create_topic(name=topic)
        subscriber.create_subscription(name=subscription, topic=topic)
        publisher.publish(topic=topic, messages=[{"data": b"payload", "attributes": {"key": "d1"}}])
        (received,) = subscriber.pull(subscription=subscription, max_messages=1, timeout=30).received_messages
    assert (received.message.data, dict(received.message.attributes)) == (b"payload", {"key": "d1"})


@pytest.mark.usefixtures("emulators")
def test_what_is_inserted_can_be_queried() -> None:
    client = bigquery_client("emulated")
    client.create_dataset(Dataset("emulated.d"))
    table = client.create_table(Table("emulated.d.t", [SchemaField("key", "STRING"), SchemaField("x", "FLOAT64")]))
    assert client.insert_rows_json(table, [{"key": "d1", "x": 1.5}]) == []
    assert [dict(row) for row in client.query("SELECT * FROM `emulated.d.t`").result()] == [{"key": "d1", "x": 1.5}]
    with bigquery_write_client() as writer:
        name = "projects/emulated/datasets/d/tables/t/streams/_default"
        assert writer.get_write_stream(GetWriteStreamRequest(name=name)).name == name


@pytest.mark.parametrize("kind", SERVICES)
def test_nothing_is_left_of_a_service_that_was_stopped(kind: type[PubSubEmulator | BigQueryEmulator | Prism]) -> None:
    with kind() as service:
        port = _port(service)
        assert accepts(port)
    assert service.ended() is not None
    assert not accepts(port)


@pytest.mark.parametrize("kind", SERVICES)
def test_nothing_is_left_of_a_service_whose_owner_was_killed(
    kind: type[PubSubEmulator | BigQueryEmulator | Prism],
) -> None:
    code = OWNER.format(module=kind.__module__.rpartition(".")[2], name=kind.__name__)
    owner = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert owner.stdout is not None
    assert owner.stdout.readline() == b"up\n"
    children = [os.pidfd_open(child.pid) for child in psutil.Process(owner.pid).children(recursive=True)]
    owner.kill()
    owner.wait()
    assert len(children) == 1
    assert select.select(children, [], [], 30)[0] == children


def _port(service: Service) -> int:
    address = {PubSubEmulator: "host", BigQueryEmulator: "storage_host", Prism: "job_endpoint"}[type(service)]
    return int(getattr(service, address).rpartition(":")[2])
