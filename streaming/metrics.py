"""Every metric of the job: name, kind, unit, meaning. Each is a Beam counter, and a number of this process.

Beam's counters reach the runner (Dataflow, Cloud Monitoring) when their bundle has succeeded; the numbers of this
process are there at once, and serve what watches the job on this machine. Counting is done once a batch, never once a
message, and nothing is counted as zero, too: a counter that first appears with a number hides how it came to it.

A histogram is a counter for each bucket, `<name>_bucket_<upper bound>` and `<name>_bucket_above`, and `<name>_sum`.
With `per` there is one metric for each model, stage or sink: `<name>_<model>`. Names are unique without the namespace,
which Cloud Monitoring drops, and few, as `docs/metrics.md` says: so buckets are wide.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from streaming.tally import Reason, Tally

if TYPE_CHECKING:
    from apache_beam.metrics.metric import Metrics

NAMESPACE = "pubsub_inference"

STAGES = ("decode", "event_time", "to_example", "write_table", "publish", "generation")
"""The stages of dead letters, but for `infer:<model>`."""

SINKS = ("table", "topic", "dead_letters")


class Kind(Enum):
    """How figures of a metric are summed up."""

    COUNTER = "counter"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, eq=False)
class Metric:
    """A metric.

    Attributes:
        name: of its counters, up to the label.
        kind: a number, or a histogram.
        unit: of the number, or of what the histogram sorts.
        meaning: what is counted, and when.
        per: model, stage or sink, where each has its own.
        bounds: upper bounds of a histogram's buckets.
    """

    name: str
    kind: Kind
    unit: str
    meaning: str
    per: str | None = None
    bounds: tuple[int, ...] = ()

    def counters(self, label: str | None = None) -> tuple[str, ...]:
        """The names of its counters; `label` is the model, stage or sink. A histogram's sum is the last."""
        name = self.name if label is None else f"{self.name}_{label.replace(':', '_')}"
        if self.kind is Kind.COUNTER:
            return (name,)
        return (*(f"{name}_bucket_{bound}" for bound in (*self.bounds, "above")), f"{name}_sum")


def _counter_of(name: str, unit: str, meaning: str, per: str | None = None) -> Metric:
    return Metric(name, Kind.COUNTER, unit, meaning, per)


def _histogram_of(name: str, unit: str, meaning: str, bounds: tuple[int, ...], per: str | None = None) -> Metric:
    return Metric(name, Kind.HISTOGRAM, unit, meaning, per, bounds)


