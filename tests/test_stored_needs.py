"""Which fields, attributes and features a job over stored data reads."""

from __future__ import annotations

import pyarrow as pa

from streaming.stored import needs
from streaming.wiring import Condition, FeatureColumn, Selection
from tests.builders import plan
from tests.shaping_cases import contract
from tests.stream_cases import schema

FIELDS = dict.fromkeys(("a", "b", "c", "d", "e"), "double")
SCHEMA = schema({"device_id": "string", **FIELDS})


def feature(name: str, field: str, output: str | None = None) -> FeatureColumn:
    return FeatureColumn(name, f"field:{field}", pa.float64(), output)


def test_beside_examples_only_what_the_models_example_does_not_bring_is_read() -> None:
    other = Selection(conditions=(Condition("field:c", above=1.0),))
    models = [
        plan(features=None, takes=Selection(conditions=(Condition("field:a", above=1.0),), unless=(other,))),
        plan("own", features=[feature("x", "d")]),
    ]
    job = contract(SCHEMA, [feature("x", "b")], models, event_time={"field": "e", "unit": "s"})
    assert [field.name for field in needs.fields_beside_examples(job)] == ["device_id", "a", "c", "d", "e"]
    assert needs.identity_fields(job) == {"device_id": "message.key", "e": "message.event_time"}


def test_a_feature_of_another_field_does_not_fill_the_field_of_its_name() -> None:
    job = contract(SCHEMA, [feature("a", "b"), feature("x", "c"), feature("y", "c"), feature("d", "d")])
    found = {field.name: needs.candidates(job, field) for field in SCHEMA.fields}
    assert found == {
        "device_id": ("device_id",),
        "a": (),
        "b": ("b", "a"),
        "c": ("c", "x", "y"),
        "d": ("d",),
        "e": ("e",),
    }
