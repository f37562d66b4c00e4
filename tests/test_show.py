"""The wiring as a person reads it."""

from __future__ import annotations

import io
import json
from pathlib import Path

from rich.console import Console

from streaming.contract import check
from streaming.job import parse_job
from streaming.show import wiring_table

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


def test_every_identity_feature_and_output_has_its_line(saved_models: Path, tmp_path: Path) -> None:
    (tmp_path / "reading.avsc").write_text(json.dumps(SCHEMA))
    contract = check(parse_job(JOB.replace("MODELS", str(saved_models)), str(tmp_path / "job.yaml")))
    console = Console(file=io.StringIO(), width=100)
    console.print(wiring_table(contract))
    lines = [line.split("  ") for line in console.file.getvalue().splitlines()]
    assert [[cell.strip() for cell in line if cell.strip()] for line in lines] == [
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
