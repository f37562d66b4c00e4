"""The plots of a score: rates over time, latency, dead letters by reason, and predictions beside the truth."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from producers.report.sections import mean_and_peak
from producers.report.svg import INK, draw_svg
from producers.report.words import cut, moment, number, percentile
from producers.scoring.scores import Latency, Score, Series, Trace

BLUE, ORANGE, GREY = "#0072b2", "#d55e00", "#888888"
"""What came out, what was rejected, and what went in or is true.

Of Okabe and Ito's colours, which no colour-blindness makes alike, the two that show best on white and on black.
"""

HEIGHT = 3.0
"""Inches."""

REASONS = 12
"""Reasons of dead letters that have a bar; the others share one."""

POINTS = 400
"""Most points of a trace: more say no more, and make the page large."""

_MARKED = {50: "-", 95: "--", 99: ":"}


@dataclass(frozen=True)
class Plot:
    """One plot of a page.

    Attributes:
        name: which plot it is: `rates`, `latency`, `dead-letters`, `trace-0` and so on.
        title: what it shows.
        svg: an element that fetches nothing.
    """

    name: str
    title: str
    svg: str


def plots(score: Score) -> list[Plot]:
    """All plots of the score; one without data says that there is nothing to show."""
    return [
        plot_rates(score.series),
        plot_latency(score.latency),
        plot_dead_letters(score.dead_letters),
        *plot_traces(score),
    ]


def plot_rates(series: Series) -> Plot:
    """Messages, predictions and dead letters a second, over the time of the run."""
    lines = {"published": series.published, "predictions": series.predicted, "dead letters": series.dead_letters}
    peaks = ", ".join(f"{name} {number(mean_and_peak(figures)[1])}" for name, figures in lines.items())
    svg = draw_svg(partial(_draw_rates, series=series), "rates", f"Lines over time. Highest a second: {peaks}.", HEIGHT)
    return Plot("rates", "Published, predicted and dead-lettered a second", svg)


def plot_latency(latency: Latency) -> Plot:
    """A histogram over the logarithm of seconds."""
    named = [f"{percentile(percent)} {number(seconds)} s" for percent, seconds in latency.percentiles.items()]
    label = f"Histogram. {', '.join(named) or 'No predictions'}."
    svg = draw_svg(partial(_draw_latency, latency=latency), "latency", label, HEIGHT)
    return Plot("latency", "Seconds from publishing to prediction", svg)


def plot_dead_letters(counts: Mapping[tuple[str, str], int]) -> Plot:
    """A bar for each stage and error class, the longest first."""
    bars = _bars(counts)
    said = "; ".join(f"{reason}: {count:,}" for reason, count in bars)
    height = 0.5 * max(len(bars), 2)
    svg = draw_svg(partial(_draw_bars, bars=bars), "dead-letters", f"Bars. {said or 'No dead letters'}.", height)
    return Plot("dead-letters", "Dead letters by stage and error class", svg)


def plot_traces(score: Score) -> Iterator[Plot]:
    """Of each trace the predictions and the truth, by event time."""
    for position, trace in enumerate(score.traces):
        name = f"trace-{position}"
        every = _every(trace)
        label = f"Predictions as dots and the truth as a line. Messages: {len(trace.times):,}."
        svg = draw_svg(partial(_draw_trace, trace=trace, every=every), name, label, HEIGHT)
        thinned = f"; one message in {every}" if every > 1 else ""
        title = cut(f"{trace.key}: {trace.model}, {trace.column}", 90)
        yield Plot(name, f"{title}{thinned}", svg)


def _draw_rates(figure: Figure, series: Series) -> None:
    if not series.published:
        _draw_nothing(figure.subplots())
        return
    answered, rejected = figure.subplots(2, sharex=True, height_ratios=(2, 1))  # dead letters are few beside the rest
    unit, seconds = _unit(series.step * len(series.published))
    edges = [series.step * position / seconds for position in range(len(series.published) + 1)]
    answered.stairs(series.published, edges, label="published", color=GREY, linewidth=3.0)
    answered.stairs(series.predicted, edges, label="predictions", color=BLUE, linewidth=1.2)
    rejected.stairs(series.dead_letters, edges, label="dead letters", color=ORANGE, linewidth=1.2)
    _count_from_zero(answered, 5)
    _count_from_zero(rejected, 2)
    answered.set_ylabel("a second")
    rejected.set_xlabel(f"{unit} from {moment(series.start)}")
    figure.legend(loc="outside upper center", ncols=3)


def _unit(seconds: float) -> tuple[str, int]:
    """What an axis of so many seconds counts in, and the seconds of that."""
    units = {"days": 86_400, "hours": 3600, "minutes": 60}
    return next(((name, size) for name, size in units.items() if seconds > 2 * size), ("seconds", 1))


def _draw_latency(figure: Figure, latency: Latency) -> None:
    axes = figure.subplots()
    if not any(latency.counts):
        _draw_nothing(axes)
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
    _count_from_zero(axes, 5)
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
        _draw_nothing(axes)
        return
    axes.barh(range(len(bars)), [count for _, count in bars], height=0.35, color=ORANGE)
    for position, (reason, count) in enumerate(bars):
        axes.text(0, position - 0.28, f"{reason}: {count:,}")  # above its bar, where it has room whatever its length
    axes.set_ylim(max(len(bars), 2) - 0.5, -0.6)
    axes.set_axis_off()


def _draw_trace(figure: Figure, trace: Trace, every: int) -> None:
    axes = figure.subplots()
    if not trace.times:
        _draw_nothing(axes)
        return
    start = min(trace.times)
    unit, seconds = _unit((max(trace.times) - start).total_seconds())
    times = [(time - start).total_seconds() / seconds for time in trace.times[::every]]
    true, predicted = trace.true[::every], trace.predicted[::every]
    alone = "o" if len(times) == 1 else ""  # a line of one point does not show
    axes.plot(times, true, label=f"truth: {cut(trace.state, 20)}", color=GREY, linewidth=3.0, marker=alone)
    axes.plot(times, predicted, ".", label=f"predicted: {cut(trace.column, 20)}", color=BLUE)
    axes.set_xlabel(f"event time: {unit} from {moment(start)}")
    _write_numbers(axes, 5)
    figure.legend(loc="outside upper center", ncols=2)


def _every(trace: Trace) -> int:
    return max(1, math.ceil(len(trace.times) / POINTS))


def _count_from_zero(axes: Axes, ticks: int) -> None:
    axes.set_ylim(bottom=0)
    _write_numbers(axes, ticks)


def _write_numbers(axes: Axes, ticks: int) -> None:
    """So many of them at the vertical axis at most, as the tables write them."""
    axes.yaxis.set_major_locator(MaxNLocator(ticks, steps=[1, 2, 2.5, 5, 10]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))


def _draw_nothing(axes: Axes) -> None:
    axes.set_axis_off()
    axes.text(0.5, 0.5, "nothing to show", ha="center", transform=axes.transAxes)
