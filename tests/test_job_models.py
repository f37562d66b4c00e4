"""The models of a job file: what may be said of each kind, and every mistake with its place."""

from __future__ import annotations

from datetime import timedelta

import pytest

from streaming.errors import Mistakes
from streaming.job import parse_job
from streaming.job_models import Condition, Ensemble, Model, ModelOutput
from streaming.job_parts import Feature

ENDPOINT = "projects/p/locations/us-central1/endpoints/123"
URL = "http://host:8501/v1/models/m"
TEXT = "write a text, in quotes where YAML takes it for something else"
SCALAR = "write a number, a text or a boolean"
ONE_OF = "say one of path, url, endpoint, ensemble"
METHODS = "mean, weighted_mean, max, majority_vote"


def model(text: str) -> Model:
    whole = f"message: {{format: avro, schema: s.avsc, key: k}}\nwindow: {{fixed: 60s}}\nmodels: {{m: {{{text}}}}}"
    return parse_job(whole, "job.yaml").models["m"]


def mistakes(text: str) -> list[str]:
    """The mistakes, with their places below the model."""
    with pytest.raises(Mistakes) as caught:
        model(text)
    assert all(line.startswith("models.m") for line in caught.value.lines)
    return [line.removeprefix("models.m").removeprefix(".") for line in caught.value.lines]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("path: m", Model(path="m", signature=("serving_default",))),
        ("path: gs://bucket/m, signature: predict", Model(path="gs://bucket/m", signature=("predict",))),
        ("path: m, signature: [classify, regress]", Model(path="m", signature=("classify", "regress"))),
        (
            "path: m, inputs: tensors, features: {x: value, y: {field: a.p, default: 3}}, batch_size: 64, watch: 5s",
            Model(
                path="m",
                inputs="tensors",
                features={"x": Feature(field="value"), "y": Feature(field="a.p", default=3)},
                batch_size=64,
                watch=timedelta(seconds=5),
            ),
        ),
        (
            "path: m, outputs: {o: p, q: {column: q, type: STRING, repeated: false}}, timeout: 10s",
            Model(
                path="m",
                outputs={"o": ModelOutput(column="p"), "q": ModelOutput(column="q", type="STRING", repeated=False)},
                timeout=timedelta(seconds=10),
            ),
        ),
        (
            f"url: '{URL}', inputs: examples, outputs: {{o: p}}, timeout: 1m, batch_size: 8",
            Model(
                url=URL,
                inputs="examples",
                outputs={"o": ModelOutput(column="p")},
                timeout=timedelta(minutes=1),
                batch_size=8,
            ),
        ),
        (
            f"endpoint: {ENDPOINT}, inputs: vectors, outputs: {{o: p}}, otherwise: true",
            Model(endpoint=ENDPOINT, inputs="vectors", outputs={"o": ModelOutput(column="p")}, otherwise=True),
        ),
        (
            "ensemble: {mean: [a.p, b.p], at_least: 2}, outputs: {mean: p}",
            Model(ensemble=Ensemble(mean=("a.p", "b.p"), at_least=2), outputs={"mean": ModelOutput(column="p")}),
        ),
        (
            "ensemble: {weighted_mean: {a.p: 1, b.p: 0.5}}, when: {field: value, above: 1}",
            Model(ensemble=Ensemble(weighted_mean={"a.p": 1, "b.p": 0.5}), when=(Condition(field="value", above=1),)),
        ),
        (
            "path: m, when: {field: kind, in: [A, 1, 0.5, true]}",
            Model(path="m", when=(Condition.model_validate({"field": "kind", "in": ("A", 1, 0.5, True)}),)),
        ),
        (
            "path: m, when: [{attribute: region, equals: eu}, {field: a.p, above: -1, below: 2.5}]",
            Model(
                path="m",
                when=(Condition(attribute="region", equals="eu"), Condition(field="a.p", above=-1, below=2.5)),
            ),
        ),
        ("path: m, when: null, otherwise: null, outputs: null, watch: null", Model(path="m")),
    ],
)
def test_what_may_be_said_of_a_model(text: str, expected: Model) -> None:
    assert model(text) == expected


