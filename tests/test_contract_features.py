"""The features of the job and of its models: where they come from, their defaults, and that somebody takes them."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest

from streaming.wiring import FeatureColumn, Selection
from tests.contract_cases import FIELDS, contract, job, mistakes

X = FeatureColumn("x", "field:value", pa.float64())
SCALARS = (
    FeatureColumn("device_id", "field:device_id", pa.string()),
    FeatureColumn("time", "field:time", pa.timestamp("us", "UTC")),
    FeatureColumn("day", "field:day", pa.date32()),
    FeatureColumn("value", "field:value", pa.float64()),
    FeatureColumn("count", "field:count", pa.int32()),
    FeatureColumn("active", "field:active", pa.bool_()),
    FeatureColumn("kind", "field:kind", pa.string()),
    FeatureColumn("raw", "field:raw", pa.binary()),
)


@pytest.fixture(scope="module")
def cases(cases: Path) -> Path:
    tags = [{"name": "tags", "type": FIELDS["tags"]}]
    (cases / "tags.avsc").write_text(json.dumps({"type": "record", "name": "Tags", "fields": tags}))
    return cases


def test_without_features_every_scalar_field_is_one(cases: Path) -> None:
    checked = contract(cases, job(features=""))
    assert (checked.features, checked.models[0].features) == (SCALARS, SCALARS)


def test_where_every_model_has_features_of_its_own_the_job_has_none(cases: Path) -> None:
    own = "a: {path: m, features: {x: value}}, b: {path: m, features: {y: count}}"
    checked = contract(cases, job(own, features=""))
    assert checked.features == ()
    assert [(plan.features, plan.shares_examples) for plan in checked.models] == [
        ((X,), False),
        ((FeatureColumn("y", "field:count", pa.int32()),), False),
    ]


def test_a_model_fed_by_several_takes_the_rows_that_all_of_them_answer(cases: Path) -> None:
    fed = "features: {a: c.output_0, b: b.flag, c: c.output_0, x: value}"
    (*_, last) = contract(cases, job(f"a: {{path: m, {fed}}}, b: {{path: typed}}, c: {{path: m}}")).models
    assert (last.name, last.takes, last.features) == (
        "a",
        Selection(fed_by=("model:c", "model:b")),
        (
            FeatureColumn("a", "model:c", pa.float64(), "output_0"),
            FeatureColumn("b", "model:b", pa.bool_(), "flag"),
            FeatureColumn("c", "model:c", pa.float64(), "output_0"),
            X,
        ),
    )


@pytest.mark.parametrize(
    ("features", "line"),
    [
        ("x: valeu", "features.x: the schema has no field 'valeu'; did you mean value?"),
        (
            "x: z",
            "features.x: the schema has no field 'z'; "
            "there is active, count, day, device_id, kind, raw, series, tags, time, value",
        ),
        ("x: place", "features.x: the field place cannot be used: a nested record"),
        ("x: place.lat", "features.x: the field place cannot be used: a nested record"),
        (
            "x: m.output_0",
            "features.x: only a model's own features can take m.output_0; move it to models.NAME.features",
        ),
        (
            "x: {field: value, default: a}",
            "features.x.default: 'a' is no default for value, which is double; write a number from -3.4e+38 to 3.4e+38",
        ),
        (
            "x: {field: value, default: true}",
            "features.x.default: True is no default for value, which is double; "
            "write a number from -3.4e+38 to 3.4e+38",
        ),
        (
            "x: {field: value, default: -.inf}",
            "features.x.default: -inf is no default for value, which is double; "
            "write a number from -3.4e+38 to 3.4e+38",
        ),
        (
            "x: {field: value, default: 1.0e+39}",
            "features.x.default: 1e+39 is no default for value, which is double; "
            "write a number from -3.4e+38 to 3.4e+38",
        ),
        (
            "x: {field: count, default: 0.5}",
            "features.x.default: 0.5 is no default for count, which is int32; write a whole number of 64 bits",
        ),
        (
            "x: {field: count, default: 9223372036854775808}",
            "features.x.default: 9223372036854775808 is no default for count, which is int32; "
            "write a whole number of 64 bits",
        ),
        (
            "x: {field: value, default: 1e30}",
            "features.x.default: '1e30' is no default for value, which is double; "
            "write 1.0e+30 (YAML takes 1e30 for a text)",
        ),
        (
            "x: {field: active, default: 1}",
            "features.x.default: 1 is no default for active, which is bool; write true or false",
        ),
        (
            "x: {field: kind, default: 1}",
            "features.x.default: 1 is no default for kind, which is string; write a text, in quotes",
        ),
        (
            "x: {field: time, default: now}",
            "features.x.default: 'now' is no default for time, which is timestamp[us, tz=UTC]; "
            "write a whole number of 64 bits",
        ),
        (
            "x: {field: tags, default: a}",
            "features.x.default: 'a' is no default for tags, which is list<item: string>; remove it",
        ),
    ],
)
def test_a_mistake_in_a_feature(cases: Path, features: str, line: str) -> None:
    assert mistakes(cases, job(features=features)) == [line]


@pytest.mark.parametrize(
    ("models", "lines"),
    [
        (
            "first: {path: m}, b: {path: m, features: {x: frist.output_0}}",
            ["models.b.features.x: no model 'frist'; did you mean first?"],
        ),
        (
            "a: {path: m}, b: {path: m, features: {x: a.output_1}}",
            ["models.b.features.x: the model a fills no column 'output_1'; did you mean output_0?"],
        ),
        (
            "a: {path: m}, b: {path: m, features: {x: place.lat}}",
            ["models.b.features.x: the field place cannot be used: a nested record"],
        ),
        (
            "a: {path: m, outputs: {output_1: p}}, b: {path: m, features: {x: a.p}}",
            ["models.a.outputs.output_1: the signature serving_default has no such output; did you mean output_0?"],
        ),
        (
            "a: {path: missing}, b: {path: m, features: {x: a.output_0}}",
            ["models.a.path: no directory DIR/missing; correct the path"],
        ),
        (
            "a: {path: m}, b: {path: m, features: {x: {field: a.output_0, default: 0.0}}}",
            ["models.b.features.x.default: a row that a does not answer is skipped, no default applies; remove it"],
        ),
    ],
)
def test_a_mistake_in_a_cascade(cases: Path, models: str, lines: list[str]) -> None:
    assert mistakes(cases, job(models)) == lines


def test_a_model_named_like_a_nested_field_is_the_model(cases: Path) -> None:
    models = "place: {path: m}, b: {path: m, features: {x: place.output_0}}"
    assert contract(cases, job(models)).models[1].features == (
        FeatureColumn("x", "model:place", pa.float64(), "output_0"),
    )


@pytest.mark.parametrize(
    ("field", "default"),
    [
        ("value", "1"),
        ("value", "0.5"),
        ("value", ".nan"),
        ("count", "-1"),
        ("active", "true"),
        ("kind", "C"),
        ("time", "0"),
    ],
)
def test_a_default_that_fits(cases: Path, field: str, default: str) -> None:
    (feature,) = contract(cases, job(features=f"x: {{field: {field}, default: {default}}}")).features
    assert feature.default is not None


@pytest.mark.parametrize(
    "others", ["", ", n: {path: typed, features: {x: value}}, e: {ensemble: {max: [m.output_0, n.number]}}"]
)
def test_features_that_no_model_takes(cases: Path, others: str) -> None:
    assert mistakes(cases, job(f"m: {{path: m, features: {{x: value}}}}{others}")) == [
        "features: no model takes them, each has features of its own; remove them"
    ]


def test_a_schema_without_a_scalar_needs_features(cases: Path) -> None:
    message = "format: avro, schema: tags.avsc, key: {attribute: k}"
    assert mistakes(cases, job(message=message, features="")) == [
        "features: the schema has no scalar field to take by itself; name the features"
    ]
