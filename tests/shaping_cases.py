"""Contracts, and records of stored data, for the tests of how records become batches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import pyarrow as pa
from google.pubsub_v1.types import PubsubMessage

from streaming.batches import Batch
from streaming.decode import Decoder
from streaming.job import Message
from streaming.schema import MessageSchema
from streaming.stored.records import EXAMPLE, PAYLOAD, Form, Records
from streaming.stored.shaper import Shaper
from streaming.wiring import Contract, FeatureColumn, ModelPlan

PUBLISHED = 1_772_366_400_250_000  # 2026-03-01T12:00:00.25Z
ORIGINS = {"avro": "gs://b/part-0.avro", "json": "gs://b/part-0.ndjson"}


def contract(
    schema: MessageSchema,
    features: Sequence[FeatureColumn] = (),
    models: Sequence[ModelPlan] = (),
    **message: Any,
) -> Contract:
    """A job with messages of this schema; `message` as in a job file, by default JSON with the key `device_id`."""
    says = {"format": "json", "schema": "reading.avsc", "key": "device_id"} | message
    return Contract(
        Message.model_validate(says), schema, timedelta(minutes=1), tuple(features), tuple(models), "0123456789abcdef"
    )


def of_payloads(payloads: Sequence[bytes], encoding: str) -> Records:
    """Payloads as a file of that encoding has them."""
    rows = pa.RecordBatch.from_arrays([pa.array(payloads, pa.large_binary())], [PAYLOAD])
    return Records(ORIGINS[encoding], 1, PUBLISHED, rows)


def of_rows(columns: Mapping[str, Any], **rest: Any) -> Records:
    """Rows of a Parquet file."""
    return Records("gs://b/part-0.parquet", 1, PUBLISHED, pa.RecordBatch.from_pydict(dict(columns)), **rest)


def of_examples(examples: Sequence[bytes], **rest: Any) -> Records:
    """Records of a TFRecord file."""
    rows = pa.RecordBatch.from_arrays([pa.array(examples, pa.large_binary())], [EXAMPLE])
    return Records("gs://b/part-0.tfrecord", 1, PUBLISHED, rows, **rest)


def clock() -> int:
    """When everything is read, in nanoseconds."""
    return PUBLISHED * 1000


def shaped(job: Contract, form: Form, records: Records) -> Batch:
    """What becomes of the records."""
    return Shaper(job, form, clock)(records)


def streamed(job: Contract, payloads: Sequence[bytes], encoding: str, origin: str) -> Batch:
    """What the stream makes of the payloads, were their message ids and publish times those of records of `origin`."""
    published = {"seconds": PUBLISHED // 10**6, "nanos": PUBLISHED % 10**6 * 1000}
    messages = [
        PubsubMessage(data=payload, message_id=f"{origin}#{number}", publish_time=published)
        for number, payload in enumerate(payloads, 1)
    ]
    message = job.message
    decode = Decoder(job.schema, "avro" if encoding == "avro" else "json", message.key, message.id, clock)
    return decode([bytes(PubsubMessage.serialize(each)) for each in messages])


def table(batch: Batch, without: Sequence[str] = ()) -> list[dict[str, Any]]:
    """The rows as Python has them."""
    return batch.rows.select([name for name in batch.rows.schema.names if name not in without]).to_pylist()


def reasons(batch: Batch) -> list[tuple[str, str, str, str]]:
    """Each failure's message id, stage, class and message."""
    names = ["message_id", "stage", "error_class", "error_message"]
    return [tuple(row[name] for name in names) for row in batch.failures.select(names).to_pylist()]
