"""What the plots of a report have in common: their colours, and how their axes are written."""

from __future__ import annotations

from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from producers.report.words import number

BLUE, ORANGE, GREY = "#0072b2", "#d55e00", "#888888"
"""What came out, what was rejected, and what went in or is true.

Of Okabe and Ito's colours, which no colour-blindness makes alike, the two that show best on white; a page in the dark
has lighter ones for them.
"""

HEIGHT = 3.0
"""Of a plot, in inches."""

LOW = 0.8
"""Of a plot that has nothing to show, in inches."""


@dataclass(frozen=True)
class Plot:
    """One plot of a page.

    Attributes:
        name: which plot it is: `rates`, `latency`, `dead-letters`, `trace-0` and so on.
        title: what it shows.
        note: how to read it.
        svg: an element that fetches nothing.
    """

    name: str
    title: str
    note: str
    svg: str


def unit(seconds: float) -> tuple[str, int]:
    """What an axis of so many seconds counts in, and the seconds of that."""
    units = {"days": 86_400, "hours": 3600, "minutes": 60}
    return next(((name, size) for name, size in units.items() if seconds > 2 * size), ("seconds", 1))


def write_numbers(axes: Axes, ticks: int) -> None:
    """So many of them at the vertical axis at most, as the tables write them."""
    axes.yaxis.set_major_locator(MaxNLocator(ticks, steps=[1, 2, 2.5, 5, 10]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))


def count_from_zero(axes: Axes, ticks: int) -> None:
    """A vertical axis for counts; to 1 where all are zero."""
    axes.set_ylim(0, None if axes.dataLim.ymax > 0 else 1)
    write_numbers(axes, ticks)


def draw_nothing(axes: Axes) -> None:
    """What stands where a plot would be."""
    axes.set_axis_off()
    axes.text(0.5, 0.5, "nothing to show", ha="center", transform=axes.transAxes)