@pytest.mark.parametrize(
    ("ensemble", "method", "members"),
    [
        ("mean: [a.p, b.p]", "mean", ("a.p", "b.p")),
        ("weighted_mean: {b.p: 2, a.p: 1}", "weighted_mean", ("b.p", "a.p")),
        ("max: [a.p, b.p]", "max", ("a.p", "b.p")),
        ("majority_vote: [c.p, a.p, b.p]", "majority_vote", ("c.p", "a.p", "b.p")),
    ],
)
def test_an_ensemble_has_a_method_and_members(ensemble: str, method: str, members: tuple[str, ...]) -> None:
    read = model(f"ensemble: {{{ensemble}}}")
    assert (read.kind, read.ensemble and read.ensemble.method, read.ensemble and read.ensemble.members) == (
        "ensemble",
        method,
        members,
    )


@pytest.mark.parametrize(("written", "value"), [("true", True), ("3", 3), ("3.0", 3.0), ("'3'", "3")])
def test_a_value_that_is_compared_keeps_its_type(written: str, value: bool | float | str) -> None:
    (condition,) = model(f"path: m, when: {{field: a, equals: {written}}}").when or ()
    assert (condition.equals, type(condition.equals)) == (value, type(value))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("signature: s", f": {ONE_OF}"),
        ("path: null", f": {ONE_OF}"),
        (f"path: m, url: '{URL}'", f": {ONE_OF}, not path and url"),
        ("path: ''", "path: empty; fill it in"),
        ("path: [m]", f"path: {TEXT}, not ['m']"),
        ("path: m, pth: n", "pth: unknown key; did you mean path?"),
        ("path: m, feautres: {x: v}", "feautres: unknown key; did you mean features?"),
        ("path: m, when: {feild: a, above: 1}", "when.feild: unknown key; did you mean field?"),
        ("path: m, signature: []", "signature: empty; fill it in"),
        ("path: m, signature: ''", "signature: empty; fill it in"),
        ("path: m, signature: 5", f"signature: {TEXT}, not 5"),
        ("path: m, signature: [a, 5]", f"signature.1: {TEXT}, not 5"),
        ("path: m, signature: [a, a]", "signature: a signature is named twice; name it once"),
        ("path: m, inputs: tensor", "inputs: write 'examples', 'tensors' or 'vectors', not 'tensor'"),
        ("path: m, features: {}", "features: empty; fill it in"),
        ("path: m, features: {x: 1.5}", "features.x: write a text, or a mapping as in {field: name}, not 1.5"),
        (
            "path: m, features: {x: {field: v, units: s}}",
            "features.x.units: unknown key; remove it or mend its spelling",
        ),
        ("path: m, outputs: {}", "outputs: empty; fill it in"),
        ("path: m, outputs: [a]", "outputs: write a mapping, as in {name: value}, not ['a']"),
        ("path: m, outputs: {o: 5}", "outputs.o: write a text, or a mapping as in {column: name}, not 5"),
        ("path: m, outputs: {o: ''}", "outputs.o: '' is no name; use letters, digits and _, not starting with a digit"),
        (
            "path: m, outputs: {o: a-b}",
            "outputs.o: 'a-b' is no name; use letters, digits and _, not starting with a digit",
        ),
        ("path: m, outputs: {o: {type: INT64}}", "outputs.o.column: missing; add it"),
        (
            "path: m, outputs: {o: {column: c, type: FLOAT}}",
            "outputs.o.type: write 'FLOAT64', 'INT64', 'STRING' or 'BOOL', not 'FLOAT'",
        ),
        ("path: m, outputs: {o: {column: c, repeated: 1}}", "outputs.o.repeated: write true or false, not 1"),
        (
            "path: m, outputs: {1: a}",
            "outputs: 1 is no name; write a text, in quotes where YAML takes it for something else",
        ),
        ("path: m, timeout: 10", "timeout: 10 is not a duration; write a number and ms, s, m, h or d, as in 60s"),
        ("path: m, watch: 0s", "watch: '0s' is not between 1ms and 10000d"),
        ("path: m, batch_size: 0", "batch_size: write 1 or more, not 0"),
        ("path: m, batch_size: 1.5", "batch_size: write a whole number, not 1.5"),
        ("path: m, otherwise: false", "otherwise: write true, or remove it"),
        ("path: m, otherwise: 1", "otherwise: write true, or remove it"),
        (
            "path: m, otherwise: true, when: {field: a, equals: 1}",
            ": otherwise takes what no `when` takes; keep one of them",
        ),
    ],
)
def test_a_mistake_in_any_model(text: str, line: str) -> None:
    assert mistakes(text) == [line]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "url: 'http://host:8501'",
            "url: 'http://host:8501' is no URL of a model; write http://HOST:8501/v1/models/NAME",
        ),
        *(
            (f"url: '{url}'", f"url: '{url}' is no URL of a model; write http://HOST:8501/v1/models/NAME")
            for url in ("http://my host/v1/models/m", "http://h/v1/my model", "http://h:65536/v1/m", "http://h:a/v1/m")
        ),
        *(
            (f"url: '{URL}:{verb}'", f"url: '{URL}:{verb}' names a method; write the URL of the model alone, {URL}")
            for verb in ("predict", "classify", "regress")
        ),
        (
            "url: host/v1/models/m",
            "url: 'host/v1/models/m' is no URL of a model; write http://HOST:8501/v1/models/NAME",
        ),
        ("endpoint: '123'", "endpoint: '123' is no endpoint; write projects/P/locations/L/endpoints/E"),
        (f"url: '{URL}'", ": the outputs of a remote model are not known here; list them under outputs"),
        (f"endpoint: {ENDPOINT}", ": the outputs of a remote model are not known here; list them under outputs"),
        (f"url: '{URL}', outputs: {{o: p}}, watch: 5s", ": watch means nothing beside url; remove it"),
        (
            f"url: '{URL}', outputs: {{o: p}}, signature: [a, b]",
            ": a remote model is called by one signature; keep one of them",
        ),
        (
            f"endpoint: {ENDPOINT}, outputs: {{o: p}}, signature: a",
            ": signature means nothing beside endpoint; remove it",
        ),
        (
            "path: m, inputs: vectors",
            ": vectors are for remote models, and a SavedModel shows its shapes; write inputs: tensors",
        ),
    ],
)
def test_a_mistake_in_a_remote_model(text: str, line: str) -> None:
    assert mistakes(text) == [line]


