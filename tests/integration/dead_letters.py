"""Dead letters of a test's own, and their replay."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from producers.replaying.replay import replay
from producers.replaying.replay_plan import ReplayPlan
from producers.replaying.replay_summary import Summary
from streaming.batches import FAILURE
from streaming.bigquery.error_records import insert
from streaming.bigquery.table_ids import parse_table_id
from streaming.bigquery.tables import ensure_error_table
from streaming.deadletters import to_messages, to_rows
from streaming.endpoints import bigquery_client, publisher_client
from tests.integration.service import PROJECT, Service

NOW = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)


class Letters:
    """Topics, subscriptions and tables of a test's own, which hold letters of its making."""

    def __init__(self) -> None:
        self.service = Service(Path("no.yaml"))
        self.table = parse_table_id(f"{self.service.table}_error_records")
        self.output_table = parse_table_id(self.service.table)
        client = bigquery_client(PROJECT)
        ensure_error_table(client, self.table)
        client.query(f"CREATE TABLE `{self.output_table}` (prediction_id STRING)").result()

    def write(self, *changes: Mapping[str, Any], to_topic: bool = False) -> None:
        known = {"payload": b"x", "attributes": [("site", "north")], "stage": "decode", "error_class": "AvroError"}
        failures = pa.RecordBatch.from_pylist([known | change for change in changes], schema=FAILURE)
        if to_topic:
            with publisher_client() as publisher:
                request = {"topic": self.service.topic("dead"), "messages": to_messages(failures, "job", NOW)}
                publisher.publish(request=request)
        else:
            insert(bigquery_client(PROJECT), self.table, *to_rows(failures, "job", NOW))

    def answer(self, *prediction_ids: str) -> None:
        rows = ", ".join(f"('{name}')" for name in prediction_ids)
        bigquery_client(PROJECT).query(f"INSERT INTO `{self.output_table}` VALUES {rows}").result()

    def plan(self, **settings: Any) -> ReplayPlan:
        ends = {} if "subscription" in settings else {"table": self.table}
        return ReplayPlan(self.service.topic("in"), **ends, **settings)

    def published(self) -> list[tuple[bytes, dict[str, str]]]:
        messages = [(message.data, dict(message.attributes)) for message in self.service.drained("in")]
        return sorted(messages, key=lambda message: message[1]["original_message_id"])


def infer(model: str, message_id: str) -> dict[str, Any]:
    """What `Letters.write` takes for a model's dead letter of a message."""
    return {"message_id": message_id, "stage": f"infer:{model}", "model": model, "error_class": "ModelFailedError"}


def done(plan: ReplayPlan) -> Summary:
    """What a replay has done."""
    summary = Summary()
    replay(plan, summary)
    return summary
