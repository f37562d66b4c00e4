"""Every figure of a running job that is shown or judged: name, unit, meaning, and the query that gives it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from streaming.metrics import LATENCY_MS
from streaming.monitoring.quantiles import Quantile
from streaming.monitoring.queries import Expression, Growth, Latest, Lowest, Query, Rate, Ratio
from streaming.monitoring.series import BOUND, LABEL, USER_COUNTER, Readings, Series, Source, Unavailable

RATE_SPAN = timedelta(minutes=3)
"""Rates are taken over so long: three of Cloud Monitoring's points."""

RULE_SPAN = timedelta(minutes=10)
"""What rules judge, over so long: a value that swings for a moment wakes nobody, and a value older than that is none.

Cloud Monitoring shows a figure of Dataflow up to five minutes late, so that a shorter span might hold no value.
"""

LATE_MS = 10_000
"""A message is late that took longer from its publishing until every sink had answered for it: a bucket ends there."""

_DATAFLOW = "dataflow.googleapis.com/job"
_SUBSCRIPTION = "pubsub.googleapis.com/subscription"


@dataclass(frozen=True)
class Figure:
    """A figure. With `per`, it has a value for each model, stage or sink."""

    name: str
    unit: str
    meaning: str
    query: Query
    per: str | None = None


@dataclass(frozen=True)
class ChartedFigure(Figure):
    """A figure that PromQL can say, too, for charts and alerts."""

    query: Expression


def _counter(pattern: str) -> Series:
    """The counters of the job whose names match."""
    return Series(USER_COUNTER, pattern)


def _rate(pattern: str) -> Rate:
    return Rate(_counter(pattern), RATE_SPAN)


def _growth(pattern: str) -> Growth:
    return Growth(_counter(pattern), RULE_SPAN)


def _quantile(share: float, histogram: str) -> Quantile:
    return Quantile(share, _counter(f"{histogram}_bucket_{BOUND}"), RULE_SPAN)


_LATE = "|".join([*(str(bound) for bound in LATENCY_MS.bounds if bound > LATE_MS), "above"])
_UNACKED = Series(f"{_SUBSCRIPTION}/num_unacked_messages_by_region")
_OLDEST = Series(f"{_SUBSCRIPTION}/oldest_unacked_message_age_by_region")
_WATERMARK_AGE = Series(f"{_DATAFLOW}/data_watermark_age")

