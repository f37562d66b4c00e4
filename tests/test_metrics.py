"""Metrics: each has a name of its own, and counts both in Beam and in this process."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import apache_beam as beam
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from streaming import metrics
from streaming.metrics import (
    BATCH_SIZE,
    DEAD_LETTERS,
    LATENCY_MS,
    METRICS,
    MODEL_MS,
    READ,
    SINK_REFUSALS,
    SINK_RETRIES,
    SINKS,
    STAGES,
    Kind,
    Metric,
)
from streaming.tally import Tally
from tests.memory import counters

OWN = Path(metrics.__file__)
OTHER_SOURCES = {file: file.read_text() for file in OWN.parent.rglob("*.py") if file != OWN}
DOCS = OWN.parents[1] / "docs" / "metrics.md"
MODELS = ("a", "b", "c", "d", "e")
OF_RUN_INFERENCE = 2 + 5 * 4
"""Names that Beam adds: two counters, and five distributions that Cloud Monitoring has as _MAX, _MIN, _MEAN, _COUNT."""
OF_THROTTLING = 1
"""Beam's `cumulativeThrottlingSeconds`, of remote models."""
MOST_NAMES = 100
"""So many custom metrics Cloud Monitoring takes from Dataflow."""


@pytest.fixture(autouse=True)
def _from_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "_here", Tally())


def labels(metric: Metric, models: tuple[str, ...]) -> tuple[str | None, ...]:
    every = {"model": models, "stage": STAGES + tuple(f"infer:{model}" for model in models), "sink": SINKS}
    return every[metric.per] if metric.per else (None,)


def names(models: tuple[str, ...]) -> list[str]:
    """The names of all counters of a job with these models."""
    return [name for metric in METRICS for label in labels(metric, models) for name in metric.counters(label)]


def test_names_are_unique_and_everything_is_said_of_each() -> None:
    assert len(set(names(MODELS))) == len(names(MODELS))
    listed = {value for value in vars(metrics).values() if isinstance(value, Metric)}
    assert set(METRICS) == listed
    for metric in METRICS:
        assert metric.unit
        assert metric.meaning
        assert metric.per in (None, "model", "stage", "sink")
        assert (metric.bounds != ()) == (metric.kind is Kind.HISTOGRAM)
        assert list(metric.bounds) == sorted(set(metric.bounds))


def test_a_job_with_five_models_has_no_more_names_than_cloud_monitoring_takes() -> None:
    assert [len(names(MODELS[:number])) for number in (1, 5)] == [48, 76]
    assert len(names(MODELS)) + OF_RUN_INFERENCE + OF_THROTTLING < MOST_NAMES


def test_a_histogram_has_a_counter_for_each_bucket_and_one_for_the_sum() -> None:
    assert MODEL_MS.counters("times5") == (
        "model_ms_times5_bucket_10",
        "model_ms_times5_bucket_100",
        "model_ms_times5_bucket_above",
        "model_ms_times5_sum",
    )
    assert DEAD_LETTERS.counters("infer:times5") == ("dead_letters_infer_times5",)
    assert READ.counters() == ("messages_read",)


def test_each_is_used_somewhere() -> None:
    used = {name for text in OTHER_SOURCES.values() for name in re.findall(r"\bmetrics\.([A-Z_]+)\b", text)}
    known = {name for name, value in vars(metrics).items() if isinstance(value, Metric)}
    assert known <= used <= known | {"NAMESPACE", "STAGES", "SINKS", "METRICS"}


def test_none_is_made_elsewhere() -> None:
    made = re.compile(r"(?<!\.)\bMetric\(|\bMetrics\.\w|\b(?:apache_beam|beam)\.metrics\b")
    assert made.search(OWN.read_text())
    assert [file for file, text in OTHER_SOURCES.items() if made.search(text)] == []


def test_the_stages_are_those_that_batches_name() -> None:
    named = re.search(r"`stage` is one of ([^.]+)\.", (OWN.parent / "batches.py").read_text())
    assert named is not None
    assert set(re.findall(r"[\w:<>]+", named[1])) - {"and", "of", "an", "event"} == {*STAGES, "infer:<model>"}


def test_the_list_is_there_without_beam() -> None:
    code = (
        "import sys, streaming.metrics; print([name for name in ('apache_beam', 'tensorflow') if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"


def test_the_documentation_has_every_metric() -> None:
    rows = [
        f"| `{metric.name}{f'_<{metric.per}>' if metric.per else ''}` | {metric.kind.value} | {metric.unit} "
        f"| {metric.meaning} | {', '.join(map(str, metric.bounds))} |"
        for metric in METRICS
    ]
    assert "\n".join(rows) in DOCS.read_text()


class _Count(beam.DoFn):
    def process(self, element: int) -> Iterator[int]:
        metrics.count(READ, element)
        metrics.count(READ, 0)
        metrics.count(DEAD_LETTERS, 2, "infer:times5")
        metrics.count(DEAD_LETTERS, 0, "decode")
        metrics.observe(BATCH_SIZE, [1, 2, 100, 101, 1000])
        metrics.observe(LATENCY_MS, [])
        metrics.observe(MODEL_MS, [0.5, 9.5, 10.25], "times5")
        yield element


def test_counters_and_the_buckets_of_histograms_reach_beam_zeros_included() -> None:
    pipeline = beam.Pipeline(runner=FnApiRunner())
    _ = pipeline | beam.Create([10, 32], reshuffle=False) | beam.ParDo(_Count())
    result = pipeline.run()
    result.wait_until_finish()
    expected = {
        "messages_read": 42,
        "dead_letters_infer_times5": 4,
        "dead_letters_decode": 0,
        "batch_size_bucket_100": 6,
        "batch_size_bucket_above": 4,
        "batch_size_sum": 2 * 1204,
        "latency_ms_bucket_1000": 0,
        "latency_ms_bucket_3000": 0,
        "latency_ms_bucket_10000": 0,
        "latency_ms_bucket_30000": 0,
        "latency_ms_bucket_above": 0,
        "latency_ms_sum": 0,
        "model_ms_times5_bucket_10": 4,
        "model_ms_times5_bucket_100": 2,
        "model_ms_times5_bucket_above": 0,
        "model_ms_times5_sum": 40,
    }
    assert counters(result) == expected
    assert metrics.snapshot()["counters"] == expected


class _Tell(beam.DoFn):
    def process(self, element: int) -> Iterator[int]:
        metrics.tell_aside()
        yield element


def test_what_is_counted_aside_is_here_at_once_and_reaches_beam_with_the_next_bundle() -> None:
    metrics.count_aside(SINK_RETRIES, 2, "table")
    metrics.count_aside(SINK_RETRIES, 1, "table")
    metrics.count_aside(SINK_REFUSALS, 1, "dead_letters")
    here = {"sink_retries_table": 3, "sink_refusals_dead_letters": 1}
    assert metrics.snapshot()["counters"] == here
    for told in (here, {}):
        pipeline = beam.Pipeline(runner=FnApiRunner())
        _ = pipeline | beam.Create([1, 2], reshuffle=False) | beam.ParDo(_Tell())
        result = pipeline.run()
        result.wait_until_finish()
        zeros = {f"sink_retries_{sink}": 0 for sink in SINKS} | {"sink_refusals_dead_letters": 0}
        assert counters(result) == zeros | told
    assert metrics.snapshot()["counters"] == here


def test_it_is_ready_once_it_says_so() -> None:
    assert not metrics.ready()
    metrics.mark_ready()
    assert metrics.ready()
