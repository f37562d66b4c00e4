"""The report as JSON, whole."""

from __future__ import annotations

import json
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np

from producers.report.as_json import to_json
from producers.scoring.scores import Came, Latency
from tests.scored import GOOD, NOTHING, WRONG

GOOD_JSON: dict[str, Any] = {
    "ok": True,
    "verdict": "Every message is accounted for.",
    "wrong": {},
    "findings": [],
    "sent": {
        "topic": "projects/local/topics/readings",
        "scenario": "examples/multiply/scenario.yaml",
        "seed": 7,
        "started_at": "2026-03-01T12:00:00Z",
        "ended_at": "2026-03-01T12:00:05Z",
        "confirmed": 4000,
        "unknown": 0,
        "refused": 0,
        "faults": {},
        "ending": "completed",
    },
    "came": [
        {
            "place": place,
            "predictions": {"times10": 3920, "times5": 3922},
            "repeated": 0,
            "unconfirmed": 0,
            "replayed": 0,
            "not_compared": 0,
            "foreign": 0,
        }
        for place in ("table", "messages")
    ],
    "dead_letters": [
        {"stage": "decode", "error_class": "AvroError", "count": 30},
        {"stage": "infer:times5", "error_class": "NonFinitePredictionError", "count": 10},
    ],
    "repeated_dead_letters": 0,
    "unconfirmed_dead_letters": 0,
    "foreign_dead_letters": 0,
    "events": 0,
    "knows_dead_letters": True,
    "latency": {
        "percentiles": {"50": 0.1, "90": 0.4, "95": 1.25, "99": 2.0754, "99.9": 9.0, "100": 12.0},
        "bounds": [0.05, 0.1, 0.5, 1.0, 5.0, 20.0],
        "counts": [3500, 3900, 300, 120, 22],
    },
    "throughput": {
        "published": {"mean": 800.0, "peak": 850.5},
        "predicted": {"mean": 1307.0, "peak": 1800.0},
        "dead_letters": {"mean": 10.0, "peak": 30.0},
    },
    "series": {
        "start": "2026-03-01T12:00:00Z",
        "step": 1.0,
        "published": [800.0, 850.5, 800.0, 799.5, 750.0, 0.0, 0.0],
        "predicted": [0.0, 900.0, 1800.0, 1700.0, 1500.0, 1200.0, 742.0],
        "dead_letters": [0.0, 0.0, 30.0, 0.0, 0.0, 10.0, 0.0],
    },
    "quality": [
        {
            "model": "risk",
            "column": "failure",
            "state": "hours_to_failure at most 24",
            "count": 3920,
            "figures": {"ROC AUC": 0.93125, "average precision": None},
        },
        {
            "model": "life",
            "column": "hours",
            "state": "hours_to_failure",
            "count": 3920,
            "figures": {"mean absolute error": 12_345.67},
        },
    ],
    "traces": [
        {
            "key": "pump-0001",
            "model": "risk",
            "column": "failure",
            "state": "wear",
            "times": [f"2026-03-01T{time}:00Z" for time in ("12:00", "12:20", "12:40", "13:00")],
            "predicted": [0.1, 0.2, None, 0.8],
            "true": [0.0, 0.3, 0.6, 0.9],
        },
        {
            "key": "pump-0002",
            "model": "times5",
            "column": "prediction",
            "state": "run offline",
            "times": ["2026-03-01T12:00:00Z"],
            "predicted": [525.0],
            "true": [525.0],
        },
    ],
}


def test_a_good_score_is_this_object_with_its_keys_in_this_order() -> None:
    assert to_json(GOOD) == json.dumps(GOOD_JSON, indent=2)


def test_what_is_wrong_is_counted_and_shown_by_the_names_of_kinds() -> None:
    report = json.loads(to_json(WRONG))
    assert report["ok"] is False
    assert list(report["wrong"].items()) == [("lost", 1007), ("wrong_key", 1)]
    assert report["findings"] == [
        {
            "kind": "wrong_key",
            "place": "messages",
            "message_id": "18",
            "model": "[/b]",
            "detail": "it is\n'[red]', not '\x1b[2J'",
        },
        *(
            {"kind": "lost", "place": "-", "message_id": f"1{number}", "model": None, "detail": ""}
            for number in range(7)
        ),
    ]


def test_every_key_is_there_when_there_is_nothing_to_say() -> None:
    assert list(json.loads(to_json(NOTHING))) == list(GOOD_JSON)


def test_numbers_of_numpy_and_mappings_of_any_kind_are_written_as_others_are() -> None:
    score = replace(
        NOTHING,
        came=(Came("table", MappingProxyType({"m": np.int64(2)})),),  # type: ignore[dict-item]
        latency=Latency({50.0: np.float64(0.5)}, (np.float64(0.1), np.inf), (np.int64(2),)),  # type: ignore[arg-type]
    )
    report = json.loads(to_json(score))
    assert report["came"][0]["predictions"] == {"m": 2}
    assert report["latency"] == {"percentiles": {"50": 0.5}, "bounds": [0.1, None], "counts": [2]}
