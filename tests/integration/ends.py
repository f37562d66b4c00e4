"""Tables, topics and subscriptions of a test's own, for the production ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pyarrow as pa
from google.cloud.bigquery import Client
from google.pubsub_v1.types import PubsubMessage

from streaming.endpoints import bigquery_client, publisher_client, subscriber_client
from streaming.job import Message
from streaming.job_parts import Reference
from streaming.options import Parameters
from streaming.registry import forget, shared
from streaming.schema import parse_schema
from streaming.wiring import Contract, Output
from tests.builders import X, plan

PROJECT = "my-project"
OUTPUTS = (
    Output("score", "score", pa.float64()),
    Output("scores", "scores", pa.list_(pa.float64())),
    Output("counts", "counts", pa.list_(pa.int64())),
    Output("labels", "labels", pa.list_(pa.string())),
    Output("high", "high", pa.bool_()),
    Output("flags", "flags", pa.list_(pa.bool_())),
)


@contextmanager
def own_ends() -> Iterator[Parameters]:
    """A dataset, topics with subscriptions `<topic>-read`, and the input's, which nobody else uses.

    What the process shares is closed at the end, since the emulators may be others the next time.
    """
    name = f"t{uuid4().hex[:10]}"
    bigquery_client(PROJECT).create_dataset(name)
    topics = [f"projects/{PROJECT}/topics/{name}-{kind}" for kind in ("in", "out", "dead")]
    with publisher_client() as publisher, subscriber_client() as subscriber:
        for topic in topics:
            publisher.create_topic(name=topic)
            request = {"name": _read_by(topic), "topic": topic, "enable_message_ordering": True}
            subscriber.create_subscription(request=request)
    try:
        yield Parameters(
            job_file="job.yaml",
            input_subscription=_read_by(topics[0]),
            output_table=f"{PROJECT}.{name}.predictions",
            output_topic=topics[1],
            output_deadletter_topic=topics[2],
        )
    finally:
        _forget_clients()


def _forget_clients() -> None:
    for key in ("append", "publisher"):
        client: Any = shared(key, lambda: None)
        if client is not None:
            client.close()
        forget(key)
    forget(("bigquery", PROJECT))


def _read_by(topic: str) -> str:
    return topic.replace("/topics/", "/subscriptions/") + "-read"


def contract(*outputs: Output) -> Contract:
    """A job of one model with these outputs."""
    schema = parse_schema('{"type": "record", "name": "R", "fields": [{"name": "value", "type": "double"}]}', "r.avsc")
    message = Message(format="avro", schema="r.avsc", key=Reference(attribute="device"))
    return Contract(message, schema, timedelta(minutes=1), (X,), (plan(outputs=outputs),))


def rows(client: Client, table: str, order: str) -> list[dict[str, Any]]:
    """All rows of a table."""
    return [dict(row) for row in client.query(f"SELECT * FROM `{table}` ORDER BY {order}").result()]


def received(topic: str, count: int) -> list[PubsubMessage]:
    """So many messages of the topic, in the order of their arrival."""
    messages: list[PubsubMessage] = []
    with subscriber_client() as subscriber:
        while len(messages) < count:
            pulled = subscriber.pull(subscription=_read_by(topic), max_messages=1000, timeout=60).received_messages
            if pulled:
                subscriber.acknowledge(subscription=_read_by(topic), ack_ids=[each.ack_id for each in pulled])
            messages += [each.message for each in pulled]
    return messages
