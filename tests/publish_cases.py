"""Blocks of messages, truth files and job files for the tests of publishing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import yaml

from producers.messages import MESSAGE, Messages
from producers.truth import Run
from streaming.batches import TIMESTAMP

TOPIC = "projects/my-project/topics/readings"
START = datetime(2026, 3, 1, 12, tzinfo=UTC)
SCHEMA = {
    "type": "record",
    "name": "Reading",
    "fields": [
        {"name": "device_id", "type": "string"},
        {"name": "event_time", "type": {"type": "long", "logicalType": "timestamp-micros"}},
        {"name": "value", "type": "double"},
    ],
}
INPUTS = pa.struct([("device_id", pa.string()), ("event_time", TIMESTAMP), ("value", pa.float64())])
TRUTH = pa.schema(
    [
        ("number", pa.int64()),
        ("status", pa.string()),
        ("message_id", pa.string()),
        ("sent_at", TIMESTAMP),
        ("attempts", pa.int64()),
        ("id", pa.string()),
        ("key", pa.string()),
        ("event_time", TIMESTAMP),
        ("payload_sha256", pa.string()),
        ("payload_bytes", pa.int64()),
        ("fault", pa.string()),
        ("duplicate_of", pa.int64()),
        ("stage", pa.string()),
        ("rejected_by", pa.list_(pa.string())),
        ("inputs", INPUTS),
    ]
)
"""What a truth file says of messages, where none has a state."""
RUN = Run(TOPIC, "scenario.yaml", "job.yaml", "0123456789abcdef", 7, 100.0, 3, "avro", START, SCHEMA)


def message(number: int, **columns: Any) -> dict[str, Any]:
    """A row of `Messages`: a reading of one of three devices."""
    key, time = f"device-{number % 3}", START + timedelta(seconds=number)
    usual = {
        "number": number,
        "key": key,
        "event_time": time,
        "payload": f"payload {number}".encode(),
        "attributes": [("number", str(number))],
        "ordering_key": "",
        "rejected_by": [],
        "inputs": {"device_id": key, "event_time": time, "value": number + 0.5},
    }
    return {**usual, **columns}


def block(rows: Sequence[Mapping[str, Any]], due: float = 0.0, state: pa.StructType | None = None) -> Messages:
    """Messages that are sent together."""
    structs = [("inputs", INPUTS), *([("state", state)] if state else [])]
    return Messages(due, pa.RecordBatch.from_pylist(list(rows), schema=pa.schema([*MESSAGE, *structs])))


def blocks(count: int, size: int, **columns: Any) -> list[Messages]:
    """So many messages in blocks of `size`, all due at once."""
    rows = [message(number, **columns) for number in range(count)]
    return [block(rows[first : first + size]) for first in range(0, count, size)]


def write_files(directory: Path, message: Mapping[str, Any] | None = None, **scenario: Any) -> Path:
    """A job of two models, which are not there, and a scenario for it, without faults; the scenario's path."""
    (directory / "reading.avsc").write_text(json.dumps(SCHEMA))
    says = {"format": "avro", "schema": "reading.avsc", "key": "device_id", "event_time": "event_time"}
    outputs = {"output_0": "prediction"}
    job = {
        "message": {**says, **(message or {})},
        "window": {"fixed": "60s"},
        "features": {"x": "value"},
        "models": {name: {"path": f"models/{name}", "outputs": outputs} for name in ("times5", "times10")},
    }
    (directory / "job.yaml").write_text(yaml.safe_dump(job))
    fleet = {"job": "job.yaml", "signals": {"value": {"uniform": [1, 1000], "digits": 2}}, **scenario}
    (directory / "scenario.yaml").write_text(yaml.safe_dump(fleet))
    return directory / "scenario.yaml"
