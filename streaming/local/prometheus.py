"""A job's metrics for Prometheus: the list of `streaming.metrics`, summed over the workers, in base units."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import accumulate

from prometheus_client import start_http_server
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.core import Metric as Family
from prometheus_client.registry import Collector, CollectorRegistry

from streaming import metrics
from streaming.errors import Mistakes
from streaming.local.totals import Counted
from streaming.metrics import Kind, Metric
from streaming.monitoring.stages import stage_of
from streaming.tally import FINE_BOUNDS

PREFIX = "pubsub_inference"

BOUNDS: tuple[int, ...] = tuple(map(int, FINE_BOUNDS[6::7]))
"""Upper bounds of the buckets, each about twice the one before: some of those that the workers count by."""


class Exposition(Collector):
    """Collects what `counted` gives whenever Prometheus asks."""

    def __init__(self, counted: Callable[[], Counted]) -> None:
        self._counted = counted

    def collect(self) -> Iterable[Family]:
        """A family for each metric, of nothing yet counted, too."""
        counted = self._counted()
        return [_family(metric, counted) for metric in metrics.METRICS]


@contextmanager
def serving(counted: Callable[[], Counted], host: str, port: int) -> Iterator[str]:
    """Serve the metrics on a thread meanwhile; the address. Port 0 is a free one.

    Raises:
        Mistakes: nothing can be served there.
    """
    registry = CollectorRegistry()
    registry.register(Exposition(counted))
    try:
        server, thread = start_http_server(port, host, registry)
    except OSError as error:
        words = f"cannot serve on {host}:{port} ({error.strerror}); name another port, or 0 for a free one"
        raise Mistakes([f"--metrics-port: {words}"]) from error
    try:
        yield f"http://{f'[{host}]' if ':' in host else host}:{server.server_port}/metrics"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _family(metric: Metric, counted: Counted) -> Family:
    name, scale = _in_base_units(metric)
    labels = [] if metric.per is None else [metric.per]
    help_text = f"{metric.unit if scale == 1 else 'seconds'}: {metric.meaning}"
    if metric.kind is Kind.COUNTER:
        counter = CounterMetricFamily(name, help_text, labels=labels)
        for label, total in _totals(metric, counted.counters):
            counter.add_metric(_labels(metric, label), total * scale)
        return counter
    histogram = HistogramMetricFamily(name, help_text, labels=labels)
    for label, total in _totals(metric, counted.counters):
        buckets = _cumulative(metric.counters(label)[-1].removesuffix("_sum"), counted.fine, scale)
        histogram.add_metric(_labels(metric, label), buckets, total * scale)
    return histogram


def _in_base_units(metric: Metric) -> tuple[str, float]:
    """The metric's name in seconds and bytes, as Prometheus wants it, and by what its values are to be multiplied."""
    name = f"{PREFIX}_{metric.name.removesuffix('_sum')}"
    if metric.unit == "milliseconds":
        return f"{name.removesuffix('_ms')}_seconds", 0.001
    return name, 1


def _totals(metric: Metric, counters: Mapping[str, int]) -> list[tuple[str | None, int]]:
    """What was counted, or the sum of a histogram, by label; zero of a metric without labels."""
    if metric.per is None:
        return [(None, counters.get(metric.counters()[-1], 0))]
    pattern = re.compile(re.escape(metric.counters("\0")[-1]).replace(re.escape("\0"), "(.+)"))
    matches = ((pattern.fullmatch(name), total) for name, total in sorted(counters.items()))
    return [(matched[1], total) for matched, total in matches if matched]


def _labels(metric: Metric, label: str | None) -> list[str]:
    if label is None:
        return []
    return [stage_of(label) if metric.per == "stage" else label]


def _cumulative(name: str, fine: Mapping[str, int], scale: float) -> list[tuple[str, float]]:
    prefix = f"{name}_bucket_"
    counts = {each.removeprefix(prefix): count for each, count in fine.items() if each.startswith(prefix)}
    above = counts.pop("above", 0)
    steps = zip((0, *BOUNDS), BOUNDS, strict=False)
    each = [sum(count for bound, count in counts.items() if low < int(bound) <= high) for low, high in steps]
    beyond = above + sum(count for bound, count in counts.items() if int(bound) > BOUNDS[-1])
    bounds = [f"{bound * scale:g}" for bound in BOUNDS] + ["+Inf"]
    return list(zip(bounds, accumulate([*each, beyond]), strict=True))
