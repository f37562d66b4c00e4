"""The figures of a job on this machine: rates and quantiles of ten seconds, where Cloud Monitoring has minutes.

What rules judge is of the same span everywhere.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar

from streaming.monitoring.figures import FIGURES, RATE_SPAN, Figures, read
from streaming.monitoring.quantiles import Quantile
from streaming.monitoring.queries import Query, Rate, Ratio
from streaming.monitoring.series import Source

SPAN = timedelta(seconds=10)

Node = TypeVar("Node", bound=Query)


def read_recent(source: Source, now: datetime) -> Figures:
    """As `figures.read`, with `SPAN` for the rates and quantiles, which are for the eye alone."""
    return read(source, now, [replace(figure, query=_recent(figure.query)) for figure in FIGURES])


def _recent(query: Node) -> Node:
    if isinstance(query, Quantile) or (isinstance(query, Rate) and query.span == RATE_SPAN):
        return replace(query, span=SPAN)
    if isinstance(query, Ratio):
        return replace(query, over=_recent(query.over), under=_recent(query.under))
    return query
