"""Models that take serialized `tf.Example`s: what they parse, and what the job gives."""

from __future__ import annotations

from pathlib import Path

import pytest
import tensorflow as tf

from tests.contract_cases import contract, job, mistakes, save_parsing

REMOTE = "far: {url: http://h/v1/models/m, outputs: {o: p}}"


@pytest.fixture(scope="module")
def cases(cases: Path) -> Path:
    save_parsing(
        cases / "parsing",
        serving_default={
            "amount": tf.io.FixedLenFeature([1], tf.float32),
            "code": tf.io.FixedLenFeature([], tf.int64, default_value=0),
            "pixels": tf.io.FixedLenFeature([2, 2], tf.float32, default_value=[[0.0, 0.0], [0.0, 0.0]]),
            "word": tf.io.VarLenFeature(tf.string),
        },
    )
    save_parsing(cases / "value", serving_default={"value": tf.io.FixedLenFeature([], tf.float32)})
    save_parsing(cases / "misspelt", serving_default={"kount": tf.io.FixedLenFeature([], tf.int64)})
    save_parsing(
        cases / "heads",
        narrow={"amount": tf.io.FixedLenFeature([1], tf.float32)},
        wide={"amount": tf.io.FixedLenFeature([1], tf.float32), "code": tf.io.FixedLenFeature([], tf.int64)},
        other={"amount": tf.io.FixedLenFeature([1], tf.int64)},
    )
    return cases


def names(directory: Path, models: str, features: str) -> list[list[str]]:
    """The names of the features that each model is given."""
    checked = contract(directory, job(models, features=features))
    return [[feature.name for feature in plan.features] for plan in checked.models]


@pytest.mark.parametrize(
    ("features", "given"),
    [
        ("amount: value", ["amount"]),
        ("amount: value, code: count, pixels: series, word: kind", ["amount", "code", "pixels", "word"]),
        ("amount: series, code: active, word: tags", ["amount", "code", "word"]),
        ("amount: {field: value, default: 0.0}, code: time, word: raw", ["amount", "code", "word"]),
    ],
)
def test_features_that_fit(cases: Path, features: str, given: list[str]) -> None:
    assert names(cases, "m: {path: parsing}", features) == [given]
    assert names(cases, f"m: {{path: parsing, features: {{{features}}}}}", "") == [given]


@pytest.mark.parametrize(
    ("features", "line"),
    [
        ("code: count", "features: m needs amount, float32[1]; add amount: FIELD"),
        ("amount: count", "features.amount: m takes float32, field count gives int32; take a float or a double"),
        ("amount: kind", "features.amount: m takes float32, field kind gives string; take a float or a double"),
        (
            "amount: value, code: value",
            "features.code: m takes int64, field value gives double; "
            "take a whole number, a boolean, a date or a timestamp",
        ),
        (
            "amount: value, word: series",
            "features.word: m takes string, field series gives list<item: double>; take a string, an enum or bytes",
        ),
        (
            "amount: value, pixels: value",
            "features.pixels: m takes float32[2, 2], field value gives double; take an array",
        ),
        ("amount: value, wrod: kind", "features.wrod: no model takes the feature 'wrod'; did you mean word?"),
        (
            "amount: value, z: kind",
            "features.z: no model takes the feature 'z'; there is amount, code, pixels, word",
        ),
    ],
)
def test_a_feature_of_the_job_that_does_not_fit(cases: Path, features: str, line: str) -> None:
    assert mistakes(cases, job("m: {path: parsing}", features=features)) == [line]


@pytest.mark.parametrize(
    ("features", "line"),
    [
        ("code: count", "models.m.features: m needs amount, float32[1]; add amount: FIELD"),
        (
            "amount: count",
            "models.m.features.amount: m takes float32, field count gives int32; take a float or a double",
        ),
        ("amount: value, wrod: kind", "models.m.features.wrod: m takes no feature 'wrod'; did you mean word?"),
    ],
)
def test_a_feature_of_a_models_own_that_does_not_fit(cases: Path, features: str, line: str) -> None:
    assert mistakes(cases, job(f"m: {{path: parsing, features: {{{features}}}}}", features="")) == [line]


def test_an_earlier_models_output_of_another_type(cases: Path) -> None:
    models = "a: {path: typed}, b: {path: parsing, features: {amount: a.whole}}"
    assert mistakes(cases, job(models)) == [
        "models.b.features.amount: b takes float32, a.whole gives int64; take a float or a double"
    ]


def test_of_every_scalar_field_a_model_takes_what_it_parses(cases: Path) -> None:
    given = ["device_id", "time", "day", "value", "count", "active", "kind", "raw"]
    assert names(cases, "m: {path: value}", "") == [given]


def test_no_scalar_field_has_the_name_that_a_model_needs(cases: Path) -> None:
    assert mistakes(cases, job("m: {path: misspelt}", features="")) == [
        "features: m needs kount, int64[], and no scalar field has this name; "
        "name all features here, and kount: FIELD among them"
    ]


def test_every_signature_that_is_called_parses(cases: Path) -> None:
    called = "m: {path: heads, signature: [narrow, wide]}"
    assert names(cases, called, "amount: value, code: count") == [["amount", "code"]]
    assert mistakes(cases, job(called, features="amount: value")) == [
        "features: m needs code, int64[]; add code: FIELD"
    ]


def test_two_signatures_that_parse_one_feature_as_two_types(cases: Path) -> None:
    assert mistakes(cases, job("m: {path: heads, signature: [narrow, other]}", features="amount: value")) == [
        "features.amount: m takes int64, field value gives double; "
        "take a whole number, a boolean, a date or a timestamp"
    ]


@pytest.mark.parametrize("other", ["other: {path: m}", REMOTE])
def test_a_feature_that_a_model_takes_which_does_not_tell(cases: Path, other: str) -> None:
    given = ["amount", "z"]
    assert names(cases, f"m: {{path: parsing}}, {other}", "amount: value, z: kind") == [given, given]


def test_features_of_different_models_are_one_tf_example(cases: Path) -> None:
    models = "m: {path: parsing}, n: {path: value}"
    assert mistakes(cases, job(models, features="amount: value, z: kind")) == [
        "features: n needs value, float32[]; add value: FIELD",
        "features.z: no model takes the feature 'z'; there is amount, code, pixels, value, word",
    ]
