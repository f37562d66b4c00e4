"""A look at a job as a document for scripts."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

from streaming.monitoring.figures import FIGURES, Figure, Figures
from streaming.monitoring.report import Missing, Reason, Report, Said
from streaming.monitoring.series import Reading
from streaming.monitoring.verdict import Verdict


def to_json(report: Report) -> dict[str, Any]:
    """The report as JSON takes it. What is not known is null; times are RFC 3339, in UTC.

    A figure has `value`, `at` and `age_seconds`, or, where there is one for each model, stage or sink, `values` of
    these by label. A value above all buckets of its histogram is null, with `above_all_buckets`.
    """
    return {
        "job": _job(report),
        "at": _time(report.figures.at),
        "health": report.verdicts[0].health.name.lower(),
        "verdicts": [_verdict(each) for each in report.verdicts],
        "figures": {figure.name: _figure(report.figures, figure) for figure in FIGURES},
        "workers": report.workers,
        "dead_letters": report.dead_letters,
        "reasons": [_reason(each) for each in report.reasons],
        "said": [_said(each) for each in report.said],
        "missing": [_missing(each) for each in report.missing],
    }


def _job(report: Report) -> dict[str, Any]:
    job = report.job
    return {
        "name": job.name,
        "id": job.identifier,
        "place": job.place,
        "state": job.state,
        "since": _time(job.since),
        "link": job.link or None,
        "models": list(job.models),
    }


def _verdict(verdict: Verdict) -> dict[str, Any]:
    return {"health": verdict.health.name.lower(), "words": verdict.words, "rule": verdict.rule or None}


def _figure(known: Figures, figure: Figure) -> dict[str, Any]:
    described = {"unit": figure.unit, "unavailable": known.unavailable.get(figure.name)}
    values = {label: _reading(each, known.at) for label, each in sorted(known.of(figure).items())}
    if figure.per is not None:
        return {**described, "per": figure.per, "values": values}
    return {**described, **values.get("", {"value": None, "at": None, "age_seconds": None})}


def _reading(reading: Reading, now: datetime) -> dict[str, Any]:
    is_finite = math.isfinite(reading.value)
    shown = {
        "value": reading.value if is_finite else None,
        "at": _time(reading.at),
        "age_seconds": (now - reading.at).total_seconds(),
    }
    return shown if is_finite else {**shown, "above_all_buckets": True}


def _reason(reason: Reason) -> dict[str, Any]:
    return {
        "at": _time(reason.at),
        "stage": reason.stage,
        "error_class": reason.error_class,
        "message": reason.message,
    }


def _said(said: Said) -> dict[str, Any]:
    return {"at": _time(said.at), "is_error": said.is_error, "text": said.text}


def _missing(missing: Missing) -> dict[str, Any]:
    return {"source": missing.source, "words": missing.words, "since": _time(missing.since)}


def _time(time: datetime | None) -> str | None:
    return None if time is None else time.astimezone(UTC).isoformat()
