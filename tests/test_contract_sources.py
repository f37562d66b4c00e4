"""A name in the job file is that of a field or of an earlier model's column; what is wrong with it is told once."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest

from streaming.contract.findings import Findings
from streaming.contract.sources import EarlierOutputs, Source, Sources
from streaming.job_models import Model, ModelOutput
from streaming.schema import parse_schema
from streaming.wiring import Output
from tests.contract_cases import FIELDS

SCHEMA = parse_schema(
    json.dumps({"type": "record", "name": "R", "fields": [{"name": n, "type": kind} for n, kind in FIELDS.items()]}),
    "s.avsc",
)
MODELS = {
    "known": Model(path="known", outputs={name: ModelOutput(column=name) for name in ("label", "scores")}),
    "partly": Model(path="partly", outputs={"wrong": ModelOutput(column="wrong")}),
    "wrong": Model(path="wrong"),
}
OUTPUTS = {
    "known": (Output("label", "label", pa.string()), Output("scores", "scores", pa.list_(pa.float32()))),
    "partly": (),
}


def sources() -> tuple[Findings, Sources]:
    found = Findings()
    sizes = {("known", "scores"): 3}
    return found, Sources(found, SCHEMA, EarlierOutputs(found, MODELS, OUTPUTS, sizes))


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("value", Source("value", "field:value", pa.float64())),
        ("count", Source("count", "field:count", pa.int32())),
        ("kind", Source("kind", "field:kind", pa.string(), symbols=("A", "B"))),
        ("tags", Source("tags", "field:tags", pa.list_(pa.string()))),
        ("known.label", Source("known.label", "model:known", pa.string(), "label")),
        ("known.scores", Source("known.scores", "model:known", pa.list_(pa.float32()), "scores", size=3)),
    ],
)
def test_a_source_is_a_column_of_the_batch(name: str, source: Source) -> None:
    found, where = sources()
    assert (where.find("features.x.field", name), found.lines) == (source, [])


@pytest.mark.parametrize(
    ("place", "name", "wrong"),
    [
        ("features.x.field", "valu", "the schema has no field 'valu'; did you mean value?"),
        ("features.x.field", "place", "the field place cannot be used: a nested record"),
        ("features.x.field", "place.lat", "the field place cannot be used: a nested record"),
        ("features.x.field", "knwon.label", "no model 'knwon'; did you mean known?"),
        ("features.x.field", "known.", "'known.' names no model's column; write MODEL.COLUMN"),
        ("features.x.field", "known.labels", "the model known fills no column 'labels'; did you mean label?"),
        ("models.known.features.x", "zzz.label", "no model 'zzz'; there is partly, wrong"),
    ],
)
def test_a_name_of_nothing_is_told_with_what_it_may_mean(place: str, name: str, wrong: str) -> None:
    found, where = sources()
    assert (where.find(place, name), found.lines) == (None, [f"{place}: {wrong}"])


@pytest.mark.parametrize("name", ["partly.wrong", "wrong.anything"])
def test_of_a_model_that_is_wrong_itself_nothing_more_is_said(name: str) -> None:
    found, where = sources()
    assert (where.find("features.x.field", name), found.lines) == (None, [])


@pytest.mark.parametrize(
    ("name", "is_output"),
    [("value", False), ("known", False), ("known.label", True), ("other.label", True), ("place.lat", False)],
)
def test_a_dot_stands_before_a_model_s_column_or_inside_a_field(name: str, is_output: bool) -> None:
    assert sources()[1].is_output(name) == is_output
