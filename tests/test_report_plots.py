"""What each plot shows: its texts, and how much it draws."""

from __future__ import annotations

from dataclasses import replace

import pytest

from producers.report.axes import BLUE, GREY, ORANGE, Plot
from producers.report.plots import (
    plot_dead_letters,
    plot_latency,
    plot_rates,
    plots,
)
from producers.scoring.scores import Latency
from tests.plots_read import element, texts
from tests.scored import GOOD, LATENCY, NOTHING, SERIES


def label(plot: Plot) -> str:
    return element(plot).attrib["aria-label"]


def drawn(plot: Plot, color: str) -> int:
    """How many shapes have that colour, those of the legend with them."""
    return sum(color in each.attrib.get("style", "") and each.tag in ("path", "use") for each in element(plot).iter())


def test_a_score_has_these_plots() -> None:
    assert [(plot.name, plot.title) for plot in plots(GOOD)] == [
        ("rates", "Published, predicted and dead-lettered a second"),
        ("latency", "Seconds from publishing to prediction"),
        ("dead-letters", "Dead letters by stage and error class"),
    ]


def test_a_plot_without_data_says_so() -> None:
    assert [texts(plot) for plot in plots(NOTHING)] == [["nothing to show"]] * 3
    assert {element(plot).attrib["viewBox"] for plot in plots(NOTHING)} == {"0 0 403.2 57.6"}


def test_rates_are_lines_over_the_time_since_the_start() -> None:
    plot = plot_rates(SERIES)
    assert label(plot) == "Lines over time. Highest a second: published 850, predictions 1,800, dead letters 30."
    assert texts(plot) == [
        *("0", "500", "1,000", "1,500", "a second"),
        *("0", "1", "2", "3", "4", "5", "6", "7", "seconds after 2026-03-01 12:00:00 UTC", "0", "20"),
        *("published", "predictions", "dead letters"),
    ]
    assert [drawn(plot, color) for color in (GREY, BLUE, ORANGE)] == [2, 2, 2]


def test_a_run_without_dead_letters_has_an_axis_to_one() -> None:
    none = [0.0] * len(SERIES.published)
    assert texts(plot_rates(replace(SERIES, dead_letters=none)))[-6:-3] == ["0", "0.5", "1"]


@pytest.mark.parametrize(
    ("step", "unit"), [(10.0, "seconds"), (60.0, "minutes"), (1200.0, "hours"), (86_400.0, "days")]
)
def test_the_axis_of_a_longer_run_counts_in_a_longer_unit(step: float, unit: str) -> None:
    assert f"{unit} after 2026-03-01 12:00:00 UTC" in texts(plot_rates(replace(SERIES, step=step)))


def test_latency_is_a_histogram_with_percentiles_marked() -> None:
    plot = plot_latency(LATENCY)
    assert label(plot) == "Histogram. p50 0.1 s, p90 0.4 s, p95 1.25 s, p99 2.08 s, p99.9 9 s, slowest 12 s."
    assert texts(plot) == [
        *("0.05", "0.1", "0.2", "0.5", "1", "2", "5", "10", "20", "seconds"),
        *("0", "1,000", "2,000", "3,000", "4,000", "predictions"),
        *("p50: 0.1 s", "p95: 1.25 s", "p99: 2.08 s"),
    ]
    assert drawn(plot, BLUE) == 1
    assert _dashed(plot) == 4


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("bounds", [[0.0, 1.0, 2.0], [-1.0, 0.0, 1.0], [-2.0, -1.0, 0.0], [0.5, 0.5, 0.5]])
def test_latency_of_nothing_or_less_has_a_place_on_the_logarithmic_axis(bounds: list[float]) -> None:
    plot = plot_latency(Latency({50: bounds[0], 99: bounds[1]}, bounds, [3, 2]))
    assert drawn(plot, BLUE) == 1
    assert texts(plot)[-2:] == [f"p50: {bounds[0]:g} s", f"p99: {bounds[1]:g} s"]


def test_dead_letters_are_bars_with_the_most_frequent_reason_first() -> None:
    plot = plot_dead_letters({("decode", "AvroError"): 1, ("infer:<b>", "NonFinitePredictionError"): 1000})
    assert texts(plot) == ["infer:<b>, NonFinitePredictionError: 1,000", "decode, AvroError: 1"]
    assert label(plot) == "Bars. infer:<b>, NonFinitePredictionError: 1,000; decode, AvroError: 1."
    assert drawn(plot, ORANGE) == 2


def test_rare_reasons_share_a_bar_and_long_ones_are_cut() -> None:
    plot = plot_dead_letters({("stage", f"{'E' * 60}{number}"): 100 - number for number in range(14)})
    cut = f"stage, {'E' * 48}…"
    assert texts(plot) == [*(f"{cut}: {100 - number}" for number in range(12)), "other reasons, 2 of them: 175"]
    assert drawn(plot, ORANGE) == 13


def _dashed(plot: Plot) -> int:
    """Lines of the percentiles above the median, and those of the legend."""
    return sum("stroke-dasharray" in each.attrib.get("style", "") for each in element(plot).iter("path"))
