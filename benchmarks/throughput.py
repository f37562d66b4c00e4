"""How fast the whole job is here, with all messages waiting: emulators, Prism, one worker.

    python -m benchmarks.throughput --messages 200000 --fields 20

Prints messages a second, CPU microseconds a message of the Python process (clients included) and of Prism, and the
process's memory. Emulators and job share this machine's cores: trust the CPU figures more than the rate.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import fastavro
import psutil

from streaming.local.emulators import BigQueryEmulator, PubSubEmulator
from streaming.local.live import Live
from streaming.local.supervisor import supervise

PROJECT = "benchmark"
TOPIC = f"projects/{PROJECT}/topics/readings"
SUBSCRIPTION = f"projects/{PROJECT}/subscriptions/readings"
TABLE = f"{PROJECT}.benchmark.predictions"


@dataclass(frozen=True)
class Sample:
    """The worker at one moment."""

    time: float
    messages: int
    worker_cpu: float
    prism_cpu: float
    memory: int


class Recorder(Live):
    """The live line, which keeps a sample of each second and ends the job when all messages are through."""

    def __init__(self, messages: int) -> None:
        super().__init__()
        self.samples: list[Sample] = []
        self._messages = messages

    def update(self, worker: int, snapshot: Mapping[str, Any]) -> None:
        super().update(worker, snapshot)
        counted = self.job.totals.counted()
        through = sum((*counted.beginning("predictions_").values(), *counted.beginning("dead_letters_").values()))
        if self.samples and self.samples[-1].messages >= self._messages:
            return  # the worker is ending: its figures are no longer those of the job
        self.samples.append(_sample(through))
        if through >= self._messages:
            os.kill(os.getpid(), signal.SIGTERM)


def _sample(messages: int) -> Sample:
    (worker,) = (
        child for child in psutil.Process().children() if "streaming.local.worker" in " ".join(child.cmdline())
    )
    prisms = [child for child in worker.children() if "prism" in child.name()]
    cpu = worker.cpu_times()
    prism_cpu = sum(times.user + times.system for times in (each.cpu_times() for each in prisms))
    return Sample(time.monotonic(), messages, cpu.user + cpu.system, prism_cpu, worker.memory_info().rss)


def main() -> int:
    """Run the benchmark that the command line describes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=200_000)
    parser.add_argument("--fields", type=int, default=20)
    parser.add_argument("--output_topic", action="store_true", help="publish the predictions, too")
    arguments = parser.parse_args()
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for emulator in (PubSubEmulator(), BigQueryEmulator()):
            os.environ.update(stack.enter_context(emulator).environment())
        write_job(directory, arguments.fields)
        make_resources()
        publish(arguments.messages, arguments.fields)
        recorder = Recorder(arguments.messages)
        flags = [f"--job_file={directory}/job.yaml", f"--input_subscription={SUBSCRIPTION}", f"--output_table={TABLE}"]
        flags += [f"--output_topic=projects/{PROJECT}/topics/predictions"] if arguments.output_topic else []
        code = supervise([*flags, "--runner=PrismRunner"], 1, recorder)
        calls = model_calls()
    report(recorder.samples, arguments.messages, calls)
    return code


def schema(fields: int) -> dict[str, Any]:
    """Of a reading with so many numbers."""
    names = [{"name": f"f{number}", "type": "double"} for number in range(fields)]
    time_type = {"type": "long", "logicalType": "timestamp-micros"}
    head = [{"name": "device_id", "type": "string"}, {"name": "event_time", "type": time_type}]
    return {"type": "record", "name": "Reading", "fields": [*head, *names]}


def save_model(directory: Path, fields: int) -> None:
    """A model that weighs the numbers."""
    import tensorflow as tf

    class Weigh(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weights = tf.Variable(tf.ones([fields, 1]))

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "examples")])
        def serve(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
            parsed = tf.io.parse_example(
                examples, {f"f{number}": tf.io.FixedLenFeature([1], tf.float32) for number in range(fields)}
            )
            return {"score": tf.concat([parsed[f"f{number}"] for number in range(fields)], 1) @ self.weights}

    module = Weigh()
    tf.saved_model.save(module, str(directory), signatures={"serving_default": module.serve})


def write_job(directory: Path, fields: int) -> None:
    """A job file, its schema, and its model."""
    save_model(directory / "weigh", fields)
    (directory / "reading.avsc").write_text(json.dumps(schema(fields)))
    features = "\n".join(f"  f{number}: f{number}" for number in range(fields))
    (directory / "job.yaml").write_text(
        "message: {format: avro, schema: reading.avsc, key: device_id, event_time: event_time}\n"
        f"window: {{fixed: 60s}}\nfeatures:\n{features}\nmodels:\n  weigh: {{path: weigh}}\n"
    )


def make_resources() -> None:
    """Topics, subscription, dataset."""
    from google.cloud.bigquery import Dataset

    from streaming.endpoints import bigquery_client, publisher_client, subscriber_client

    bigquery_client(PROJECT).create_dataset(Dataset(f"{PROJECT}.benchmark"))
    with publisher_client() as publisher, subscriber_client() as subscriber:
        publisher.create_topic(name=TOPIC)
        publisher.create_topic(name=f"projects/{PROJECT}/topics/predictions")
        subscriber.create_subscription(name=SUBSCRIPTION, topic=TOPIC)


def publish(messages: int, fields: int) -> None:
    """All messages, before the job starts."""
    from streaming.endpoints import publisher_client

    parsed, rng, now = fastavro.parse_schema(schema(fields)), random.Random(1), datetime.now(UTC)
    with publisher_client() as publisher:
        for start in range(0, messages, 1000):
            payloads = []
            for number in range(start, min(start + 1000, messages)):
                buffer = io.BytesIO()
                values = {f"f{field}": rng.random() for field in range(fields)}
                record = {"device_id": f"device-{number % 1000:04}", "event_time": now, **values}
                fastavro.schemaless_writer(buffer, parsed, record)
                payloads.append({"data": buffer.getvalue()})
            publisher.publish(topic=TOPIC, messages=payloads)


def model_calls() -> int:
    """How many batches the model was called with."""
    from streaming.endpoints import bigquery_client

    query = f"SELECT COUNT(DISTINCT processed_at) AS calls FROM `{TABLE}`"
    (row,) = bigquery_client(PROJECT).query(query).result()
    return int(row.calls)


def report(samples: list[Sample], messages: int, calls: int) -> None:
    """The figures between the first second in which anything came through and the last."""
    moving = [sample for sample in samples if sample.messages]
    if len(moving) < 2:
        print("too few messages for a figure; give more")
        return
    first, last = moving[0], moving[-1]
    through = last.messages - first.messages
    print(f"messages            {messages}, {through} of them measured")
    print(f"batch size          {messages / calls:.0f} messages on average")
    print(f"rate                {through / (last.time - first.time):,.0f} messages a second")
    print(f"Python CPU          {(last.worker_cpu - first.worker_cpu) / through * 1e6:.1f} us a message")
    print(f"Prism CPU           {(last.prism_cpu - first.prism_cpu) / through * 1e6:.1f} us a message")
    print(f"memory (RSS)        {samples[0].memory / 1e6:,.0f} MB when ready, {last.memory / 1e6:,.0f} MB at the end")


if __name__ == "__main__":
    sys.exit(main())
