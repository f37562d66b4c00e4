"""Looks at a job, made by hand: one that is well, one with every kind of trouble, and one of which nothing is known."""

from __future__ import annotations

from datetime import timedelta

from streaming.monitoring.report import JobHeader, Missing, Reason, Report, Said
from streaming.monitoring.verdict import judge
from tests.monitoring_points import JOB, NOW, OLDEST, UNACKED, HandMade, Values, known_of, steady

HEADER = JobHeader(
    "readings",
    "2026-03-01_01_00_00-1234567890123456789",
    "my-project, us-central1",
    "running",
    NOW - timedelta(hours=3),
    "https://console.cloud.google.com/dataflow/jobs/us-central1/1?project=my-project",
    ("times5", "times10"),
)


def report_of(source: HandMade, **others: object) -> Report:
    known = known_of(source)
    return Report(HEADER, known, judge(known), **others)  # type: ignore[arg-type]


def healthy() -> Report:
    source = _working().add(UNACKED, steady(0, 42)).add(OLDEST, steady(0, 1.5))
    return report_of(source, workers=3, dead_letters=dict.fromkeys(["decode", "infer_times5"], 0))


def troubled() -> Report:
    source = _working().add(UNACKED, steady(700, 100)).add(OLDEST, _late(steady(10, 100)))
    source.add("dead_letters_infer_times5", steady(10)).add("sink_retries_table", steady(1))
    source.add("sink_refusals_table", steady(2)).add("sink_refusals_dead_letters", steady(0))
    source.add("generations_refused_times10", [(5.0, 1.0), (1.0, 1.0)])
    source.add("latency_ms_bucket_above", steady(900))
    message = "the payload ends after 12 of 40 bytes\x1b[31m, and more is to be said of it: \u202efdp\nat length"
    reasons = (
        Reason(NOW - timedelta(seconds=49), "decode", "AvroError", message),
        Reason(NOW - timedelta(days=2), "infer:times5", "NonFinitePredictionError", "NaN"),
    )
    said = (Said(NOW, True, "Root mean\nsquare"), Said(NOW - timedelta(hours=1), False, "a worker is short of memory"))
    missing = (
        Missing("Cloud Monitoring", "permission denied; grant roles/monitoring.viewer", NOW - timedelta(minutes=3)),
        Missing("the job's messages", "the service is unavailable"),
    )
    letters = {"infer_times5": 300, "decode": 1012, "publish": 0}
    return report_of(source, workers=3, dead_letters=letters, reasons=reasons, said=said, missing=missing)


def unknown() -> Report:
    why = "Cloud Monitoring does not answer"
    source = HandMade(dict.fromkeys([f"{JOB}/user_counter", f"{JOB}/elapsed_time", UNACKED], why))
    known = known_of(source)
    return Report(JobHeader("readings", "1", "p, r", "starting", None), known, judge(known))


def _late(values: Values) -> Values:
    """The same, two minutes later."""
    return [(minutes + 2, value) for minutes, value in values]


def _working() -> HandMade:
    source = HandMade().add("messages_read", steady(6000)).add("message_bytes", steady(6000 * 123))
    source.add("batch_size_sum", steady(6000)).add("batch_size_bucket_100", steady(60)).add(
        "batch_ms_sum", steady(4000)
    )
    source.add("latency_ms_bucket_1000", steady(5000)).add("queue_ms_bucket_1000", steady(5000))
    source.add(f"{JOB}/elapsed_time", steady(60)).add(f"{JOB}/is_failed", steady(0))
    source.add(f"{JOB}/data_watermark_age", steady(0, 12)).add(f"{JOB}/current_num_vcpus", steady(0, 12))
    for model, share in (("times5", 3000), ("times10", 400)):
        source.add(f"predictions_{model}", steady(5900)).add(f"model_ms_{model}_sum", steady(share))
        source.add(f"model_ms_{model}_bucket_10", steady(200)).add(f"model_ms_{model}_bucket_above", steady(10))
    return source
