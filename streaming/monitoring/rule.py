"""A rule: a conjunction of conditions on figures under which a job is not healthy.

The monitor judges readings by it; an alert policy asks Cloud Monitoring the same in PromQL. Spans of time are part of
the figures, so that both judge the same moment alike.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from streaming.monitoring.figures import ChartedFigure, Figures
from streaming.monitoring.queries import Scope


class Severity(Enum):
    """How bad it is: the names are those of Cloud Monitoring's alert policies."""

    CRITICAL = 1
    WARNING = 2


@dataclass(frozen=True)
class Condition:
    """A figure, or its value for one model, stage or sink, is greater than `over`, or less than `under`.

    Attributes:
        figure: what is compared.
        over: its limit from above; None: it has none.
        under: its limit from below; None: it has none.
        absent: the value that stands for no points, as zero does for a counter, which begins with the first thing it
            counts; None: without points the condition does not hold, and nobody knows.
    """

    figure: ChartedFigure
    over: float | None = None
    under: float | None = None
    absent: float | None = None

    def holds(self, known: Figures) -> bool:
        """Whether it holds for any label."""
        values = [reading.value for reading in known.of(self.figure).values()]
        if not values and self.absent is not None and self.figure.name in known.known:
            values = [self.absent]
        return any(map(self._exceeds, values))

    def is_known(self, known: Figures) -> bool:
        """Whether it can be told whether it holds."""
        return bool(known.of(self.figure)) or (self.absent is not None and self.figure.name in known.known)

    def promql(self, scope: Scope) -> str:
        """The same in PromQL: has a value when the condition holds."""
        expression = self.figure.query.promql(scope)
        if self.absent is not None and self._exceeds(self.absent):
            expression = f"({expression} or on() vector({self.absent:g}))"
        limits = [f" > {self.over:g}"] if self.over is not None else []
        limits += [f" < {self.under:g}"] if self.under is not None else []
        return expression + "".join(limits)

    def _exceeds(self, value: float) -> bool:
        return (self.over is None or value > self.over) and (self.under is None or value < self.under)


@dataclass(frozen=True)
class Runbook:
    """What whoever is woken needs: what it means, what to look at, what to do."""

    means: str
    look: str
    do: str


@dataclass(frozen=True)
class Rule:
    """A way of not being healthy.

    Attributes:
        name: stable; the alert's file and label.
        title: of the alert.
        severity: how bad it is.
        conditions: all of which hold.
        words: what the monitor says when it trips, with the figures that tell why.
        runbook: what to do.
    """

    name: str
    title: str
    severity: Severity
    conditions: tuple[Condition, ...]
    words: Callable[[Figures], str]
    runbook: Runbook

    def trips(self, known: Figures) -> bool:
        """Whether the job is unhealthy in this way."""
        return all(condition.holds(known) for condition in self.conditions)

    def is_known(self, known: Figures) -> bool:
        """Whether it can be told: all conditions are known, or one that is does not hold."""
        if any(condition.is_known(known) and not condition.holds(known) for condition in self.conditions):
            return True
        return all(condition.is_known(known) for condition in self.conditions)

    def promql(self, scope: Scope) -> str:
        """An expression that has a value when it trips."""
        if len(self.conditions) == 1:
            return self.conditions[0].promql(scope)
        return " and on() ".join(f"({condition.promql(scope)})" for condition in self.conditions)
