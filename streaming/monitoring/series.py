"""The seam: time series by name, and the sources that they come from.

A source is Cloud Monitoring, or a process on this machine that counts under the same names.

Dataflow exports each counter of a job as the gauge `job/user_counter`, whose label `metric_name` is the counter's name.
It holds the total since the job's start, in one series for each job id and transform, which begins when something is
counted for the first time: so the growth of a series that has just begun is its value.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

USER_COUNTER = "dataflow.googleapis.com/job/user_counter"
BOUND = r"(?P<bound>[0-9]+|above)"
LABEL = r"(?P<label>.+)"
"""Parts of `Series.counter`: the upper bound of a histogram's bucket, and the model, stage or sink of the counter."""


class Unavailable(Exception):  # noqa: N818 - a state of the source, not a fault of the caller
    """A source cannot say what is asked of it; its message tells why, on one line."""


@dataclass(frozen=True)
class Series:
    """Time series of one metric.

    Attributes:
        metric: its type, as in `dataflow.googleapis.com/job/data_watermark_age`.
        counter: of `USER_COUNTER`, a regular expression that the counter's whole name matches.
    """

    metric: str
    counter: str | None = None

    @property
    def of_subscription(self) -> bool:
        """Whether its resource is the job's subscription, and not the job."""
        return self.metric.startswith("pubsub.googleapis.com/subscription/")

    @property
    def pattern(self) -> str:
        """The expression without the names of its groups, as RE2 takes it in PromQL and in filters."""
        return re.sub(r"\(\?P<\w+>", "(", self.counter or "")

    @property
    def is_labelled(self) -> bool:
        """Whether a part of the counter's name is a label."""
        return LABEL in (self.counter or "")

    def label(self, name: str) -> str:
        """The model, stage or sink in a counter's name; empty if there is none."""
        matched = re.fullmatch(self.counter or "", name)
        return (matched.groupdict().get("label") if matched else None) or ""


@dataclass(frozen=True)
class Points:
    """One time series.

    Attributes:
        values: in order of time.
        counter: its name, where it is one.
        gap: a time within which no value is known, though it may have changed; None: there is none.
    """

    values: Sequence[tuple[datetime, float]]
    counter: str = ""
    gap: tuple[datetime, datetime] | None = None

    def between(self, start: datetime, end: datetime) -> Points:
        """The values after `start`, until `end` inclusive: what PromQL's range holds."""
        return replace(self, values=[each for each in self.values if start < each[0] <= end])


@dataclass(frozen=True)
class Reading:
    """A figure's value, and the time that it is of."""

    value: float
    at: datetime

    def __add__(self, other: Reading) -> Reading:
        return Reading(self.value + other.value, max(self.at, other.at))


Readings = Mapping[str, Reading]
"""By label; the label is empty where a figure has one value."""


class Source(Protocol):
    """Where time series come from."""

    def points(self, series: Series, since: datetime) -> Sequence[Points]:
        """All time series of the job in question, with their values from `since` on; earlier ones do no harm.

        Raises:
            Unavailable: it cannot be said, which is not the same as that there are none.
        """
