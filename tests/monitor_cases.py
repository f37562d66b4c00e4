"""A job on Dataflow as all services tell of it, for the tests of what watches it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.cloud.dataflow_v1beta3 import AutoscalingEvent, JobState, MetricStructuredName, MetricUpdate

from tests.bigquery_rest_server import BigQueryRestServer, Reply
from tests.dataflow_cases import dataflow_server
from tests.dataflow_lives import RUNNING, Life, Said
from tests.dataflow_server import DataflowServer
from tests.time_series_server import DATAFLOW, PUBSUB, TimeSeriesServer, time_series_server

UNACKED = f"{PUBSUB}/num_unacked_messages_by_region"
OLDEST = f"{PUBSUB}/oldest_unacked_message_age_by_region"
COUNTER = f"{DATAFLOW}/user_counter"
WATERMARK = f"{DATAFLOW}/data_watermark_age"
VCPUS = f"{DATAFLOW}/current_num_vcpus"

SUBSCRIPTION = "projects/my-project/subscriptions/readings-sub"
TABLE = "my-project:iot.predictions_error_records"
DISPLAY = {"input_subscription": SUBSCRIPTION, "output_deadletter_table": TABLE, "models": "times5, times10"}

PER_MINUTE = {
    "messages_read": 6000.0,
    "message_bytes": 600_000.0,
    "batch_size_bucket_100": 30.0,
    "batch_size_bucket_above": 30.0,
    "batch_size_sum": 6000.0,
    "queue_ms_bucket_1000": 6000.0,
    "latency_ms_bucket_1000": 5940.0,
    "latency_ms_bucket_3000": 60.0,
    "batch_ms_sum": 60_000.0,
    "predictions_times5": 6000.0,
    "predictions_times10": 6000.0,
    "model_ms_times5_bucket_10": 60.0,
    "model_ms_times5_sum": 600.0,
    "model_ms_times10_bucket_100": 60.0,
    "model_ms_times10_sum": 5000.0,
    "dead_letters_decode": 6.0,
}
"""What the job counts in a minute when it is well."""


@dataclass
class Cloud:
    """The services, and the job that they tell of."""

    dataflow: DataflowServer
    monitoring: TimeSeriesServer
    bigquery: BigQueryRestServer
    now: datetime

    def add(self, state: JobState = RUNNING, *, name: str = "readings", hours: float = 2, **life: Any) -> str:
        """The job, by its id; it shows what ours show, and has been running for so long."""
        shown = {"display": DISPLAY, "events": [workers(self.now, 3)], **life}
        return self.dataflow.add(name, Life(states=[state], **shown), created=self.now - timedelta(hours=hours))

    def write_counters(self, job_id: str, per_minute: Mapping[str, float] = PER_MINUTE, lag: float = 1.0) -> None:
        """Its counters, which have grown by so much a minute; the last point is `lag` minutes old."""
        for name, amount in per_minute.items():
            labels = {"job_id": job_id, "metric_name": name, "ptransform": "Decode"}
            values = [(at, 1_000_000 + amount * minute) for minute, at in enumerate(self._minutes(lag))]
            self.monitoring.write(COUNTER, values, labels, job_name="readings", region="europe-west4")

    def write_gauge(self, job_id: str, metric: str, values: Sequence[float], lag: float = 1.0) -> None:
        """A gauge of the job, with these values at the last minutes."""
        points = list(zip(self._minutes(lag)[-len(values) :], values, strict=True))
        self.monitoring.write(metric, points, {"job_id": job_id}, job_name="readings", region="europe-west4")

    def write_subscription(self, metric: str, values: Sequence[int], lag: float = 1.0) -> None:
        """A gauge of the subscription in one region, with these values at the last minutes."""
        points = list(zip(self._minutes(lag)[-len(values) :], values, strict=True))
        self.monitoring.write(metric, points, {"region": "europe-west4"}, subscription_id="readings-sub")

    def write_healthy(self, job_id: str, **counters: float) -> None:
        """All time series of a job that is well, but for these counters."""
        self.write_counters(job_id, PER_MINUTE | counters)
        self.write_gauge(job_id, WATERMARK, [4] * 30)
        self.write_gauge(job_id, VCPUS, [12] * 30)
        self.write_subscription(UNACKED, [40] * 30)
        self.write_subscription(OLDEST, [2] * 30)

    def _minutes(self, lag: float) -> list[datetime]:
        """The ends of the last thirty minutes, in order."""
        return [self.now - timedelta(minutes=lag + back) for back in range(29, -1, -1)]


@contextmanager
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    """Servers that the clients of this process speak to."""
    monkeypatch.setattr("streaming.service_errors.PATIENCE_SECONDS", 0.05)
    with ExitStack() as stack:
        bigquery = stack.enter_context(BigQueryRestServer())
        bigquery.otherwise = reasons()
        monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", bigquery.host)
        dataflow = stack.enter_context(dataflow_server(monkeypatch))
        monitoring = stack.enter_context(time_series_server(monkeypatch))
        yield Cloud(dataflow, monitoring, bigquery, datetime.now(UTC).replace(microsecond=0))


def workers(at: datetime, number: int) -> AutoscalingEvent:
    """The job has so many workers from then on."""
    changed = AutoscalingEvent.AutoscalingEventType.CURRENT_NUM_WORKERS_CHANGED
    return AutoscalingEvent(time=at - timedelta(minutes=30), current_num_workers=number, event_type=changed)


def said(text: str, importance: Any, minutes: float, hours: float = 2) -> Said:
    """What a job that began so many hours ago has said some minutes ago."""
    return Said(text, importance, after=timedelta(hours=hours) - timedelta(minutes=minutes))


def counter(name: str, value: float, step: str = "Decode", *, tentative: bool = False, **context: str) -> MetricUpdate:
    """A counter as Dataflow's Metrics service tells it."""
    labels = {"namespace": "pubsub_inference", "step": step, **context} | ({"tentative": "true"} if tentative else {})
    return MetricUpdate(name=MetricStructuredName(origin="user", name=name, context=labels), kind="Sum", scalar=value)


def reasons(*rows: tuple[datetime, str, str, str]) -> Reply:
    """The answer of BigQuery to the query for the latest dead letters."""
    kinds = {"latest": "TIMESTAMP", "stage": "STRING", "error_class": "STRING", "message": "STRING"}
    fields = [{"name": name, "type": kind} for name, kind in kinds.items()]
    cells = [[str(int(at.timestamp() * 1_000_000)), *texts] for at, *texts in rows]
    found = [{"f": [{"v": cell} for cell in row]} for row in cells]
    place = {"projectId": "my-project", "jobId": "query", "location": "EU"}
    answer = {"jobComplete": True, "jobReference": place, "totalRows": str(len(rows)), "schema": {"fields": fields}}
    return Reply({**answer, "rows": found})
