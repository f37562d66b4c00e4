"""The fields that each row of predictions carries: what can be one, and which columns they fill."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from streaming.batches import TIMESTAMP
from streaming.wiring import Carried
from tests.contract_cases import contract, job, mistakes

MODELS = "m: {path: m, outputs: {output_0: prediction}}"


def test_fields_of_each_kind_become_columns_before_the_outputs(cases: Path) -> None:
    columns = "columns: {input: value, n: count, works: active, kind: kind, at: time}\n"
    found = contract(cases, columns + job(MODELS))
    expected = (
        Carried("input", "field:value", pa.float64()),
        Carried("n", "field:count", pa.int64()),
        Carried("works", "field:active", pa.bool_()),
        Carried("kind", "field:kind", pa.string()),
        Carried("at", "field:time", TIMESTAMP),
    )
    assert [model.carries for model in found.models] == [expected]
    assert [(each.name, each.type) for each in found.output_columns] == [
        *((each.column, each.type) for each in expected),
        ("prediction", pa.float64()),
    ]


def test_every_mistake_is_named(cases: Path) -> None:
    columns = "columns: {a: valu, b: day, c: raw, Prediction: value, model: kind, B: value, _TABLE_x: value}\n"
    assert mistakes(cases, columns + job(MODELS)) == [
        "columns.a: the schema has no field 'valu'; did you mean value?",
        "columns.b: the field day is date32[day], which fits no column; take another field",
        "columns.c: the field raw is binary, which fits no column; take another field",
        "columns.Prediction: the model m fills a column of this name; name another",
        "columns.model: the column model is one of every table's own; name another",
        "columns.B: the field day fills a column of this name; name another",
        "columns._TABLE_x: column names like _TABLE_x are BigQuery's own; name another",
    ]
