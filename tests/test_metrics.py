"""Metrics: each has a name of its own, and counts both in Beam and in this process."""

import itertools
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import apache_beam as beam
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from streaming import metrics
from streaming.metrics import BATCH_SIZE, DEAD_LETTERS, LATENCY, METRICS, MODEL_CALLS, PREDICTIONS, READ, Kind, Metric

OWN = Path(metrics.__file__)
OTHER_SOURCES = {file: file.read_text() for file in OWN.parent.rglob("*.py") if file != OWN}


@pytest.fixture(autouse=True)
def _from_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "_here", metrics._Here())


def counters(metric: Metric) -> list[str]:
    """The names of a metric's counters in Beam."""
    if metric.kind is Kind.COUNTER:
        return [f"{metric.name}_a" if metric.per else metric.name]
    return [*(f"{metric.name}_bucket_{bound}" for bound in (*metric.bounds, "above")), f"{metric.name}_sum"]


def test_names_are_unique_and_everything_is_said_of_each() -> None:
    names = [name for metric in METRICS for name in counters(metric)]
    assert len(set(names)) == len(names)
    listed = {value for value in vars(metrics).values() if isinstance(value, Metric)}
    assert set(METRICS) == listed
    for metric in METRICS:
        assert metric.unit
        assert metric.meaning
        assert (metric.bounds != ()) == (metric.kind is Kind.HISTOGRAM)
        assert list(metric.bounds) == sorted(set(metric.bounds))


def test_each_is_used_somewhere() -> None:
    used = {name for text in OTHER_SOURCES.values() for name in re.findall(r"\bmetrics\.([A-Z_]+)\b", text)}
    assert used - {"NAMESPACE"} == {name for name, value in vars(metrics).items() if isinstance(value, Metric)}


def test_none_is_made_elsewhere() -> None:
    made = re.compile(r"\bMetric\(|\bMetrics\.\w|\b(?:apache_beam|beam)\.metrics\b")
    assert made.search(OWN.read_text())
    assert [file for file, text in OTHER_SOURCES.items() if made.search(text)] == []


class _Count(beam.DoFn):
    def process(self, element: int) -> Iterator[int]:
        metrics.count(READ, element)
        metrics.count(READ, 0)
        metrics.count(DEAD_LETTERS, 2, "infer:times5")
        metrics.count(DEAD_LETTERS, 3, "decode")
        metrics.observe(BATCH_SIZE, [1, 2, 10, 11, 1000, 1001])
        metrics.observe(LATENCY, [])
        yield element


def test_counters_and_the_buckets_of_histograms_reach_beam() -> None:
    pipeline = beam.Pipeline(runner=FnApiRunner())
    _ = pipeline | beam.Create([10, 32], reshuffle=False) | beam.ParDo(_Count())
    result = pipeline.run()
    result.wait_until_finish()
    counted = result.metrics().query(beam.metrics.MetricsFilter().with_namespace(metrics.NAMESPACE))["counters"]
    assert {each.key.metric.name: each.committed for each in counted} == {
        "messages_read": 42,
        "dead_letters_infer_times5": 4,
        "dead_letters_decode": 6,
        "batch_size_bucket_1": 2,
        "batch_size_bucket_10": 4,
        "batch_size_bucket_100": 2,
        "batch_size_bucket_1000": 2,
        "batch_size_bucket_above": 2,
        "batch_size_sum": 2 * 2025,
        "latency_ms_sum": 0,
    }


def test_the_snapshot_has_the_totals_of_this_process() -> None:
    assert metrics.snapshot() == {"messages_read": 0, "predictions": 0, "dead_letters": 0, "latency": []}
    metrics.count(READ, 5)
    metrics.count(PREDICTIONS, 3, "a")
    metrics.count(PREDICTIONS, 4, "b")
    metrics.count(DEAD_LETTERS, 1, "decode")
    metrics.count(MODEL_CALLS, 9, "a")
    metrics.observe(BATCH_SIZE, [5])
    metrics.observe(LATENCY, [0, 1, 2, 3_600_000, 3_600_001])
    assert metrics.snapshot() == {
        "messages_read": 5,
        "predictions": 7,
        "dead_letters": 1,
        "latency": [[0.001, 2], [0.002, 1], [3600.0, 1], [None, 1]],
    }


def test_the_bounds_of_this_process_are_a_tenth_apart() -> None:
    bounds = metrics.FINE_BOUNDS_MS.tolist()
    assert (bounds[0], bounds[-1]) == (1, 3_600_000)
    assert all(after <= 1.1 * before + 1 for before, after in itertools.pairwise(bounds))


def test_several_threads_count() -> None:
    def work() -> None:
        for _ in range(500):
            metrics.count(READ, 1)
            metrics.observe(LATENCY, [1])

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert metrics.snapshot() == {
        "messages_read": 2000,
        "predictions": 0,
        "dead_letters": 0,
        "latency": [[0.001, 2000]],
    }


def test_it_is_ready_once_it_says_so() -> None:
    assert not metrics.ready()
    metrics.mark_ready()
    assert metrics.ready()
