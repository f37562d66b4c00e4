"""The plots of a score as a whole: rates over time, latency, dead letters by reason."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from producers.report.axes import BLUE, GREY, HEIGHT, LOW, ORANGE, Plot, count_from_zero, draw_nothing, unit
from producers.report.meanings import LATENCY, PREDICTIONS
from producers.report.sections import mean_and_peak
from producers.report.svg import INK, draw_svg
from producers.report.words import cut, moment, number, percentile
from producers.scoring.scores import Latency, Score, Series

REASONS = 12
"""Reasons of dead letters that have a bar; the others share one."""

_BACKLOG = "A peak is the job catching up with messages that had waited."

_REJECTED = "The stage of the job that rejected the message, and the error."

_MARKED = {50: "-", 95: "--", 99: ":"}


def plots(score: Score) -> list[Plot]:
    """The plots that every score has; one without data says that there is nothing to show."""
    return [
        plot_rates(score.series),
        plot_latency(score.latency),
        plot_dead_letters(score.dead_letters),
    ]


def plot_rates(series: Series) -> Plot:
    """Messages, predictions and dead letters a second, over the time of the run."""
    lines = {"published": series.published, "predictions": series.predicted, "dead letters": series.dead_letters}
    peaks = ", ".join(f"{name} {number(mean_and_peak(figures)[1])}" for name, figures in lines.items())
    height = HEIGHT if series.published else LOW
    svg = draw_svg(partial(_draw_rates, series=series), "rates", f"Lines over time. Highest a second: {peaks}.", height)
    return Plot("rates", "Published, predicted and dead-lettered a second", f"{PREDICTIONS} {_BACKLOG}", svg)


def plot_latency(latency: Latency) -> Plot:
    """A histogram over the logarithm of seconds."""
    named = [f"{percentile(percent)} {number(seconds)} s" for percent, seconds in latency.percentiles.items()]
    label = f"Histogram. {', '.join(named) or 'No predictions'}."
    svg = draw_svg(partial(_draw_latency, latency=latency), "latency", label, HEIGHT if any(latency.counts) else LOW)
    return Plot("latency", "Seconds from publishing to prediction", f"{LATENCY} The axis is logarithmic.", svg)


def plot_dead_letters(counts: Mapping[tuple[str, str], int]) -> Plot:
    """A bar for each stage and error class, the longest first."""
    bars = _bars(counts)
    said = "; ".join(f"{reason}: {count:,}" for reason, count in bars)
    height = 0.5 * max(len(bars), 2) if bars else LOW
    svg = draw_svg(partial(_draw_bars, bars=bars), "dead-letters", f"Bars. {said or 'No dead letters'}.", height)
    return Plot("dead-letters", "Dead letters by stage and error class", _REJECTED, svg)


def _draw_rates(figure: Figure, series: Series) -> None:
    if not series.published:
        draw_nothing(figure.subplots())
        return
    answered, rejected = figure.subplots(2, sharex=True, height_ratios=(2, 1))  # dead letters are few beside the rest
    name, size = unit(series.step * len(series.published))
    edges = [series.step * position / size for position in range(len(series.published) + 1)]
    answered.stairs(series.published, edges, label="published", color=GREY, linewidth=3.0)
    answered.stairs(series.predicted, edges, label="predictions", color=BLUE, linewidth=1.2)
    rejected.stairs(series.dead_letters, edges, label="dead letters", color=ORANGE, linewidth=1.2)
    count_from_zero(answered, 5)
    count_from_zero(rejected, 2)
    answered.set_ylabel("a second")
    rejected.set_xlabel(f"{name} after {moment(series.start)}")
    figure.legend(loc="outside upper center", ncols=3)


def _draw_latency(figure: Figure, latency: Latency) -> None:
    axes = figure.subplots()
    if not any(latency.counts):
        draw_nothing(axes)
        return
    edges = _edges(latency)
    axes.set_xscale("log")
    axes.stairs(latency.counts, edges, fill=True, color=BLUE)
    for percent in sorted(_MARKED.keys() & latency.percentiles.keys()):
        seconds = latency.percentiles[percent]
        name = f"{percentile(percent)}: {number(seconds)} s"
        axes.axvline(max(seconds, edges[0]), label=name, color=INK, linestyle=_MARKED[percent])
    axes.set_xlim(_limits(latency, edges))
    _write_seconds(axes)
    axes.set_ylabel("predictions")
    count_from_zero(axes, 5)
    figure.legend(loc="outside upper center", ncols=3)


def _write_seconds(axes: Axes) -> None:
    """At the logarithmic horizontal axis: 0.1, 0.2, 0.5, 1 and so on."""
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda seconds, _: number(seconds)))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("seconds")


def _edges(latency: Latency) -> list[float]:
    """The histogram's bounds where nothing is zero or less, which a logarithmic axis does not have."""
    lowest = min((bound for bound in latency.bounds if bound > 0), default=1.0) / 2
    return [bound if bound > 0 else lowest for bound in latency.bounds]


def _limits(latency: Latency, edges: Sequence[float]) -> tuple[float, float]:
    """Of the axis: from the first bar that is not empty to the last, and at least from some number to its fourfold."""
    filled = [position for position, count in enumerate(latency.counts) if count]
    left, right = edges[filled[0]], edges[filled[-1] + 1]
    wider = max(1.05, 2 * math.sqrt(left / right))
    return left / wider, right * wider


def _bars(counts: Mapping[tuple[str, str], int]) -> list[tuple[str, int]]:
    falling = sorted(counts.items(), key=lambda reason: (-reason[1], reason[0]))
    bars = [(cut(f"{stage}, {error_class}", 56), count) for (stage, error_class), count in falling[:REASONS]]
    others = [count for _, count in falling[REASONS:]]
    return bars + ([(f"other reasons, {len(others)} of them", sum(others))] if others else [])


def _draw_bars(figure: Figure, bars: Sequence[tuple[str, int]]) -> None:
    axes = figure.subplots()
    if not bars:
        draw_nothing(axes)
        return
    axes.barh(range(len(bars)), [count for _, count in bars], height=0.35, color=ORANGE)
    for position, (reason, count) in enumerate(bars):
        axes.text(0, position - 0.28, f"{reason}: {count:,}")  # above its bar, where it has room whatever its length
    axes.set_ylim(max(len(bars), 2) - 0.5, -0.6)
    axes.set_axis_off()
