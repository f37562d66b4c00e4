"""Failures, for the tests of what becomes of them."""

from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from streaming.batches import ENVELOPE, FAILURE, Batch, Failure

NOW = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
FAILED: dict[str, Any] = {
    "id": "id-1",
    "message_id": "4711",
    "publish_time": NOW,
    "key": "device-1",
    "event_time": None,
    "attributes": [("site", "north"), ("unit", "°C")],
    "payload": b'{"x": 1}',
    "stage": "infer:times5",
    "error_class": "InvalidArgumentError",
    "error_message": "not a number",
    "model": "times5",
    "stacktrace": "Traceback",
}
EVENT = Batch(pa.RecordBatch.from_pylist([], schema=ENVELOPE)).with_events(
    [Failure("generation", "GenerationRefusedError", "generation 2: no variables", "times5")]
)


def failures(*changes: dict[str, Any]) -> pa.RecordBatch:
    """A failure for each change: `FAILED`, but for that."""
    return pa.RecordBatch.from_pylist([FAILED | change for change in changes], schema=FAILURE)