@pytest.mark.parametrize(
    ("ensemble", "line"),
    [
        ("{}", f"ensemble: say one of {METHODS}"),
        ("{mean: [a.p, b.p], max: [a.p, b.p]}", f"ensemble: say one of {METHODS}, not mean and max"),
        ("mean", "ensemble: write a mapping, as in {name: value}, not 'mean'"),
        ("{median: [a.p, b.p]}", f"ensemble.median: unknown key; the methods are {METHODS}"),
        ("{mean: [a.p, b.p], at_leats: 1}", "ensemble.at_leats: unknown key; did you mean at_least?"),
        ("{mean: []}", "ensemble.mean: empty; fill it in"),
        ("{mean: [a.p]}", "ensemble.mean: write at least 2 of them, not 1"),
        ("{mean: a.p}", "ensemble.mean: write a list, as in [one, another], not 'a.p'"),
        ("{mean: [a.p, 5]}", f"ensemble.mean.1: {TEXT}, not 5"),
        ("{mean: [a.p, a.p]}", "ensemble: a member is named twice; weigh it instead, by weighted_mean"),
        ("{weighted_mean: {a.p: 1}}", "ensemble.weighted_mean: write at least 2 of them, not 1"),
        (
            "{weighted_mean: [a.p, b.p]}",
            "ensemble.weighted_mean: write a mapping, as in {name: value}, not ['a.p', 'b.p']",
        ),
        ("{weighted_mean: {a.p: 1, b.p: 0}}", "ensemble.weighted_mean.b.p: write more than 0, not 0"),
        ("{weighted_mean: {a.p: 1, b.p: x}}", "ensemble.weighted_mean.b.p: write a number, not 'x'"),
        ("{weighted_mean: {a.p: 1, b.p: true}}", "ensemble.weighted_mean.b.p: write a number, not True"),
        ("{weighted_mean: {a.p: 1, b.p: .inf}}", "ensemble.weighted_mean.b.p: write a finite number, not inf"),
        ("{weighted_mean: {a.p: 1, b.p: }}", "ensemble.weighted_mean.b.p: empty; fill it in"),
        ("{mean: [a.p, b.p], at_least: 3}", "ensemble: at_least 3 of 2 members can never be; lower it"),
        ("{mean: [a.p, b.p], at_least: 0}", "ensemble.at_least: write 1 or more, not 0"),
        ("{mean: [a.p, b.p]}, timeout: 5s", ": timeout means nothing beside ensemble; remove it"),
        ("{mean: [a.p, b.p]}, features: {x: v}", ": features means nothing beside ensemble; remove it"),
    ],
)
def test_a_mistake_in_an_ensemble(ensemble: str, line: str) -> None:
    assert mistakes(f"ensemble: {ensemble}") == [line]


