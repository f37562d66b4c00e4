"""What a job has counted since its start, as Dataflow's Metrics service tells it at once."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from streaming.dataflow.jobs import Jobs
from streaming.metrics import DEAD_LETTERS, NAMESPACE
from streaming.monitoring.figures import RULE_SPAN
from streaming.monitoring.series import LABEL, USER_COUNTER, Points, Series, Unavailable

if TYPE_CHECKING:
    from google.cloud.dataflow_v1beta3 import MetricUpdate


@dataclass(frozen=True)
class Totals:
    """The committed counters of our namespace.

    Attributes:
        at: when they were so.
        counters: by step and name; one that two steps count is there twice.
    """

    at: datetime
    counters: Mapping[tuple[str, str], float]

    def dead_letters(self) -> dict[str, int]:
        """By stage, as in the counters' names."""
        series = Series(USER_COUNTER, f"{DEAD_LETTERS.name}_{LABEL}")
        stages: dict[str, int] = {}
        for (_, name), value in self.counters.items():
            if stage := series.label(name):
                stages[stage] = stages.get(stage, 0) + int(value)
        return stages


def ask_totals(jobs: Jobs, job_id: str) -> Totals:
    """The totals as they are now.

    Raises:
        PermanentError: Dataflow refuses to tell.
    """
    answer = jobs.metrics(job_id)
    return Totals(answer.metric_time, dict(_ours(answer.metrics)))


def _ours(updates: Sequence[MetricUpdate]) -> Iterator[tuple[tuple[str, str], float]]:
    """Beside them there are tentative values, which may be taken back, distributions, gauges, and metrics of others."""
    for update in updates:
        context = update.name.context
        is_ours = update.name.origin == "user" and context.get("namespace") == NAMESPACE
        if is_ours and context.get("tentative") != "true" and isinstance(update.scalar, float | int):
            yield (context.get("step", ""), update.name.name), float(update.scalar)


class History:
    """The totals of one look after the other as time series: what is counted before Cloud Monitoring shows it."""

    def __init__(self) -> None:
        self._looks: list[Totals] = []

    @property
    def has_counted(self) -> bool:
        """Whether a look has seen any counter."""
        return any(look.counters for look in self._looks)

    def add(self, totals: Totals) -> None:
        """One more look; nothing new where the service has not counted anew."""
        if not self._looks or totals.at > self._looks[-1].at:
            self._looks.append(totals)
        oldest = totals.at - 3 * RULE_SPAN
        self._looks = [each for each in self._looks if each.at > oldest]

    def points(self, series: Series, now: datetime, began: datetime) -> Sequence[Points]:
        """As `Source.points` does, of a job that began to count at `began`: there is a gap from then to the first look.

        Raises:
            Unavailable: the service has not counted anew for too long.
        """
        first, last = self._looks[0].at, self._looks[-1].at
        if last <= now - RULE_SPAN:
            raise Unavailable(f"Dataflow has measured nothing since {last:%H:%M:%S} UTC")
        names = {key for look in self._looks for key in look.counters}
        return [
            Points([(began, 0.0), *self._of(key)], key[1], gap=(began, first))
            for key in sorted(names)
            if series.metric == USER_COUNTER and re.fullmatch(series.counter or ".*", key[1])
        ]

    def _of(self, key: tuple[str, str]) -> list[tuple[datetime, float]]:
        return [(look.at, look.counters[key]) for look in self._looks if key in look.counters]
