"""Every metric of the job: name, unit, meaning. Each is a Beam metric, and a plain number in this process.

Beam's counters reach the runner (Dataflow, Cloud Monitoring) with the bundle; the numbers of this process serve
`pubsub-inference run`, whose workers run in the process that shows them. Counting is done once a batch, never once a
message.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache

import numpy as np
from apache_beam.metrics.metric import Metrics

NAMESPACE = "pubsub_inference"


class Kind(Enum):
    """How figures of a metric are summed up."""

    COUNTER = "counter"
    HISTOGRAM = "histogram"  # a counter for each bucket, `<name>_bucket_<bound>` and `_bucket_above`, and `<name>_sum`


@dataclass(frozen=True)
class Metric:
    """A metric. With `per`, there is one for each model or stage: `<name>_<model>`."""

    name: str
    kind: Kind
    unit: str
    meaning: str
    per: str | None = None
    bounds: tuple[int, ...] = ()


READ = Metric("messages_read", Kind.COUNTER, "messages", "messages taken up by Decode, redeliveries included")
BATCH_SIZE = Metric("batch_size", Kind.HISTOGRAM, "messages", "messages in a batch", bounds=(1, 10, 100, 1000))
PREDICTIONS = Metric("predictions", Kind.COUNTER, "predictions", "predictions that every sink took", per="model")
DEAD_LETTERS = Metric("dead_letters", Kind.COUNTER, "dead letters", "dead letters that every sink took", per="stage")
UNTAKEN = Metric("messages_untaken", Kind.COUNTER, "messages", "messages that no model takes, by their `when`")
MODEL_CALLS = Metric("model_calls", Kind.COUNTER, "calls", "calls of a model, in search of blame included", per="model")
MODEL_HALVINGS = Metric(
    "model_halvings", Kind.COUNTER, "halvings", "rows halved after a failed call, to find the guilty", per="model"
)
BLAMED_ROWS = Metric("blamed_rows", Kind.COUNTER, "rows", "rows found guilty of a failed call", per="model")
MODEL_FAILURES = Metric(
    "model_failures", Kind.COUNTER, "batches", "batches for every row of which a model failed", per="model"
)
ABANDONED_CALLS = Metric("abandoned_calls", Kind.COUNTER, "calls", "calls that lasted too long", per="model")
REMOTE_RETRIES = Metric("remote_retries", Kind.COUNTER, "requests", "requests sent again to a service", per="model")
GENERATION_SWAPS = Metric("generation_swaps", Kind.COUNTER, "swaps", "new generations taken up", per="model")
GENERATIONS_REFUSED = Metric(
    "generations_refused", Kind.COUNTER, "generations", "new generations that were refused", per="model"
)
LATENCY = Metric(
    "latency_ms",
    Kind.HISTOGRAM,
    "milliseconds",
    "from a message's publish time until the sinks have answered for it",
    bounds=(100, 300, 1000, 3000, 10_000, 30_000),
)
METRICS = (
    READ,
    BATCH_SIZE,
    PREDICTIONS,
    DEAD_LETTERS,
    UNTAKEN,
    MODEL_CALLS,
    MODEL_HALVINGS,
    BLAMED_ROWS,
    MODEL_FAILURES,
    ABANDONED_CALLS,
    REMOTE_RETRIES,
    GENERATION_SWAPS,
    GENERATIONS_REFUSED,
    LATENCY,
)


def count(metric: Metric, amount: int, label: str | None = None) -> None:
    """Add `amount` to a counter; `label` names the model or stage of a metric that has one for each."""
    if amount:
        suffix = "" if label is None else "_" + label.replace(":", "_")
        _counter(metric.name + suffix).inc(amount)
        _here.count(metric.name, amount)


def observe(metric: Metric, figures: Sequence[int] | np.ndarray) -> None:
    """Add figures to a histogram."""
    values = np.asarray(figures, np.int64)
    names = [f"{metric.name}_bucket_{bound}" for bound in (*metric.bounds, "above")]
    buckets, amounts = np.unique(np.searchsorted(metric.bounds, values), return_counts=True)
    for bucket, amount in zip(buckets.tolist(), amounts.tolist(), strict=True):
        _counter(names[bucket]).inc(amount)
    _counter(f"{metric.name}_sum").inc(int(values.sum()))
    _here.observe(metric.name, values)


@cache
def _counter(name: str) -> Metrics.DelegatingCounter:
    return Metrics.counter(NAMESPACE, name)


FINE_BOUNDS_MS = np.unique(np.geomspace(1, 3_600_000, 160).astype(np.int64))
"""Upper bounds of this process's own histogram, 10 % apart: fine enough to show a p99."""


class _Here:
    """The figures of this process, over all threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._totals: Counter[str] = Counter()
        self._latency = np.zeros(len(FINE_BOUNDS_MS) + 1, np.int64)
        self.ready = threading.Event()

    def count(self, name: str, amount: int) -> None:
        with self._lock:
            self._totals[name] += amount

    def observe(self, name: str, values: np.ndarray) -> None:
        if name == LATENCY.name:
            buckets = np.searchsorted(FINE_BOUNDS_MS, values)
            with self._lock:
                self._latency += np.bincount(buckets, minlength=len(self._latency))

    def snapshot(self) -> dict[str, object]:
        with self._lock:
            totals, latency = dict(self._totals), self._latency.tolist()
        bounds = [*(FINE_BOUNDS_MS / 1000).tolist(), None]
        filled = [[bound, amount] for bound, amount in zip(bounds, latency, strict=True) if amount]
        return {name: totals.get(name, 0) for name in _SHOWN} | {"latency": filled}


_SHOWN = (READ.name, PREDICTIONS.name, DEAD_LETTERS.name)
_here = _Here()


def snapshot() -> Mapping[str, object]:
    """This process's totals since its start.

    `messages_read`, `predictions` and `dead_letters` are numbers; `latency` is a list of [upper bound in seconds or
    None, messages], for the buckets that hold any.
    """
    return _here.snapshot()


def mark_ready() -> None:
    """Say that models are loaded and messages are being read."""
    _here.ready.set()


def ready() -> bool:
    """Whether models are loaded and messages are being read in this process."""
    return _here.ready.is_set()