READ = _counter_of("messages_read", "messages", "taken up by Decode, redeliveries included")
DECODED = _counter_of("messages_decoded", "messages", "decoded, and with a key and an id")
MESSAGE_BYTES = _counter_of("message_bytes", "bytes", "of the payloads of the messages read")
REDELIVERIES = _counter_of(
    "redeliveries",
    "messages",
    "seen before, among the last 100,000 or more that this process has read: a lower bound, for a process does not "
    "know what others have read, nor what it read before a restart",
)
BATCH_SIZE = _histogram_of("batch_size", "messages", "of a batch; the sum is that of messages read", (100,))
QUEUE_MS = _histogram_of(
    "queue_ms", "milliseconds", "of a decoded message, from its publish time until it was read", (1000, 10_000)
)
EVENT_LAG_MS = _histogram_of(
    "event_lag_ms",
    "milliseconds",
    "of a message that the sinks took, from its event time until it was read; 0 for one from the future, none for a "
    "stored record",
    (60_000,),
)
LATENCY_MS = _histogram_of(
    "latency_ms",
    "milliseconds",
    "of a message, from its publish time until every sink has answered for it; of a stored record from when it was "
    "read",
    (1000, 3000, 10_000, 30_000),
)
BATCH_MS = _counter_of("batch_ms_sum", "milliseconds", "of all batches, from reading until every sink has answered")
PREDICTIONS = _counter_of("predictions", "predictions", "that every sink took", per="model")
DEAD_LETTERS = _counter_of("dead_letters", "dead letters", "that were written", per="stage")
UNTAKEN = _counter_of("messages_untaken", "messages", "that no model takes, by their `when`")
MODEL_MS = _histogram_of(
    "model_ms",
    "milliseconds",
    "of a call of the model, failed ones included; all buckets together are the model's calls",
    (10, 100),
    per="model",
)
MODEL_CALLS = _counter_of("model_calls", "calls", "of all models, in search of blame included")
MODEL_HALVINGS = _counter_of("model_halvings", "halvings", "of rows after a failed call, to find the guilty")
BLAMED_ROWS = _counter_of("blamed_rows", "rows", "found guilty of a failed call")
MODEL_FAILURES = _counter_of("model_failures", "batches", "for every row of which a model failed")
ABANDONED_CALLS = _counter_of("abandoned_calls", "calls", "that lasted longer than the model's `timeout`")
REMOTE_RETRIES = _counter_of("remote_retries", "requests", "sent again to the service of a model")
GENERATION_SWAPS = _counter_of("generation_swaps", "generations", "of all models that were taken up")
GENERATIONS_REFUSED = _counter_of("generations_refused", "generations", "of the model that were refused", per="model")
SINK_RETRIES = _counter_of("sink_retries", "requests", "not taken by the service at first, and sent again", per="sink")
SINK_REFUSALS = _counter_of(
    "sink_refusals",
    "rows or messages",
    "that the service does not take: dead letters of the stage `write_table` or `publish`; for a dead letter itself "
    "there is nowhere to go, so its bundle fails",
    per="sink",
)
METRICS = (
    READ,
    DECODED,
    MESSAGE_BYTES,
    REDELIVERIES,
    BATCH_SIZE,
    QUEUE_MS,
    EVENT_LAG_MS,
    LATENCY_MS,
    BATCH_MS,
    PREDICTIONS,
    DEAD_LETTERS,
    UNTAKEN,
    MODEL_MS,
    MODEL_CALLS,
    MODEL_HALVINGS,
    BLAMED_ROWS,
    MODEL_FAILURES,
    ABANDONED_CALLS,
    REMOTE_RETRIES,
    GENERATION_SWAPS,
    GENERATIONS_REFUSED,
    SINK_RETRIES,
    SINK_REFUSALS,
)

_ASIDE = tuple(SINK_RETRIES.counters(sink)[0] for sink in SINKS) + SINK_REFUSALS.counters("dead_letters")
"""What is counted by `count_aside`."""


def count(metric: Metric, amount: int, label: str | None = None) -> None:
    """Add to a counter, zero included, in a bundle; `label` is the model, stage or sink where each has its own."""
    (name,) = _names(metric, label)
    _counter(name).inc(amount)
    _here.add({name: amount})


def count_aside(metric: Metric, amount: int, label: str | None = None) -> None:
    """As `count`, on a thread that Beam does not know, or in a bundle that fails: Beam is told by `tell_aside`."""
    (name,) = _names(metric, label)
    _here.add({name: amount})
    _here.owe(name, amount)


def tell_aside() -> None:
    """In a bundle: tell Beam what `count_aside` has counted meanwhile."""
    owed = _here.owed()
    for name in _ASIDE:
        _counter(name).inc(owed.get(name, 0))


def observe(metric: Metric, figures: Sequence[float] | np.ndarray, label: str | None = None) -> None:
    """Add figures to a histogram, in a bundle."""
    names = _names(metric, label)
    values = np.asarray(figures, np.float64)
    buckets = _bounds(metric).searchsorted(values)
    total = _here.observe(names[-1].removesuffix("_sum"), values)
    amounts = dict(zip(names, [*np.bincount(buckets, minlength=len(names) - 1).tolist(), total], strict=True))
    for name, amount in amounts.items():
        _counter(name).inc(amount)
    _here.add(amounts)


def remember(reasons: Sequence[Reason]) -> None:
    """Keep why messages became dead letters, for `snapshot`."""
    _here.remember(reasons)


_names = cache(Metric.counters)


@cache
def _bounds(metric: Metric) -> np.ndarray:
    return np.array(metric.bounds, np.float64)


@cache
def _counter(name: str) -> Metrics.DelegatingCounter:
    from apache_beam.metrics.metric import Metrics  # seconds; who only reads the list goes without

    return Metrics.counter(NAMESPACE, name)


_here = Tally()


def snapshot() -> Mapping[str, Any]:
    """This process's numbers since its start, as JSON takes them; see `Tally.snapshot`."""
    return _here.snapshot()


def mark_ready() -> None:
    """Say that models are loaded and messages are being read."""
    _here.ready.set()


def ready() -> bool:
    """Whether models are loaded and messages are being read in this process."""
    return _here.ready.is_set()