FAILED = ChartedFigure("failed", "", "whether the job has failed", Latest(Series(f"{_DATAFLOW}/is_failed"), RULE_SPAN))
ELAPSED = ChartedFigure(
    "elapsed",
    "s",
    "how long the job has been running; of several of its name, the newest",
    Latest(Series(f"{_DATAFLOW}/elapsed_time"), RULE_SPAN, joined="min"),
)
VCPUS = ChartedFigure(
    "vcpus", "vCPUs", "processors of all workers", Latest(Series(f"{_DATAFLOW}/current_num_vcpus"), RULE_SPAN)
)
INPUT_RATE = ChartedFigure("input_rate", "messages/s", "messages read", _rate("messages_read"))
BYTE_RATE = ChartedFigure("byte_rate", "bytes/s", "bytes of the messages read", _rate("message_bytes"))
BACKLOG = ChartedFigure(
    "backlog",
    "messages",
    "messages of the subscription that are not acknowledged",
    Latest(_UNACKED, RULE_SPAN, joined="sum"),
)
BACKLOG_LOWEST = ChartedFigure(
    "backlog_lowest", "messages", "the smallest backlog of ten minutes", Lowest(_UNACKED, RULE_SPAN, joined="sum")
)
BACKLOG_GROWTH = ChartedFigure(
    "backlog_growth", "messages/s", "by how much the backlog grows", Rate(_UNACKED, RULE_SPAN)
)
OLDEST_UNACKED = ChartedFigure(
    "oldest_unacked", "s", "age of the oldest message that is not acknowledged", Latest(_OLDEST, RULE_SPAN)
)
OLDEST_UNACKED_LOWEST = ChartedFigure(
    "oldest_unacked_lowest", "s", "the same at its lowest in ten minutes", Lowest(_OLDEST, RULE_SPAN)
)
FRESHNESS = ChartedFigure(
    "freshness", "s", "how far the job's watermark is behind the clock", Latest(_WATERMARK_AGE, RULE_SPAN)
)
FRESHNESS_LOWEST = ChartedFigure(
    "freshness_lowest", "s", "the same at its lowest in ten minutes", Lowest(_WATERMARK_AGE, RULE_SPAN)
)
PREDICTION_RATE = ChartedFigure(
    "prediction_rate", "predictions/s", "predictions", _rate(f"predictions_{LABEL}"), per="model"
)
ALL_PREDICTIONS = ChartedFigure(
    "all_predictions", "predictions", "predictions of all models in ten minutes", _growth("predictions_.+")
)
DEAD_LETTER_RATE = ChartedFigure(
    "dead_letter_rate", "dead letters/s", "dead letters", _rate(f"dead_letters_{LABEL}"), per="stage"
)
DEAD_LETTER_SHARE = ChartedFigure(
    "dead_letter_share",
    "",
    "dead letters for each message read, in ten minutes",
    Ratio(_growth("dead_letters_.+"), _growth("messages_read")),
)
BATCH_SIZE = ChartedFigure(
    "batch_size",
    "messages",
    "messages of a batch, on average",
    Ratio(_rate("batch_size_sum"), _rate("batch_size_bucket_.+")),
)
QUEUE_P99 = Figure(
    "queue_p99",
    "s",
    "from publishing until the job has taken a message up: one in a hundred takes longer",
    _quantile(0.99, "queue_ms"),
)
LATENCY_P50 = Figure(
    "latency_p50", "s", "from publishing until every sink has answered: half take longer", _quantile(0.50, "latency_ms")
)
LATENCY_P99 = Figure(
    "latency_p99",
    "s",
    "from publishing until every sink has answered: one in a hundred takes longer",
    _quantile(0.99, "latency_ms"),
)
LATE_SHARE = ChartedFigure(
    "late_share",
    "",
    f"which part of the messages of ten minutes took longer than {LATE_MS / 1000:g} s",
    Ratio(_growth(f"latency_ms_bucket_({_LATE})"), _growth("latency_ms_bucket_.+")),
)
MODEL_P50 = Figure(
    "model_p50", "s", "a call of the model: half take longer", _quantile(0.50, f"model_ms_{LABEL}"), per="model"
)
MODEL_P99 = Figure(
    "model_p99",
    "s",
    "a call of the model: one in a hundred takes longer",
    _quantile(0.99, f"model_ms_{LABEL}"),
    per="model",
)
MODEL_SHARE = ChartedFigure(
    "model_share",
    "",
    "which part of the time that batches take is the model's",
    Ratio(_rate(f"model_ms_{LABEL}_sum"), _rate("batch_ms_sum")),
    per="model",
)
SINK_RETRIES = ChartedFigure(
    "sink_retries", "requests", "requests sent again in ten minutes", _growth(f"sink_retries_{LABEL}"), per="sink"
)
SINK_REFUSALS = ChartedFigure(
    "sink_refusals",
    "rows",
    "rows or messages that a sink refused in ten minutes",
    _growth(f"sink_refusals_{LABEL}"),
    per="sink",
)
GENERATION_SWAPS = ChartedFigure(
    "generation_swaps",
    "generations",
    "new generations of all models taken up in ten minutes",
    _growth("generation_swaps"),
)
GENERATIONS_REFUSED = ChartedFigure(
    "generations_refused",
    "generations",
    "generations of the model that were refused in ten minutes",
    _growth(f"generations_refused_{LABEL}"),
    per="model",
)
FIGURES = (
    FAILED,
    ELAPSED,
    VCPUS,
    INPUT_RATE,
    BYTE_RATE,
    BACKLOG,
    BACKLOG_LOWEST,
    BACKLOG_GROWTH,
    OLDEST_UNACKED,
    OLDEST_UNACKED_LOWEST,
    FRESHNESS,
    FRESHNESS_LOWEST,
    PREDICTION_RATE,
    ALL_PREDICTIONS,
    DEAD_LETTER_RATE,
    DEAD_LETTER_SHARE,
    BATCH_SIZE,
    QUEUE_P99,
    LATENCY_P50,
    LATENCY_P99,
    LATE_SHARE,
    MODEL_P50,
    MODEL_P99,
    MODEL_SHARE,
    SINK_RETRIES,
    SINK_REFUSALS,
    GENERATION_SWAPS,
    GENERATIONS_REFUSED,
)


@dataclass(frozen=True)
class Figures:
    """What is known of a job at the time `at`.

    Attributes:
        at: when it was asked.
        known: the readings of each figure, by its name; empty for one whose time series have no points of late.
        unavailable: why the others could not be asked for, by name.
    """

    at: datetime
    known: Mapping[str, Readings]
    unavailable: Mapping[str, str] = field(default_factory=dict)

    def of(self, figure: Figure) -> Readings:
        """The figure's readings; empty where nothing is known."""
        return self.known.get(figure.name, {})

    def value(self, figure: Figure) -> float | None:
        """The value of a figure that has only one; None where it is not known."""
        reading = self.of(figure).get("")
        return None if reading is None else reading.value


def read(source: Source, now: datetime, asked: Iterable[Figure] = FIGURES) -> Figures:
    """All figures, or those that are asked for, as far as the source knows them."""
    known: dict[str, Readings] = {}
    unavailable: dict[str, str] = {}
    for figure in asked:
        try:
            known[figure.name] = figure.query.readings(source, now)
        except Unavailable as error:
            unavailable[figure.name] = str(error)
    return Figures(now, known, unavailable)
