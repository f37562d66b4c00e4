"""Plots of a few devices: what a model predicted beside what was true, message by message."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import partial

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from producers.report.axes import BLUE, GREY, HEIGHT, LOW, Plot, draw_nothing, unit, write_numbers
from producers.report.meanings import truth
from producers.report.svg import draw_svg
from producers.report.words import cut, moment
from producers.scoring.scores import OFFLINE, Score, Trace

POINTS = 400
"""Most points of a trace: more say no more, and make the page large."""

APART = 0.05
"""Of a device's messages, the earliest and the latest: those among them far from all others have no place in a plot.

One message that comes two hours late would leave half a minute of others on a single line.
"""


def plot_traces(score: Score) -> Iterator[Plot]:
    """Of each trace the predictions and the truth, by event time."""
    for position, trace in enumerate(score.traces):
        kept = _together(trace.times)
        shown = kept[:: max(1, math.ceil(len(kept) / POINTS))]
        name = f"trace-{position}"
        label = f"Predictions as dots on the truth. Messages: {len(shown):,}."
        svg = draw_svg(partial(_draw, trace=trace, shown=shown), name, label, HEIGHT if shown else LOW)
        yield Plot(name, cut(f"{trace.key}: {trace.column} of {trace.model}", 90), _note(trace, kept, shown), svg)


def _together(times: Sequence[datetime]) -> Sequence[int]:
    """The places of the times, in order, that are not far from most others."""
    if not times:
        return []
    rising = sorted(times)
    first, last = rising[int(APART * len(rising))], rising[-1 - int(APART * len(rising))]
    margin = (last - first) / 2
    return [place for place, time in enumerate(times) if first - margin <= time <= last + margin]


def _note(trace: Trace, kept: Sequence[int], shown: Sequence[int]) -> str:
    parts = [f"Truth: {truth(trace.state)}."]
    apart = len(trace.times) - len(kept)
    if apart:
        parts.append(f"Left out: {apart:,} of {len(trace.times):,} messages, measured far from the others.")
    if len(shown) < len(kept):
        parts.append(f"Drawn: {len(shown):,} of {len(kept):,} messages.")
    return cut(" ".join(parts), 400)


def _draw(figure: Figure, trace: Trace, shown: Sequence[int]) -> None:
    axes = figure.subplots()
    if not shown:
        draw_nothing(axes)
        return
    start = trace.times[shown[0]]
    name, size = unit((trace.times[shown[-1]] - start).total_seconds())
    times = [(trace.times[place] - start).total_seconds() / size for place in shown]
    true, predicted = ([figures[place] for place in shown] for figures in (trace.true, trace.predicted))
    _draw_truth(axes, times, true, steady=trace.state != OFFLINE and len(times) > 1)
    axes.plot(times, predicted, ".", label="prediction", color=BLUE, markersize=6.0)
    if len(times) == 1:
        axes.set_xticks([0])
    axes.set_xlabel(f"event time: {name} after {moment(start)}")
    axes.set_ylabel(cut(trace.column, 30))
    _show_zero(axes, [*true, *predicted])
    figure.legend(loc="outside upper center", ncols=2)


def _draw_truth(axes: Axes, times: Sequence[float], true: Sequence[float], *, steady: bool) -> None:
    """A line for a state, which lasts from one message to the next; else rings, which the right dots fill."""
    if steady:
        axes.plot(times, true, label="truth", color=GREY, linewidth=3.0, drawstyle="steps-post")
    else:
        axes.plot(times, true, "o", label="truth", color=GREY, markersize=9.0, markerfacecolor="none")


def _show_zero(axes: Axes, figures: Sequence[float]) -> None:
    """A vertical axis that holds zero, and all from 0 to 1 of what lies between: small errors must look small."""
    finite = [figure for figure in figures if math.isfinite(figure)]
    low, high = min(finite, default=0.0), max(finite, default=1.0)
    low, high = min(low, 0.0), max(high, 1.0 if low >= 0 else 0.0)
    room = 0.05 * (high - low)
    axes.set_ylim(low - room, high + room)
    write_numbers(axes, 5)
