"""Figures as the cells of a screen: value, bound and age, in the signs that its console knows."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta

from rich.console import OverflowMethod
from rich.text import Text

from streaming import metrics
from streaming.monitoring import figures
from streaming.monitoring.amounts import UNKNOWN, show_rate, show_seconds
from streaming.monitoring.figures import Figure, Figures
from streaming.monitoring.queries import Growth
from streaming.monitoring.series import Reading

OLD = timedelta(seconds=90)
"""From here on the age of a figure is shown."""

ASIDE = "dim"

_BOUNDS = {
    figures.LATENCY_P50.name: metrics.LATENCY_MS,
    figures.LATENCY_P99.name: metrics.LATENCY_MS,
    figures.QUEUE_P99.name: metrics.QUEUE_MS,
    figures.MODEL_P50.name: metrics.MODEL_MS,
    figures.MODEL_P99.name: metrics.MODEL_MS,
}


@dataclass(frozen=True)
class Cells:
    """The cells of a look at a job.

    Attributes:
        known: its figures.
        is_ascii: whether the console knows no other signs.
    """

    known: Figures
    is_ascii: bool

    def reading(self, figure: Figure, label: str = "") -> Reading | None:
        """The figure's reading for a model, stage or sink, or of the whole job."""
        reading = self.known.of(figure).get(label)
        if reading is None and isinstance(figure.query, Growth) and figure.name in self.known.known:
            return Reading(0.0, self.known.at)  # a counter begins with the first thing that it counts
        return reading

    def value(self, figure: Figure, show: Callable[[float], str]) -> Text:
        """The value of a figure that has only one, with its age."""
        reading = self.reading(figure)
        if reading is None:
            return Text(UNKNOWN)
        age = self.age([reading])
        return Text(show(reading.value)).append(f" ({age})" if age else "", ASIDE)

    def quantile(self, figure: Figure) -> Text:
        """As `value`, of a quantile."""
        return self.value(figure, lambda value: self.bound(figure, value))

    def bound(self, figure: Figure, value: float) -> str:
        """A quantile: all that is known of it is its bucket's upper bound."""
        if math.isinf(value):
            return f"> {show_seconds(_BOUNDS[figure.name].bounds[-1] / 1000)}"
        return f"{'<=' if self.is_ascii else '≤'} {show_seconds(value)}"

    def trend(self, growth: float) -> str:
        """By how much a second something grows."""
        rising, falling, level = ("+", "-", "+/-") if self.is_ascii else ("↑ ", "↓ ", "→ ")
        if abs(growth) < 0.05:
            return f"{level}{show_rate(0.0)}"
        return f"{rising if growth > 0 else falling}{show_rate(abs(growth))}"

    def age(self, readings: Iterable[Reading]) -> str:
        """How old the oldest is, if that is worth a word."""
        oldest = max((self.known.at - each.at for each in readings), default=timedelta(0))
        return f"{show_seconds(max(120.0, oldest.total_seconds()))} old" if oldest > OLD else ""

    def line(self, text: str, style: str = "") -> Text:
        """One line, and not more, however long the text is."""
        return Text(self.printable(text), style, no_wrap=True, overflow=self.overflow)

    @property
    def overflow(self) -> OverflowMethod:
        """What becomes of a text that is too long, in rich's words."""
        return "crop" if self.is_ascii else "ellipsis"

    def printable(self, text: str) -> str:
        """Without what would move the cursor or turn the text around: it may come from a device."""
        plain = "".join(sign if sign.isprintable() else " " for sign in text)
        return plain.encode("ascii", "replace").decode() if self.is_ascii else plain
