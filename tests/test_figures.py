"""The figures: each of them asked for, and each of them about counters that the job has."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import timedelta

import pytest

from streaming import metrics
from streaming.metrics import METRICS, SINKS, STAGES
from streaming.monitoring import figures
from streaming.monitoring.figures import FIGURES, LATE_MS, Figure
from streaming.monitoring.quantiles import Quantile
from streaming.monitoring.queries import Growth, Latest, Lowest, Query, Rate, Ratio
from streaming.monitoring.series import USER_COUNTER, Reading, Series
from tests.monitoring_points import JOB, NOW, UNACKED, HandMade, known_of, steady

LABELS = {"model": ("times5", "times10"), "stage": (*STAGES, "infer:times5"), "sink": SINKS, None: (None,)}
COUNTERS = {name for metric in METRICS for label in LABELS[metric.per] for name in metric.counters(label)}


def series_of(query: Query) -> list[Series]:
    if isinstance(query, Ratio):
        return [*series_of(query.over), *series_of(query.under)]
    assert isinstance(query, Latest | Lowest | Growth | Rate | Quantile)
    return [query.series]


def test_all_figures_are_listed_once() -> None:
    assert list(FIGURES) == [each for each in vars(figures).values() if isinstance(each, Figure)]
    assert len({figure.name for figure in FIGURES}) == len(FIGURES)


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.name)
def test_a_figure_is_of_counters_that_the_job_has(figure: Figure) -> None:
    for series in series_of(figure.query):
        if series.metric == USER_COUNTER:
            assert any(re.fullmatch(series.pattern, name) for name in COUNTERS), series.pattern


def matched(figure: Figure) -> set[str]:
    """The counters that a figure is made of."""
    patterns = [each.pattern for each in series_of(figure.query) if each.metric == USER_COUNTER]
    return {name for name in COUNTERS for pattern in patterns if re.fullmatch(pattern, name)}


@pytest.mark.parametrize(
    ("figure", "of"),
    [
        (figures.INPUT_RATE, [metrics.READ]),
        (figures.PREDICTION_RATE, [metrics.PREDICTIONS]),
        (figures.ALL_PREDICTIONS, [metrics.PREDICTIONS]),
        (figures.DEAD_LETTER_RATE, [metrics.DEAD_LETTERS]),
        (figures.DEAD_LETTER_SHARE, [metrics.DEAD_LETTERS, metrics.READ]),
        (figures.BATCH_SIZE, [metrics.BATCH_SIZE]),
        (figures.SINK_RETRIES, [metrics.SINK_RETRIES]),
        (figures.SINK_REFUSALS, [metrics.SINK_REFUSALS]),
        (figures.GENERATION_SWAPS, [metrics.GENERATION_SWAPS]),
        (figures.GENERATIONS_REFUSED, [metrics.GENERATIONS_REFUSED]),
    ],
    ids=lambda each: each.name if isinstance(each, Figure) else "",
)
def test_a_figure_is_of_its_counters_and_no_others(figure: Figure, of: list[metrics.Metric]) -> None:
    assert matched(figure) == {name for metric in of for label in LABELS[metric.per] for name in metric.counters(label)}


@pytest.mark.parametrize(
    ("figure", "metric", "label"),
    [
        (figures.LATENCY_P99, metrics.LATENCY_MS, None),
        (figures.QUEUE_P99, metrics.QUEUE_MS, None),
        (figures.MODEL_P99, metrics.MODEL_MS, "times10"),
    ],
    ids=lambda each: each.name if isinstance(each, Figure) else "",
)
def test_a_quantile_is_of_every_bucket(figure: Figure, metric: metrics.Metric, label: str | None) -> None:
    assert isinstance(figure.query, Quantile)
    source = HandMade()
    for name in metric.counters(label)[:-1]:
        source.add(name, [(2, 10.0)])
    assert list(known_of(source).of(figure)) == [label or ""]
    assert matched(figure) >= set(metric.counters(label)[:-1])


def test_late_messages_fill_whole_buckets() -> None:
    assert LATE_MS in metrics.LATENCY_MS.bounds
    assert matched(figures.LATE_SHARE) == set(metrics.LATENCY_MS.counters()[:-1])


def test_all_that_the_source_knows_is_read() -> None:
    source = HandMade().add("messages_read", steady(60.0)).add(f"{JOB}/current_num_vcpus", [(6, 4.0)])
    known = known_of(source)
    assert (known.at, known.unavailable) == (NOW, {})
    assert known.of(figures.INPUT_RATE) == {"": Reading(1.0, NOW)}
    assert known.of(figures.VCPUS) == {"": Reading(4.0, NOW - timedelta(minutes=6))}
    assert known.value(figures.INPUT_RATE) == 1.0
    assert (known.of(figures.BACKLOG), known.value(figures.BACKLOG)) == ({}, None)
    assert set(known.known) == {figure.name for figure in FIGURES}


def test_what_cannot_be_asked_for_is_left_out_and_told() -> None:
    source = HandMade({UNACKED: "permission denied"}).add("messages_read", steady(60.0))
    known = known_of(source)
    assert known.unavailable == dict.fromkeys(("backlog", "backlog_lowest", "backlog_growth"), "permission denied")
    assert set(known.known) == {figure.name for figure in FIGURES} - set(known.unavailable)
    assert known.value(figures.INPUT_RATE) == 1.0


def test_neither_beam_nor_tensorflow_is_imported() -> None:
    heavy = "[name for name in ('apache_beam', 'tensorflow') if name in sys.modules]"
    program = f"import sys, streaming.monitoring.verdict; print({heavy})"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"
