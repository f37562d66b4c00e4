"""A look at a job as a document: strict JSON, in which what is not known is null."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from streaming.monitoring.as_json import to_json
from streaming.monitoring.figures import FIGURES, Figures
from streaming.monitoring.report import Report
from streaming.monitoring.series import Reading
from tests.monitoring_points import NOW
from tests.monitoring_reports import healthy, troubled, unknown


def document(report: Report) -> dict[str, Any]:
    """As a script reads it."""
    return json.loads(json.dumps(to_json(report), allow_nan=False))


def test_all_but_the_figures() -> None:
    whole = document(troubled())
    figures = whole.pop("figures")
    assert [*figures] == [figure.name for figure in FIGURES]
    verdicts = whole.pop("verdicts")
    assert [(each["health"], each["rule"]) for each in verdicts] == [
        ("unhealthy", rule)
        for rule in ("oldest_unacked", "backlog_growing", "late_answers", "sink_refusals", "generation_refused")
    ]
    assert verdicts[1]["words"].startswith("falling behind: the backlog grows by 11.7 messages/s")
    message = "the payload ends after 12 of 40 bytes\x1b[31m, and more is to be said of it: \u202efdp\nat length"
    assert whole == {
        "job": {
            "name": "readings",
            "id": "2026-03-01_01_00_00-1234567890123456789",
            "place": "my-project, us-central1",
            "state": "running",
            "since": "2026-03-01T09:00:00+00:00",
            "link": "https://console.cloud.google.com/dataflow/jobs/us-central1/1?project=my-project",
            "models": ["times5", "times10"],
        },
        "at": "2026-03-01T12:00:00+00:00",
        "health": "unhealthy",
        "workers": 3,
        "dead_letters": {"infer_times5": 300, "decode": 1012, "publish": 0},
        "reasons": [
            {"at": "2026-03-01T11:59:11+00:00", "stage": "decode", "error_class": "AvroError", "message": message},
            {
                "at": "2026-02-27T12:00:00+00:00",
                "stage": "infer:times5",
                "error_class": "NonFinitePredictionError",
                "message": "NaN",
            },
        ],
        "said": [
            {"at": "2026-03-01T12:00:00+00:00", "is_error": True, "text": "Root mean\nsquare"},
            {"at": "2026-03-01T11:00:00+00:00", "is_error": False, "text": "a worker is short of memory"},
        ],
        "missing": [
            {
                "source": "Cloud Monitoring",
                "words": "permission denied; grant roles/monitoring.viewer",
                "since": "2026-03-01T11:57:00+00:00",
            },
            {"source": "the job's messages", "words": "the service is unavailable", "since": None},
        ],
    }


def test_figures_have_a_value_and_its_age_or_one_for_each_label() -> None:
    figures = document(troubled())["figures"]
    assert figures["oldest_unacked"] == {
        "unit": "s",
        "unavailable": None,
        "value": 400.0,
        "at": "2026-03-01T11:58:00+00:00",
        "age_seconds": 120.0,
    }
    now = {"at": "2026-03-01T12:00:00+00:00", "age_seconds": 0.0}
    assert figures["model_share"] == {
        "unit": "",
        "unavailable": None,
        "per": "model",
        "values": {"times10": {"value": pytest.approx(0.1), **now}, "times5": {"value": 0.75, **now}},
    }


def test_what_is_not_known_is_null_and_says_why() -> None:
    whole = document(unknown())
    assert (whole["health"], whole["workers"], whole["dead_letters"]) == ("unknown", None, None)
    assert (whole["job"]["since"], whole["job"]["link"]) == (None, None)
    nothing = {"value": None, "at": None, "age_seconds": None}
    why = "Cloud Monitoring does not answer"
    assert whole["figures"]["input_rate"] == {"unit": "messages/s", "unavailable": why, **nothing}
    assert whole["figures"]["freshness"] == {"unit": "s", "unavailable": None, **nothing}
    assert whole["figures"]["model_p99"] == {"unit": "s", "unavailable": why, "per": "model", "values": {}}


def test_a_value_above_all_buckets_is_no_number() -> None:
    known = Figures(NOW, {"latency_p99": {"": Reading(float("inf"), NOW - timedelta(seconds=3))}})
    assert document(replace(healthy(), figures=known))["figures"]["latency_p99"] == {
        "unit": "s",
        "unavailable": None,
        "value": None,
        "at": "2026-03-01T11:59:57+00:00",
        "age_seconds": 3.0,
        "above_all_buckets": True,
    }
