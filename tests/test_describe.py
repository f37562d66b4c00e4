"""A job in plain values: every kind of model, what it needs and gets, which rows it takes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from streaming.contract import check
from streaming.describe import Described, describe
from streaming.job import parse_job

SCHEMA = {
    "type": "record",
    "name": "Reading",
    "fields": [
        {"name": "serial", "type": "long"},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-micros"}},
        {"name": "kind", "type": {"type": "enum", "name": "Kind", "symbols": ["pump", "fan", "turbine"]}},
        {"name": "value", "type": ["null", "double"], "default": None},
    ],
}
JOB = """
message: {format: avro, schema: reading.avsc, key: {attribute: device}, id: serial, event_time: at}
window: {fixed: 90s}
features: {x: {field: value, default: 1.5}}
models:
  pumps:
    path: versions
    when: [{field: kind, in: [pump, fan]}, {attribute: site, equals: north}]
    outputs: {output_0: five}
    timeout: 5s
    watch: 30s
  rest: {path: MODELS/times10, otherwise: true, features: {x: {field: value, default: 2.0}}, outputs: {output_0: ten}}
  high: {path: MODELS/many_outputs, features: {x: pumps.five}, when: {field: pumps.five, above: 10, below: 1000}}
  served:
    url: http://models:8501/v1/models/m
    features: {v: value}
    outputs: {out: {column: served, type: INT64, repeated: true}}
    batch_size: 20
  mix: {ensemble: {weighted_mean: {pumps.five: 1, rest.ten: 0.5}, at_least: 1}, outputs: {weighted_mean: mixed}}
  most: {ensemble: {max: [high.scores, served.served]}, outputs: {max: most}}
