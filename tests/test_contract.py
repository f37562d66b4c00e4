"""The contract as a whole: what a job that fits together becomes, and that every mistake is found in one run."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from streaming.job import parse_job
from streaming.schema import load_schema
from streaming.wiring import (
    Condition,
    Contract,
    EnsembleCall,
    FeatureColumn,
    Member,
    ModelPlan,
    Output,
    RemoteCall,
    SavedModelCall,
    Selection,
    Tensor,
)
from tests.contract_cases import contract, job, mistakes

WHOLE = """
message: {format: json, schema: s.avsc, key: device_id, id: {attribute: id}, event_time: time}
window: {fixed: 5m}
features:
  x: value
  n: {field: count, default: 0}
  t: time
  tags: tags
models:
  vote: {ensemble: {weighted_mean: {last.prediction: 3, far.p: 1}, at_least: 1}, outputs: {weighted_mean: score}}
  last:
    path: m
    features: {x: first.vector, y: {field: first.label}, z: value}
    outputs: {output_0: prediction}
    when: [{field: first.label, in: [good, better]}, {field: value, above: 3}]
    timeout: 10s
    batch_size: 64
    watch: 30s
  first: {path: labels, outputs: {scores: vector, output_0: label}}
  raw: {path: tensor, when: {attribute: region, equals: eu}}
  far:
    url: http://host:8501/v1/models/far
    signature: predict
    outputs: {o: p, all: {column: classes, type: STRING, repeated: true}}
    otherwise: true
"""


def test_a_job_that_fits_together(cases: Path) -> None:
    parsed = parse_job(WHOLE, f"{cases}/job.yaml")
    x = FeatureColumn("x", "field:value", pa.float64())
    shared = (
        x,
        FeatureColumn("n", "field:count", pa.int32(), None, 0),
        FeatureColumn("t", "field:time", pa.timestamp("us", "UTC")),
        FeatureColumn("tags", "field:tags", pa.list_(pa.string())),
    )
    last = Selection(
        fed_by=("model:first",),
        conditions=(
            Condition("model:first", "label", one_of=("good", "better")),
            Condition("field:value", above=3.0),
        ),
    )
    raw = Selection(conditions=(Condition("attributes", attribute="region", one_of=("eu",)),))
    assert contract(cases, WHOLE) == Contract(
        message=parsed.message,
        schema=load_schema(f"{cases}/s.avsc"),
        window=timedelta(minutes=5),
        features=shared,
        models=(
            ModelPlan(
                name="first",
                call=SavedModelCall(f"{cases}/labels"),
                outputs=(
                    Output("scores", "vector", pa.list_(pa.float64())),
                    Output("output_0", "label", pa.string()),
                ),
                features=shared,
                shares_examples=True,
            ),
            ModelPlan(
                name="raw",
                call=SavedModelCall(f"{cases}/tensor", tensors=(Tensor("x", "float32", 1),)),
                outputs=(Output("output_0", "output_0", pa.float64()),),
                features=(x,),
                takes=raw,
            ),
            ModelPlan(
                name="last",
                call=SavedModelCall(f"{cases}/m", watch=timedelta(seconds=30)),
                outputs=(Output("output_0", "prediction", pa.float64()),),
                features=(
                    FeatureColumn("x", "model:first", pa.list_(pa.float64()), "vector"),
                    FeatureColumn("y", "model:first", pa.string(), "label"),
                    FeatureColumn("z", "field:value", pa.float64()),
                ),
                takes=last,
                timeout=timedelta(seconds=10),
                batch_size=64,
            ),
            ModelPlan(
                name="far",
                call=RemoteCall("http://host:8501/v1/models/far", "predict"),
                outputs=(Output("o", "p", pa.float64()), Output("all", "classes", pa.list_(pa.string()))),
                features=shared,
                takes=Selection(unless=(last, raw)),
            ),
            ModelPlan(
                name="vote",
                call=EnsembleCall(
                    "weighted_mean", (Member("model:last", "prediction", 3.0), Member("model:far", "p", 1.0))
                ),
                outputs=(Output("weighted_mean", "score", pa.float64()),),
                takes=Selection(fed_by=("model:last", "model:far"), at_least=1),
            ),
        ),
        job_hash=parsed.hash,
    )


def test_real_models_of_every_make(cases: Path, saved_models: Path) -> None:
    names = ("times5", "keras", "classic")
    models = ", ".join(f"{name}: {{path: {saved_models / name}}}" for name in names)
    assert [(plan.name, plan.call, plan.outputs) for plan in contract(cases, job(models)).models] == [
        ("times5", SavedModelCall(f"{saved_models}/times5"), (Output("output_0", "output_0", pa.float64()),)),
        ("keras", SavedModelCall(f"{saved_models}/keras"), (Output("output_0", "output_0", pa.float64()),)),
        ("classic", SavedModelCall(f"{saved_models}/classic"), (Output("scores", "scores", pa.float64()),)),
    ]


def test_real_models_tell_what_they_parse(cases: Path, saved_models: Path) -> None:
    models = ", ".join(f"{name}: {{path: {saved_models / name}}}" for name in ("times5", "keras", "classic"))
    assert mistakes(cases, job(models, features="y: value")) == [
        "features: times5 needs x, float32[1]; add x: FIELD",
        "features: keras needs x, float32[1]; add x: FIELD",
        "features: classic needs x, float32[1]; add x: FIELD",
        "features.y: no model takes the feature 'y'; there is x",
    ]


@pytest.mark.parametrize(
    ("message", "lines"),
    [
        ("schema: missing.avsc, key: k", ["message.schema: no file DIR/missing.avsc"]),
        (
            "schema: s.avsc, key: divice_id",
            ["message.key: the schema has no field 'divice_id'; did you mean device_id?"],
        ),
        (
            "schema: s.avsc, key: value, id: time",
            [
                "message.key: the field value is double; take a string, an enum, a whole number or a boolean",
                "message.id: the field time is timestamp[us, tz=UTC]; "
                "take a string, an enum, a whole number or a boolean",
            ],
        ),
        ("schema: s.avsc, key: place", ["message.key: the field place cannot be used: a nested record"]),
        (
            "schema: s.avsc, key: tags",
            ["message.key: the field tags is list<item: string>; take a string, an enum, a whole number or a boolean"],
        ),
        (
            "schema: s.avsc, key: kind, event_time: active",
            [
                "message.event_time: the field active is bool; "
                "take a timestamp, a date, a string, an int, a long or a double"
            ],
        ),
        (
            "schema: s.avsc, key: kind, event_time: count",
            ["message.event_time: the field count is int32, a number without a unit; add unit: s, ms, us"],
        ),
    ],
)
def test_a_mistake_in_the_message(cases: Path, message: str, lines: list[str]) -> None:
    assert mistakes(cases, job(message=f"format: avro, {message}")) == lines


@pytest.mark.parametrize("key", ["count", "kind", "active", "{attribute: anything}"])
def test_what_can_be_a_key(cases: Path, key: str) -> None:
    text = job(message=f"format: avro, schema: s.avsc, key: {key}")
    assert contract(cases, text).message == parse_job(text, f"{cases}/job.yaml").message


def test_all_mistakes_are_found_at_once(cases: Path) -> None:
    text = """
