"""A running job on one line, for logs."""

from __future__ import annotations

import math

from streaming.local.local_job import IDLE, STARTING, STOPPING, UNANSWERED
from streaming.local.totals import Counted
from streaming.monitoring import figures
from streaming.monitoring.amounts import UNKNOWN, show_count, show_rate
from streaming.monitoring.figures import Figure, Figures
from streaming.monitoring.report import Report

_HINTS = {state: f" | {state.removeprefix('running, ')}" for state in (STARTING, STOPPING, IDLE, UNANSWERED)}


def show_line(report: Report, counted: Counted) -> str:
    """Totals, rates and latency, and why nothing comes in or out; `-` stands for what is not known."""
    return show_figures(report.figures, counted) + _HINTS.get(report.job.state, "")


def show_figures(known: Figures, counted: Counted) -> str:
    """Totals, rates and latency."""
    predictions = sum(counted.beginning("predictions_").values())
    dead_letters = sum(counted.beginning("dead_letters_").values())
    return " | ".join(
        [
            _total("messages", counted.counters["messages_read"], known, figures.INPUT_RATE),
            _total("predictions", predictions, known, figures.PREDICTION_RATE),
            _total("dead letters", dead_letters, known, figures.DEAD_LETTER_RATE),
            f"latency p50 {_latency(known, figures.LATENCY_P50)} p99 {_latency(known, figures.LATENCY_P99)}",
        ]
    )


def _total(name: str, total: int, known: Figures, rate: Figure) -> str:
    readings = known.of(rate).values()
    return f"{name} {show_count(total)} ({show_rate(sum(each.value for each in readings) if readings else None)})"


def _latency(known: Figures, figure: Figure) -> str:
    seconds = known.value(figure)
    if seconds is None:
        return UNKNOWN
    if math.isinf(seconds):
        return "over 1 h"  # the last bound of the workers' histograms
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
