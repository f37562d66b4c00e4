"""Scenarios, jobs and streams for the tests of what a fleet sends."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from producers.messages import Messages
from producers.scenario import Scenario
from producers.synthesis.payloads import Encoding
from producers.synthesis.stream import Stream
from producers.target import Target
from streaming.job import Message
from streaming.schema import MessageSchema, parse_schema

REPOSITORY = Path(__file__).parent.parent
START = datetime(2026, 3, 1, 12, tzinfo=UTC)
MICROS = {"type": "long", "logicalType": "timestamp-micros"}
READING: Mapping[str, Any] = {"device_id": "string", "event_time": MICROS, "value": "double"}
"""The fields of `examples/multiply/reading.avsc`."""

FAULTS: Mapping[str, Any] = {
    "late": {"rate": 0.05, "by": ["1m", "30m"]},
    "out_of_order": {"rate": 0.05, "by": ["1s", "3s"]},
    "clock_skew": {"rate": 0.05, "by": ["10s", "2m"]},
    "duplicated": {"rate": 0.1},
    "truncated": {"rate": 0.05},
    "wrong_schema": {"rate": 0.05},
    "schema_change": {"rate": 0.05, "after": "500ms", "schema": str(REPOSITORY / "examples/multiply/reading_v2.avsc")},
    "missing_key": {"rate": 0.05},
    "out_of_range_event_time": {"rate": 0.05},
    "poison": {"rate": 0.05, "set": {"value": 1e38}, "rejected_by": ["times5", "times10"]},
}


def schema(fields: Mapping[str, Any], defaults: Mapping[str, Any] | None = None) -> MessageSchema:
    """A message schema of these fields' types."""
    listed = [{"name": name, "type": kind} for name, kind in fields.items()]
    for field in listed:
        if field["name"] in (defaults or {}):
            field["default"] = (defaults or {})[field["name"]]
    return parse_schema(json.dumps({"type": "record", "name": "Reading", "fields": listed}), "reading.avsc")


def target(of: MessageSchema, example_fields: Iterable[str] = (), **message: Any) -> Target:
    """A job without models, by default with messages as in `examples/multiply`."""
    rest = {"format": "avro", "key": "device_id", "event_time": "event_time"} | message
    return Target(Message(schema="reading.avsc", **rest), of, frozenset(example_fields), {})


def scenario(faults: Mapping[str, Any] | None = None, **parts: Any) -> Scenario:
    """Ten devices that send values; with these faults, and other parts of a scenario file."""
    usual = {"job": "job.yaml", "signals": {"value": {"uniform": [1, 1000], "digits": 2}}, "faults": faults or {}}
    return Scenario.model_validate(usual | parts)


def stream(
    of: Scenario, job: Target, *, seed: int = 7, rate: float = 1000, encoding: Encoding = "avro", **rest: Any
) -> Stream:
    return Stream(of, job, seed=seed, rate=rate, start=START, encoding=encoding, **rest)


def rows(blocks: Iterator[Messages]) -> pa.Table:
    """The rows of all blocks."""
    return pa.Table.from_batches([block.rows for block in blocks])


def fingerprint() -> str:
    """A hash over all that a stream with every fault says."""
    made = rows(stream(scenario(FAULTS), target(schema(READING)))(2000))
    return hashlib.sha256(repr(made.to_pylist()).encode()).hexdigest()