message: {format: avro, schema: s.avsc, key: value, event_time: {field: tags}}
window: {fixed: 60s}
features: {x: valeu, y: {field: value, default: high}}
models:
  a: {path: missing}
  b: {path: m, outputs: {output_0: key}, when: [{field: knd, equals: A}, {field: kind, equals: C}]}
  c: {path: m, features: {x: b.key, y: d.p, z: place}}
  d: {path: tensor, signature: predict, features: {x: c.p}}
  e: {ensemble: {mean: [a.p, b.key, f.p]}, outputs: {max: e}}
  f: {path: labels, outputs: {output_0: p}, when: {field: value, above: 2, below: 1}}
  g: {path: tensor, features: {x: kind, y: value}}
"""
    assert mistakes(cases, text) == [
        "models.a.path: no directory DIR/missing; correct the path",
        "models.d.signature: DIR/tensor has no signature 'predict'; it has serving_default",
        "models: c -> d -> c is a cycle; a model takes outputs of earlier models only",
        "models.b.outputs.output_0: the column key is one of every table's own; name another",
        "models.e.ensemble.mean: f.p is string; take numbers, or vectors of them",
        "message.key: the field value is double; take a string, an enum, a whole number or a boolean",
        "message.event_time: the field tags is list<item: string>; "
        "take a timestamp, a date, a string, an int, a long or a double",
        "features.x: the schema has no field 'valeu'; did you mean value?",
        "features.y.default: 'high' is no default for value, which is double; write a number from -3.4e+38 to 3.4e+38",
        "models.c.features.z: the field place cannot be used: a nested record",
        "models.d.features.x: the model c fills no column 'p'; there is output_0",
        "models.g.features.x: g takes float32, field kind gives string; take a number",
        "models.g.features.y: g takes no feature 'y'; there is x",
        "models.b.when.0.field: the schema has no field 'knd'; did you mean kind?",
        "models.b.when.1.equals: kind has no symbol 'C'; there is A, B",
        "models.f.when: no row is left for f: f takes only value above 2.0 and below 1.0; "
        "change a condition, or remove f",
    ]


def test_mistakes_in_models_are_found_without_a_schema(cases: Path) -> None:
    text = job("a: {path: missing}, b: {path: m, signature: s}", "format: avro, schema: missing.avsc, key: k")
    assert mistakes(cases, text) == [
        "message.schema: no file DIR/missing.avsc",
        "models.a.path: no directory DIR/missing; correct the path",
        "models.b.signature: DIR/m has no signature 's'; it has serving_default",
    ]
