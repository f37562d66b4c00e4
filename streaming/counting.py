"""What is counted of a batch when it has come in, and when every sink has taken it; once a batch."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from streaming import metrics
from streaming.batches import TIMESTAMP, Batch
from streaming.redeliveries import Redeliveries
from streaming.registry import shared
from streaming.tally import MOST_REASONS, Reason
from streaming.wiring import ModelPlan


def came_in(batch: Batch) -> None:
    """Count a batch of messages as Decode has made it."""
    decoded(batch)
    ids = [each for part in (batch.rows, batch.failures) for each in part.column("message_id").to_pylist() if each]
    metrics.count(metrics.REDELIVERIES, shared("redeliveries", Redeliveries).among(ids))
    metrics.observe(metrics.QUEUE_MS, _waits(batch, "publish_time"))


def decoded(batch: Batch) -> None:
    """Count a batch as Decode has made it, of messages or of stored records, which wait in no queue."""
    metrics.count(metrics.DECODED, len(batch))
    parts = [part for part in (batch.rows, batch.failures) if part.num_rows]
    sizes = [pc.sum(pc.binary_length(part.column("payload"))).as_py() for part in parts]
    metrics.count(metrics.MESSAGE_BYTES, sum(sizes))


def taken(batch: Batch, models: Sequence[ModelPlan], *, stored: bool = False) -> None:
    """Count a batch that every sink has answered for.

    Stored records have waited for nobody: their latency is counted from when they were read, and their event lag not.
    """
    now = pa.scalar(time.time_ns() // 1000, TIMESTAMP)
    for model in models:
        answers = batch.column(model.column)
        metrics.count(metrics.PREDICTIONS, len(answers) - answers.null_count, model.name)
    _dead_letters(batch.failures, models, now.value / 1_000_000)
    since_read = _milliseconds(now, batch.column("read_at"))
    metrics.count(metrics.BATCH_MS, int(since_read.max(initial=0.0)))
    metrics.observe(metrics.LATENCY_MS, since_read if stored else _milliseconds(now, batch.column("publish_time")))
    if not stored:
        metrics.observe(metrics.EVENT_LAG_MS, _waits(batch, "event_time"))
    metrics.tell_aside()


def _dead_letters(failures: pa.RecordBatch, models: Sequence[ModelPlan], at: float) -> None:
    counts = dict.fromkeys([*metrics.STAGES, *(model.stage for model in models)], 0)
    counts |= {each["values"]: each["counts"] for each in failures.column("stage").value_counts().to_pylist()}
    for stage, amount in counts.items():
        metrics.count(metrics.DEAD_LETTERS, amount, stage)
    latest = failures.select(["stage", "error_class", "error_message"]).slice(max(0, failures.num_rows - MOST_REASONS))
    metrics.remember([Reason(row["stage"], row["error_class"], row["error_message"], at) for row in latest.to_pylist()])


def _waits(batch: Batch, since: str) -> np.ndarray:
    """Milliseconds from a column of times until the rows were read."""
    return _milliseconds(batch.column("read_at"), batch.column(since))


def _milliseconds(end: pa.Array | pa.Scalar, start: pa.Array) -> np.ndarray:
    """Spans of time, where they are known; a negative one, as by a clock that is ahead, is none."""
    micros = pc.subtract(end, start).drop_null().view(pa.int64()).to_numpy()
    return np.maximum(micros, 0) / 1000
