"""A golden run of `examples/multiply`: the messages that go in, and all that comes out, in `golden/multiply.json`.

    python -m tests.golden > tests/golden/multiply.json

writes it anew. Look at the difference before you commit it.
"""

from __future__ import annotations

import json
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
from google.pubsub_v1.types import PubsubMessage

from producers.messages import Fault
from producers.scenario import load_scenario, with_rates
from producers.synthesis.stream import Stream
from producers.target import Target, target_of
from streaming import deadletters
from streaming.batches import FAILURE
from streaming.contract import check
from streaming.job import parse_job
from tests.builders import save_multiplier
from tests.line import run

GOLDEN = Path(__file__).parent / "golden" / "multiply.json"
START = datetime(2026, 7, 1, 12, 0, 58, tzinfo=UTC)
EXAMPLE = Path(__file__).parents[1] / "examples" / "multiply"


def golden_run(directory: Path) -> dict[str, Any]:
    """Rows, messages and dead letters of 40 readings, with every fault, on models made in `directory`."""
    for name, factor in (("times5", 5.0), ("times10", 10.0)):
        save_multiplier(directory / "models" / name, factor)
    (directory / "reading.avsc").write_bytes((EXAMPLE / "reading.avsc").read_bytes())
    job = parse_job((EXAMPLE / "job.yaml").read_text(), str(directory / "job.yaml"))
    sent = messages(target_of(job))
    outcome = run(check(job), sent[:20], sent[20:])
    failures = pa.RecordBatch.from_pylist(outcome.failures, schema=FAILURE)
    dead_letters, _ = deadletters.to_rows(failures, "multiply", START)
    return {
        "rows": [_plain(row) for row in outcome.rows],
        "messages": [
            {"data": _plain(json.loads(data)), "attributes": attributes, "key": key}
            for data, attributes, key in outcome.messages
        ],
        "dead_letters": [_plain(row) for row in dead_letters],
    }


def messages(target: Target) -> list[bytes]:
    """The serialized PubsubMessages, published half a second apart."""
    scenario = with_rates(load_scenario(str(EXAMPLE / "scenario.yaml")), dict.fromkeys(Fault, 0.05))
    stream = Stream(scenario, target, seed=2, rate=2, start=START, encoding="avro")
    return [_published(row) for block in stream(40) for row in block.rows.to_pylist()]


def _published(row: dict[str, Any]) -> bytes:
    return PubsubMessage.serialize(
        PubsubMessage(
            data=row["payload"],
            attributes=dict(row["attributes"]),
            message_id=f"message-{row['number']}",
            publish_time=START + row["number"] * timedelta(milliseconds=500),
        )
    )


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """The row as JSON holds it, without what differs from run to run."""
    varying = {"read_at", "processed_at", "model_version", "model_fingerprint"}
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in row.items()
        if name not in varying
    }


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        sys.stdout.write(json.dumps(golden_run(Path(scratch)), indent=1) + "\n")
