"""The metrics as Prometheus reads them: scraped from the port, and parsed by the official client."""

from __future__ import annotations

import socket
from collections import Counter
from urllib.request import urlopen

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.parser import text_string_to_metric_families

from streaming import metrics
from streaming.errors import Mistakes
from streaming.local.prometheus import BOUNDS, Exposition, serving
from streaming.local.totals import Counted, Totals
from streaming.metrics import Kind
from streaming.tally import FINE_BOUNDS
from tests.local_snapshots import START, snapshot

COUNTED = Counted(
    Counter(
        {
            "messages_read": 1234,
            "message_bytes": 99_000,
            "batch_ms_sum": 1500,
            "batch_size_bucket_100": 3,
            "batch_size_sum": 60,
            "dead_letters_decode": 2,
            "dead_letters_infer_times5": 1,
            "predictions_times5": 1230,
            "predictions_times10": 0,
            "model_ms_times5_bucket_10": 9,
            "model_ms_times5_bucket_above": 1,
            "model_ms_times5_sum": 2345,
            "sink_retries_dead_letters": 4,
        }
    ),
    Counter(
        {
            "batch_size_bucket_19": 3,
            "model_ms_times5_bucket_1": 2,
            f"model_ms_times5_bucket_{BOUNDS[0]}": 3,
            f"model_ms_times5_bucket_{BOUNDS[0] + 1}": 4,
            "model_ms_times5_bucket_3600000": 1,
            "model_ms_times5_bucket_above": 1,
        }
    ),
)


def parsed(text: str) -> dict[str, Family]:
    return {family.name: family for family in text_string_to_metric_families(text)}


def exposed(counted: Counted) -> dict[str, Family]:
    registry = CollectorRegistry()
    registry.register(Exposition(lambda: counted))
    return parsed(generate_latest(registry).decode())


def values(family: Family) -> dict[tuple[str, str], float]:
    """By the sample's suffix and its labels."""
    return {
        (sample.name.removeprefix(family.name), ",".join(f"{k}={v}" for k, v in sorted(sample.labels.items()))): (
            sample.value
        )
        for sample in family.samples
    }


def test_every_metric_is_there_with_its_meaning_and_nothing_else() -> None:
    families = exposed(Counted())
    described = [
        (metric.meaning, "counter" if metric.kind is Kind.COUNTER else "histogram") for metric in metrics.METRICS
    ]
    assert [(each.documentation.partition(": ")[2], each.type) for each in families.values()] == described
    assert all(name.startswith("pubsub_inference_") for name in families)
    assert not [name for name in families if name.endswith("_ms")]


def test_names_and_units_are_those_of_prometheus() -> None:
    assert [*exposed(Counted())] == [
        "pubsub_inference_" + name
        for name in (
            "messages_read",
            "messages_decoded",
            "message_bytes",
            "redeliveries",
            "batch_size",
            "queue_seconds",
            "event_lag_seconds",
            "latency_seconds",
            "batch_seconds",
            "predictions",
            "dead_letters",
            "messages_untaken",
            "model_seconds",
            "model_calls",
            "model_halvings",
            "blamed_rows",
            "model_failures",
            "abandoned_calls",
            "remote_retries",
            "generation_swaps",
            "generations_refused",
            "sink_retries",
            "sink_refusals",
        )
    ]


def test_counters_have_their_totals_by_model_stage_and_sink() -> None:
    families = exposed(COUNTED)
    counters = {
        name.removeprefix("pubsub_inference_"): values(family)
        for name, family in families.items()
        if family.type == "counter" and any(values(family).values())
    }
    assert counters == {
        "messages_read": {("_total", ""): 1234},
        "message_bytes": {("_total", ""): 99_000},
        "batch_seconds": {("_total", ""): 1.5},
        "predictions": {("_total", "model=times5"): 1230, ("_total", "model=times10"): 0},
        "dead_letters": {("_total", "stage=decode"): 2, ("_total", "stage=infer:times5"): 1},
        "sink_retries": {("_total", "sink=dead_letters"): 4},
    }


def test_histograms_are_cumulative_and_in_seconds() -> None:
    first, second = (f"{bound / 1000:g}" for bound in BOUNDS[:2])
    found = values(exposed(COUNTED)["pubsub_inference_model_seconds"])
    buckets = {labels: value for (suffix, labels), value in found.items() if suffix == "_bucket"}
    assert len(buckets) == len(BOUNDS) + 1
    assert [buckets[f"le={bound},model=times5"] for bound in (first, second, f"{BOUNDS[-1] / 1000:g}", "+Inf")] == [
        5,
        9,
        9,
        11,
    ]
    assert (found["_count", "model=times5"], found["_sum", "model=times5"]) == (11, 2.345)


def test_a_histogram_of_numbers_stays_one() -> None:
    found = values(exposed(COUNTED)["pubsub_inference_batch_size"])
    assert [found["_bucket", f"le={bound}"] for bound in (BOUNDS[0], BOUNDS[1], BOUNDS[2], "+Inf")] == [0, 0, 3, 3]
    assert (found["_count", ""], found["_sum", ""]) == (3, 60)


def test_a_histogram_without_labels_is_there_before_anything_is_counted() -> None:
    found = values(exposed(Counted())["pubsub_inference_latency_seconds"])
    assert set(found.values()) == {0}
    assert len(found) == len(BOUNDS) + 3


def test_the_bounds_are_some_by_which_the_workers_count() -> None:
    assert {*BOUNDS} <= {*map(int, FINE_BOUNDS)}
    assert 1.8 < BOUNDS[-1] / BOUNDS[-2] < 2.1


def test_a_port_in_use_is_one_line() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(Mistakes) as raised, serving(Counted, "127.0.0.1", port):
            pass
    assert str(raised.value) == (
        f"--metrics-port: cannot serve on 127.0.0.1:{port} (Address already in use); "
        "name another port, or 0 for a free one"
    )


def test_a_host_that_is_none_is_one_line() -> None:
    words = r"^--metrics-port: cannot serve on no\.such\.host\.invalid:0 \("
    with pytest.raises(Mistakes, match=words), serving(Counted, "no.such.host.invalid", 0):
        pass


def test_the_port_serves_what_is_counted_by_now() -> None:
    totals = Totals()
    with serving(totals.counted, "127.0.0.1", 0) as address:
        for messages in (100, 200):
            totals.update(1, snapshot(messages), START)
            with urlopen(address, timeout=10) as answer:
                assert answer.headers["Content-Type"].startswith("text/plain; version=")
                families = parsed(answer.read().decode())
            assert values(families["pubsub_inference_messages_read"]) == {("_total", ""): messages}


def test_the_port_is_free_again_afterwards() -> None:
    with serving(Counted, "127.0.0.1", 0) as first:
        port = int(first.rpartition(":")[2].removesuffix("/metrics"))
    with serving(Counted, "127.0.0.1", port) as second:
        assert first == second
