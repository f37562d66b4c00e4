"""The wiring as a person reads it."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
from rich.console import Console

from streaming.contract import check
from streaming.job import Message, Reference, parse_job
from streaming.schema import parse_schema
from streaming.show import wiring_table
from streaming.wiring import Contract, FeatureColumn, Output
from tests.builders import plan

SCHEMA = {
    "type": "record",
    "name": "Reading",
    "fields": [
        {"name": "serial", "type": "long"},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-micros"}},
        {"name": "value", "type": ["null", "double"], "default": None},
    ],
}
JOB = """
message: {format: avro, schema: reading.avsc, key: {attribute: device}, id: serial, event_time: at}
window: {fixed: 90s}
features: {x: {field: value, default: 1.5}}
models:
  times10: {path: MODELS/times10, features: {x: times5.five}, outputs: {output_0: fifty}}
  times5: {path: MODELS/times5, outputs: {output_0: five}}
"""


def shown(contract: Contract) -> list[list[str]]:
    """The cells of each line."""
    output = io.StringIO()
    Console(file=output, width=120).print(wiring_table(contract))
    lines = [line.split("  ") for line in output.getvalue().splitlines()]
    return [[cell.strip() for cell in line if cell.strip()] for line in lines]


def test_every_identity_feature_and_output_has_its_line(saved_models: Path, tmp_path: Path) -> None:
    (tmp_path / "reading.avsc").write_text(json.dumps(SCHEMA))
    contract = check(parse_job(JOB.replace("MODELS", str(saved_models)), str(tmp_path / "job.yaml")))
    assert shown(contract) == [
        ["This job fits together"],
        ["step", "takes", "gives"],
        ["key", "attribute device", "key"],
        ["id", "field serial", "prediction_id"],
        ["event time", "field at", "windows of 90s"],
        ["tf.Example", "value: double, 1.5 where null", "feature x"],
        ["model times5", "the tf.Example", "signature serving_default"],
        ["model times5", "output output_0", "column five: double"],
        ["model times10", "times5.five: double", "feature x of its own tf.Example"],
        ["model times10", "output output_0", "column fifty: double"],
    ]


def test_names_and_types_are_shown_as_they_are_though_rich_knows_styles_of_that_form() -> None:
    features = (
        FeatureColumn("x[red]", "field:day", pa.date32()),
        FeatureColumn("[/]", "field::smile:", pa.string(), default="[b]"),
    )
    schema = parse_schema(json.dumps(SCHEMA), "reading.avsc")
    message = Message(format="avro", schema="reading.avsc", key=Reference(field="serial"))
    scores = Output("out[0]", "scores", pa.list_(pa.float64()))
    contract = Contract(message, schema, timedelta(hours=2), features, (plan("m", outputs=[scores]),))
    assert shown(contract)[2:] == [
        ["key", "field serial", "key"],
        ["id", "the Pub/Sub message id", "prediction_id"],
        ["event time", "publish time", "windows of 2h"],
        ["tf.Example", "day: date32[day]", "feature x[red]"],
        ["tf.Example", ":smile:: string, '[b]' where null", "feature [/]"],
        ["model m", "the tf.Example", "signature serving_default"],
        ["model m", "output out[0]", "column scores: list<item: double>"],
    ]
