"""Templates that jobs can be launched from, and parameters held against their forms."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from google.cloud.dataflow_v1beta3 import ContainerSpec

from streaming.dataflow.parameters import Template, read_parameters, read_template
from streaming.dataflow.spec import PLACEHOLDER_IMAGE, spec, text
from streaming.errors import Mistakes
from tests.launch_cases import ARGUMENTS, IMAGE, PARAMETERS, TEMPLATE


@pytest.fixture
def template() -> Template:
    return Template("gs://bucket/template.json", ContainerSpec.from_json(TEMPLATE))


def mistakes(path: Path, document: Any) -> tuple[str, ...]:
    """What is said of a template with this content."""
    path.write_text(document if isinstance(document, str) else text(document))
    with pytest.raises(Mistakes) as caught:
        read_template(str(path))
    return caught.value.lines


def test_a_template_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "template.json"
    path.write_text(TEMPLATE)
    template = read_template(str(path))
    assert (template.path, template.is_remote, template.spec.image) == (str(path), False, IMAGE)
    assert [*template.parameters] == [each["name"] for each in spec(IMAGE)["metadata"]["parameters"]]


def test_a_template_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(Mistakes) as caught:
        read_template(str(tmp_path / "none"))
    assert caught.value.lines == (
        f"--template: no file {tmp_path}/none; `pubsub-inference template --output` writes one",
    )


@pytest.mark.parametrize(
    "document", ["", "{}", "[]", '{"image": 1}', {**spec(IMAGE), "unknown": 1}, {**spec(IMAGE), "metadata": {}}]
)
def test_a_file_that_is_no_template(tmp_path: Path, document: Any) -> None:
    path = tmp_path / "file"
    assert mistakes(path, document) == (
        f"--template: {path} is no template of this program; `pubsub-inference template` writes one",
    )


def test_a_template_that_was_never_rendered(tmp_path: Path) -> None:
    path = tmp_path / "file"
    assert mistakes(path, spec(PLACEHOLDER_IMAGE)) == (
        f"--template: {path}: {PLACEHOLDER_IMAGE} is to be filled in; render it again",
    )


def test_a_template_without_an_image_and_with_a_broken_form(tmp_path: Path) -> None:
    path = tmp_path / "file"
    document = json.loads(TEMPLATE)
    document["image"] = "pubsub-inference"
    document["metadata"]["parameters"][12]["regexes"] = ["(?=1)1", "[0-9]+"]
    assert mistakes(path, document) == (
        f"--template: {path}: 'pubsub-inference' is not the name of an image in a registry; render it again",
        f"--template: {path}: the regular expression '(?=1)1' of batch_size needs what RE2 has not: looking ahead or "
        "back, or references to groups; render it again",
    )


def test_parameters_in_every_way_of_writing_them(template: Template) -> None:
    given = [*ARGUMENTS, "--batch-size", "500", "--output-ordering", "--window_duration=", "--output_topic", ""]
    assert read_parameters(given, template) == (PARAMETERS | {"batch_size": "500", "output_ordering": "true"}, [])


@pytest.mark.parametrize(
    ("argument", "told"),
    [
        ("readings", "readings: no flag; write --name=value"),
        ("--batch_sise=5", "--batch_sise: no option, and no parameter of the template; did you mean --batch_size?"),
        ("--max_worker=5", "--max_worker: no option, and no parameter of the template; did you mean --max_workers?"),
        ("--zzz", "--zzz: no option, and no parameter of the template; --help lists those that there are"),
        ("--batch_size", "--batch_size: no value; write --batch_size=500"),
        (
            "--output_ordering=yes",
            "--output_ordering: 'yes' does not match ^$|^(?:true|false)$; write it as in --output_ordering=true",
        ),
        (f"{ARGUMENTS[0]}", "--job_file: given twice; keep one"),
    ],
)
def test_a_mistake_is_named(template: Template, argument: str, told: str) -> None:
    right, wrong = read_parameters([*ARGUMENTS, argument], template, ["max_workers"])
    assert wrong == [told]
    assert right.items() <= PARAMETERS.items()


def test_each_of_several_expressions_must_match(template: Template) -> None:
    template.parameters["batch_size"].regexes = ["[0-9]+", "[0-5]+"]
    assert read_parameters([*ARGUMENTS, "--batch_size=500"], template)[1] == []
    assert read_parameters([*ARGUMENTS, "--batch_size=600"], template)[1] == [
        "--batch_size: '600' does not match [0-5]+; write it as in --batch_size=500"
    ]


def test_an_expression_matches_the_whole_value(template: Template) -> None:
    template.parameters["batch_size"].regexes = ["1"]
    assert len(read_parameters([*ARGUMENTS, "--batch_size=10"], template)[1]) == 1


def test_a_parameter_that_this_template_does_not_have(template: Template) -> None:
    del template.spec.metadata.parameters[12]
    _, wrong = read_parameters([*ARGUMENTS, "--batch_size=10"], template)
    assert len(wrong) == 1
    assert wrong[0].startswith("--batch_size: no option, and no parameter of the template; ")
