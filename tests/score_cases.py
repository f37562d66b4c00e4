"""A small run of which everything is known: what was sent, and what a job without fault makes of it."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from typing import Any

import pyarrow as pa

from producers.scenario import QualityCheck
from producers.scoring.outputs import DEAD_LETTER, Outputs, prediction_columns
from producers.scoring.score import score
from producers.scoring.scores import Score
from producers.truth import Run, Truth
from producers.truth_reader import STATE
from streaming.batches import field_column, model_column
from streaming.job import EventTime, Message, Reference
from streaming.schema import parse_schema
from streaming.wiring import Condition, Contract, FeatureColumn, ModelPlan, Output, SavedModelCall, Selection
from tests.publish_cases import SCHEMA, START, TRUTH

ENDED = START + timedelta(seconds=10)
MESSAGES = TRUTH.append(pa.field("state", STATE))
ANSWER = pa.schema(
    [
        ("number", pa.int64()),
        ("model", pa.string()),
        ("prediction", pa.float64()),
        ("model_fingerprint", pa.string()),
        ("model_version", pa.string()),
        ("rejected", pa.bool_()),
    ]
)
X = FeatureColumn("x", field_column("value"), pa.float64())


def multiplier(name: str, **rest: Any) -> ModelPlan:
    """A model of one output, which fills the column `prediction`."""
    outputs = (Output("output_0", "prediction", pa.float64()),)
    usual: dict[str, Any] = {"call": SavedModelCall(name), "features": (X,), "shares_examples": True}
    return ModelPlan(name, outputs=outputs, **(usual | rest))


FED = FeatureColumn("x", model_column("times5"), pa.float64(), output="prediction")
TIMES5, TIMES10 = multiplier("times5"), multiplier("times10")
AFTER_TIMES5 = multiplier(
    "times10", features=(FED,), shares_examples=False, takes=Selection(fed_by=(model_column("times5"),))
)
IF_HIGH = multiplier(
    "times10", takes=Selection(conditions=(Condition(model_column("times5"), output="prediction", above=500.0),))
)


MEASURED = EventTime(field="event_time")


def contract(*models: ModelPlan, event_time: EventTime = MEASURED) -> Contract:
    """A job with a window of a minute, of two models side by side unless others are given."""
    message = Message(format="avro", schema="reading.avsc", key=Reference(field="device_id"), event_time=event_time)
    schema = parse_schema(json.dumps(SCHEMA), "reading.avsc")
    return Contract(message, schema, timedelta(minutes=1), (X,), models or (TIMES5, TIMES10), "hash")


def payload(number: int) -> bytes:
    """The bytes of a message."""
    return f"payload {number}".encode()


def message(number: int, **rest: Any) -> dict[str, Any]:
    """A message of the truth, confirmed and good unless `rest` says otherwise."""
    usual = {
        "number": number,
        "status": "confirmed",
        "message_id": f"m{number}",
        "sent_at": START + timedelta(seconds=number),
        "attempts": 1,
        "key": f"device-{number % 2}",
        "event_time": START + timedelta(seconds=number, milliseconds=-500),
        "payload_sha256": hashlib.sha256(payload(number)).hexdigest(),
        "payload_bytes": len(payload(number)),
        "rejected_by": [],
        "state": {"wear": number / 10, "hours_to_failure": 100.0 - number, "mode": "seal"},
    }
    made = usual | rest
    inputs = {"device_id": made["key"], "event_time": made["event_time"], "value": 10.0 * number}
    return {"inputs": None if made.get("stage") else inputs} | made


def truth(*messages: dict[str, Any], quality: tuple[QualityCheck, ...] = ()) -> Truth:
    """A run of ten seconds."""
    run = Run(
        topic="projects/p/topics/t",
        scenario="scenario.yaml",
        job_file="job.yaml",
        job_hash="hash",
        seed=1,
        rate=1.0,
        devices=2,
        encoding="avro",
        started_at=START,
        schema=SCHEMA,
        quality=quality,
    )
    return Truth(run, pa.Table.from_pylist(list(messages), MESSAGES), "completed", ENDED)


UNSENT: dict[str, Any] = {"message_id": None, "sent_at": None, "attempts": None}

SENT = (
    message(0),
    message(1, fault="late"),
    message(2, fault="truncated", stage="decode", event_time=None),
    message(3, fault="out_of_range_event_time", stage="event_time"),
    message(4, fault="poison", rejected_by=["times5", "times10"]),
    message(5),
    message(6, status="unknown", **UNSENT),
    message(7, status="refused", **UNSENT),
    message(8, attempts=2),
)
"""Four good messages, three that must be dead letters, one of each doubtful kind, and one that was never taken."""

ANSWERED = (0, 1, 5, 8)
FACTORS = {"times5": 5.0, "times10": 10.0}


def answer(number: int, model: str, **rest: Any) -> dict[str, Any]:
    """What a model answers offline."""
    usual = {"prediction": FACTORS[model] * 10.0 * number, "model_fingerprint": "f1", "rejected": False}
    return {"number": number, "model": model, **usual, **rest}


def answers(*rows: dict[str, Any]) -> pa.Table:
    """What the models answer offline: to all good messages, unless rows are given."""
    both = [answer(number, model) for model in FACTORS for number in ANSWERED]
    poisoned = [answer(4, model, prediction=None, rejected=True) for model in FACTORS]
    return pa.Table.from_pylist(list(rows) or [*both, *poisoned], ANSWER)


def row(number: int, model: str, /, **rest: Any) -> dict[str, Any]:
    """A row of the predictions table."""
    published = START + timedelta(seconds=number)
    return {
        "prediction_id": f"m{number}/{model}",
        "key": f"device-{number % 2}",
        "message_id": f"m{number}",
        "event_time": published - timedelta(milliseconds=500),
        "publish_time": published,
        "window_start": START if number else START - timedelta(minutes=1),
        "window_end": START + timedelta(minutes=1) if number else START,
        "model": model,
        "model_fingerprint": "f1",
        "processed_at": published + timedelta(milliseconds=100),
        "prediction": FACTORS[model] * 10.0 * number,
        **rest,
    }


def letter(number: int, stage: str, **rest: Any) -> dict[str, Any]:
    """A row of the dead-letter table."""
    return {
        "timestamp": START + timedelta(seconds=number, milliseconds=200),
        "payloadBytes": payload(number),
        "attributes": [],
        "errorMessage": "words",
        "stage": stage,
        "error_class": "AvroError" if stage == "decode" else "OddError",
        "message_id": f"m{number}",
        "key": None if stage == "decode" else f"device-{number % 2}",
        "model": stage.partition(":")[2] or None,
        **rest,
    }


def rows() -> list[dict[str, Any]]:
    """What the table holds of `SENT` when all is well."""
    return [row(number, model) for number in ANSWERED for model in FACTORS]


def letters() -> list[dict[str, Any]]:
    """What the dead-letter table holds of `SENT` when all is well."""
    return [letter(2, "decode"), letter(3, "event_time"), letter(4, "infer:times5"), letter(4, "infer:times10")]


Rows = list[dict[str, Any]]


def outputs(table: Rows | None, dead: Rows | None, messages: Rows | None = None) -> Outputs:
    """What came out, as tables."""
    columns = prediction_columns([pa.field("prediction", pa.float64())])
    made = [None if each is None else pa.Table.from_pylist(each, columns) for each in (table, messages)]
    return Outputs(*made, None if dead is None else pa.Table.from_pylist(dead, DEAD_LETTER))


def scored(
    table: Rows | None,
    dead: Rows | None,
    messages: Rows | None = None,
    *,
    sent: Truth | None = None,
    job: Contract | None = None,
    offline: pa.Table | None = None,
) -> Score:
    """The score of what came of `SENT`, unless something else was sent."""
    offline = answers() if offline is None else offline
    return score(sent or truth(*SENT), job or contract(), outputs(table, dead, messages), offline)


STAGE_DECODE = "must be a dead letter of the stage decode"


def of(each: dict[str, Any], number: int, model: str | None = None) -> bool:
    """Whether a row or a dead letter is of this message, and of this model if one is named."""
    return each["message_id"] == f"m{number}" and model in (None, each["model"])