@pytest.mark.parametrize(
    ("when", "line"),
    [
        ("[]", "when: empty; fill it in"),
        ("5", "when: write a mapping, as in {name: value}, not 5"),
        ("{}", "when: name one thing to test, a field or an attribute"),
        ("{equals: 1}", "when: name one thing to test, a field or an attribute"),
        ("{field: a, attribute: b, equals: 1}", "when: name one thing to test, a field or an attribute"),
        ("{field: a}", "when: say what the value must be: equals, in, above or below"),
        ("{field: a, equals: 1, in: [1]}", "when: equals and in say the same thing; keep one"),
        ("{field: a, equal: 1}", "when.equal: unknown key; did you mean equals?"),
        ("{field: a, above: 1e300}", "when.above: write 1.0e+300 (YAML takes 1e300 for a text)"),
        ("{field: a, above: -1.5e-3x}", "when.above: write a number, not '-1.5e-3x'"),
        ("{field: a, below: -2.5E7}", "when.below: write -2.5e+7 (YAML takes -2.5E7 for a text)"),
        ("{field: a, below: 1e999}", "when.below: write a number that 64 bits hold, not '1e999'"),
        ("{field: a, equals: }", "when.equals: empty; fill it in"),
        ("{field: a, equals: [1]}", f"when.equals: {SCALAR}, not [1]"),
        ("{field: a, equals: .nan}", f"when.equals: {SCALAR}, not nan"),
        ("{field: a, in: 5}", "when.in: write a list, as in [one, another], not 5"),
        ("{field: a, in: []}", "when.in: empty; fill it in"),
        ("{field: a, in: [1, {b: 1}]}", f"when.in.1: {SCALAR}, not {{'b': 1}}"),
        ("{field: a, above: x}", "when.above: write a number, not 'x'"),
        ("{field: a, above: true}", "when.above: write a number, not True"),
        ("{field: a, below: .nan}", "when.below: write a number, not nan"),
        ("{attribute: '', equals: a}", "when.attribute: empty; fill it in"),
        ("[{field: a, equals: 1}, {field: b}]", "when.1: say what the value must be: equals, in, above or below"),
        ("[{field: a, equals: 1}, {field: b, below: y}]", "when.1.below: write a number, not 'y'"),
    ],
)
def test_a_mistake_in_a_condition(when: str, line: str) -> None:
    assert mistakes(f"path: m, when: {when}") == [line]


def test_all_mistakes_of_a_model_are_found_at_once() -> None:
    text = "path: '', signature: [a, ''], when: [{field: a, above: x}, {field: ''}], outputs: {o: 1x}, batch_size: 0"
    assert mistakes(text) == [
        "path: empty; fill it in",
        "signature.1: empty; fill it in",
        "outputs.o: '1x' is no name; use letters, digits and _, not starting with a digit",
        "when.0.above: write a number, not 'x'",
        "when.1.field: empty; fill it in",
        "batch_size: write 1 or more, not 0",
    ]