"""


@pytest.fixture(scope="module")
def job(saved_models: Path, tmp_path_factory: pytest.TempPathFactory) -> Described:
    directory = tmp_path_factory.mktemp("job")
    (directory / "reading.avsc").write_text(json.dumps(SCHEMA))
    for version in ("1", "12"):
        shutil.copytree(saved_models / "times5", directory / "versions" / version)
    path = str(directory / "job.yaml")
    text = JOB.replace("MODELS", str(saved_models))
    described = describe(check(parse_job(text, path)))
    shown = json.dumps(described).replace(str(directory), "DIR").replace(str(saved_models), "MODELS")
    return json.loads(shown)


def model(job: Described, name: str) -> Described:
    (found,) = [each for each in job["models"] if each["name"] == name]
    return found


def gets(source: str, kind: str = "double", default: Any = None, *, nullable: bool = True) -> Described:
    return {"name": "x", "from": source, "type": kind, "nullable": nullable, "default": default}


def test_the_message_and_what_its_fields_are_used_for(job: Described) -> None:
    assert {name: job[name] for name in ("format", "schema", "key", "id", "event_time", "window")} == {
        "format": "avro",
        "schema": "DIR/reading.avsc",
        "key": "attribute device",
        "id": "field serial",
        "event_time": "field at",
        "window": "90s",
    }
    assert job["fields"] == [
        {"name": "serial", "type": "int64", "nullable": False, "used": ["id"]},
        {"name": "at", "type": "timestamp[us, tz=UTC]", "nullable": False, "used": ["event time"]},
        {"name": "kind", "type": "string", "nullable": False, "used": ["pumps: when"]},
        {"name": "value", "type": "double", "nullable": True, "used": ["feature x", "served: v", "rest: x"]},
    ]
    assert job["attributes"] == [
        {"name": "device", "used": ["key"]},
        {"name": "site", "used": ["pumps: when"]},
    ]
    assert job["features"] == [gets("value", default=1.5)]
    assert [each["name"] for each in job["models"]] == ["pumps", "served", "high", "rest", "most", "mix"]


def test_a_model_of_versions_that_takes_some_rows(job: Described) -> None:
    assert model(job, "pumps") == {
        "name": "pumps",
        "kind": "SavedModel",
        "path": "DIR/versions",
        "generation": "12",
        "signatures": ["serving_default"],
        "takes": "examples",
        "watch": "30s",
        "rows": "where kind is 'pump' or 'fan' and attribute site is 'north'",
        "inputs": [{"name": "x", "needs": "float32[1]", "gets": gets("value", default=1.5)}],
        "outputs": [{"output": "output_0", "column": "five", "type": "FLOAT64", "mode": "NULLABLE"}],
        "timeout": "5s",
        "batch_size": None,
    }


def test_the_rows_of_a_fallback_and_of_a_switch(job: Described) -> None:
    assert model(job, "rest")["rows"] == "that no model with a when takes"
    assert model(job, "rest")["inputs"] == [{"name": "x", "needs": "float32[1]", "gets": gets("value", default=2.0)}]
    assert model(job, "high")["rows"] == "that pumps answers and where pumps.five > 10 and < 1000"
    five = gets("pumps.five", "FLOAT64", nullable=False)
    assert model(job, "high")["inputs"] == [{"name": "x", "needs": "float32[1]", "gets": five}]
    assert model(job, "high")["outputs"][3] == {
        "output": "scores",
        "column": "scores",
        "type": "FLOAT64",
        "mode": "REPEATED",
    }


def test_a_remote_model(job: Described) -> None:
    assert model(job, "served") == {
        "name": "served",
        "kind": "remote",
        "address": "http://models:8501/v1/models/m",
        "signatures": ["serving_default"],
        "takes": "tensors",
        "rows": "all",
        "inputs": [{"name": "v", "needs": None, "gets": {**gets("value"), "name": "v"}}],
        "outputs": [{"output": "out", "column": "served", "type": "INT64", "mode": "REPEATED"}],
        "timeout": None,
        "batch_size": 20,
    }


def test_an_ensemble(job: Described) -> None:
    types = {"type": "FLOAT64", "nullable": False, "default": None}
    five, ten = ({"from": name, **types} for name in ("pumps.five", "rest.ten"))
    assert model(job, "mix") == {
        "name": "mix",
        "kind": "ensemble",
        "method": "weighted_mean",
        "rows": "that at least 1 of pumps and rest answer",
        "inputs": [
            {"name": "member", "needs": "weight 1", "gets": five},
            {"name": "member", "needs": "weight 0.5", "gets": ten},
        ],
        "outputs": [{"output": "weighted_mean", "column": "mixed", "type": "FLOAT64", "mode": "NULLABLE"}],
        "timeout": None,
        "batch_size": None,
    }


def test_an_ensemble_of_vectors_takes_the_rows_that_all_members_answer(job: Described) -> None:
    scores = {"from": "high.scores", "type": "FLOAT64 REPEATED", "nullable": False, "default": None}
    served = scores | {"from": "served.served", "type": "INT64 REPEATED"}
    assert model(job, "most")["rows"] == "that high and served answer"
    assert model(job, "most")["inputs"] == [
        {"name": "member", "needs": None, "gets": scores},
        {"name": "member", "needs": None, "gets": served},
    ]


def test_the_table_and_what_fills_it(job: Described) -> None:
    filled = {each["name"]: (each["type"], each["mode"], each["filled_by"]) for each in job["table"]}
    assert filled["prediction_id"] == ("STRING", "REQUIRED", [])
    assert {name: column for name, column in filled.items() if column[2]} == {
        "five": ("FLOAT64", "NULLABLE", ["pumps: output_0"]),
        "served": ("INT64", "REPEATED", ["served: out"]),
        "ten": ("FLOAT64", "NULLABLE", ["rest: output_0"]),
        "count": ("INT64", "NULLABLE", ["high: count"]),
        "high": ("BOOL", "NULLABLE", ["high: high"]),
        "label": ("STRING", "NULLABLE", ["high: label"]),
        "scores": ("FLOAT64", "REPEATED", ["high: scores"]),
        "most": ("FLOAT64", "REPEATED", ["most: max"]),
        "mixed": ("FLOAT64", "NULLABLE", ["mix: weighted_mean"]),
    }
