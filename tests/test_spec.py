"""The template's specification: the service takes it, and its form takes what the program takes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any

import pytest
from google.cloud import dataflow_v1beta3
from hypothesis import given
from hypothesis import strategies as st
from pydantic import StringConstraints, TypeAdapter, ValidationError

from streaming.dataflow.spec import PLACEHOLDER_IMAGE, spec, text
from streaming.options import Parameters, read
from streaming.runners import beam_flags

ROOT = Path(__file__).parents[1]
IMAGE = "europe-west4-docker.pkg.dev/example.com/my-project/jobs/pubsub-inference@sha256:" + 64 * "0"
PARAMETERS: dict[str, dict[str, Any]] = {one["name"]: one for one in spec(IMAGE)["metadata"]["parameters"]}
OPTIONAL = [name for name, parameter in PARAMETERS.items() if parameter["isOptional"]]
REQUIRED = {
    "job_file": "gs://b/job.yaml",
    "input_subscription": "projects/p/subscriptions/s",
    "output_table": "p.d.predictions",
}


STORED = {"job_file": "gs://b/job.yaml", "input_files": "gs://b/r/*.avro", "output_files": "gs://b/out"}
OF_STORED = ("input_files", "input_table", "output_files", "output_format")
INSTEAD = {"input_subscription": STORED, "output_table": STORED}
"""What a job is given where it goes without the parameter."""


def beside(name: str, value: str) -> dict[str, str]:
    """What a job is given beside the parameter, so that nothing but its value can be wrong."""
    if not value:
        return INSTEAD.get(name, REQUIRED)
    if name not in OF_STORED:
        return REQUIRED
    return {key: text for key, text in STORED.items() if (key, name) != ("input_files", "input_table")}


def form_takes(name: str, value: str) -> bool:
    """Whether the template's regular expression takes the value: in Python's engine and in one of RE2's kind."""
    (regex,) = PARAMETERS[name]["regexes"]
    taken = re.fullmatch(regex, value) is not None
    linear = TypeAdapter(Annotated[str, StringConstraints(pattern=regex)])
    try:
        linear.validate_python(value)
    except ValidationError:
        assert not taken
    else:
        assert taken
    return taken


def program_takes(name: str, value: str) -> bool:
    _, _, mistakes = read([f"--{key}={text}" for key, text in (beside(name, value) | {name: value}).items()])
    return not mistakes


def taken(name: str, value: str) -> bool:
    """What form and program both say of the value."""
    assert form_takes(name, value) == program_takes(name, value), (name, value)
    return form_takes(name, value)


def parameter_table() -> str:
    """The parameters as the table in the README."""
    lines = ["| parameter | default | meaning |", "|---|---|---|"]
    for parameter in PARAMETERS.values():
        default = parameter.get("defaultValue", "") if parameter["isOptional"] else "required"
        lines.append(f"| `--{parameter['name']}` | {default} | {parameter['helpText']} |")
    return "\n".join(lines)


def test_the_service_reads_it_and_loses_nothing() -> None:
    read_by_service = dataflow_v1beta3.ContainerSpec.from_json(text(spec(IMAGE)), ignore_unknown_fields=False)
    written = dataflow_v1beta3.ContainerSpec.to_json(
        read_by_service, use_integers_for_enums=False, always_print_fields_with_no_presence=False
    )
    whole = spec(IMAGE)
    for parameter in whole["metadata"]["parameters"]:
        if not parameter["isOptional"]:
            del parameter["isOptional"]  # the default, which the service leaves out
    assert json.loads(written) == whole


def test_a_field_that_the_service_does_not_know_would_be_found() -> None:
    with pytest.raises(Exception, match="no field named"):
        dataflow_v1beta3.ContainerSpec.from_json(text(spec(IMAGE) | {"colour": "red"}), ignore_unknown_fields=False)


def test_all_but_the_parameters() -> None:
    whole = spec(IMAGE)
    metadata = whole.pop("metadata")
    assert whole == {
        "image": IMAGE,
        "sdkInfo": {"language": "PYTHON"},
        "defaultEnvironment": {
            "enableStreamingEngine": True,
            "streamingMode": "STREAMING_MODE_AT_LEAST_ONCE",
            "sdkContainerImage": IMAGE,
        },
    }
    assert {key: value for key, value in metadata.items() if key not in ("parameters", "description")} == {
        "name": "Pub/Sub to BigQuery with TensorFlow Inference",
        "streaming": True,
        "supportsAtLeastOnce": True,
        "supportsExactlyOnce": True,
        "defaultStreamingMode": "AT_LEAST_ONCE",
    }


def test_a_parameter_whole() -> None:
    assert PARAMETERS["batch_size"] == {
        "name": "batch_size",
        "label": "Batch Size",
        "helpText": "The most rows of one model call; a batch also closes at 8 MB. For example, `500`.",
        "groupName": "Windows and Batches",
        "paramType": "NUMBER",
        "isOptional": True,
        "regexes": ["^$|^(?:[1-9][0-9]{0,3}|10000)$"],
        "defaultValue": "1000",
    }


def test_a_parameter_with_choices() -> None:
    assert PARAMETERS["output_format"]["enumOptions"] == [
        {"value": "parquet", "label": "parquet"},
        {"value": "prediction_log", "label": "prediction log"},
    ]


def test_the_words_say_which_inputs_exclude_each_other() -> None:
    words = {name: PARAMETERS[name]["helpText"] for name in ("input_subscription", "input_files", "input_table")}
    assert "give one of input_subscription, input_files and input_table" in words.pop("input_subscription")
    assert all("in the place of a subscription" in each for each in words.values())


def test_the_form_of_each_parameter() -> None:
    assert [(one["name"], one["groupName"], one["paramType"]) for one in PARAMETERS.values()] == [
        ("job_file", "Input", "GCS_READ_FILE"),
        ("input_subscription", "Input", "PUBSUB_SUBSCRIPTION"),
        ("input_files", "Input", "GCS_READ_FILE"),
        ("input_table", "Input", "BIGQUERY_TABLE"),
        ("output_table", "Output", "BIGQUERY_TABLE"),
        ("output_files", "Output", "GCS_WRITE_FOLDER"),
        ("output_format", "Output", "ENUM"),
        ("output_topic", "Output", "PUBSUB_TOPIC"),
        ("output_ordering", "Output", "BOOLEAN"),
        ("output_deadletter_table", "Dead Letters", "BIGQUERY_TABLE"),
        ("output_deadletter_topic", "Dead Letters", "PUBSUB_TOPIC"),
        ("window_duration", "Windows and Batches", "TEXT"),
        ("batch_size", "Windows and Batches", "NUMBER"),
        ("batch_max_wait", "Windows and Batches", "TEXT"),
    ]


def test_the_file_is_what_the_program_writes() -> None:
    command = [sys.executable, "-m", "streaming.dataflow.spec"]
    written = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True).stdout
    assert written == text(spec(PLACEHOLDER_IMAGE))
    assert (ROOT / "flex_template.json").read_text(encoding="utf-8") == written


def test_the_readme_has_the_parameters_as_a_table() -> None:
    assert f"\n\n{parameter_table()}\n\n" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_option_is_a_parameter_and_every_parameter_an_option() -> None:
    assert list(PARAMETERS) == list(Parameters.model_fields)


def test_no_name_is_one_of_dataflows() -> None:
    fields = (
        *dataflow_v1beta3.FlexTemplateRuntimeEnvironment.meta.fields,
        *dataflow_v1beta3.LaunchFlexTemplateParameter.meta.fields,
    )
    assert {"temp_location", "job_name"} <= set(fields)
    assert set(PARAMETERS) & ({flag.replace("-", "_") for flag in beam_flags()} | set(fields)) == set()


@pytest.mark.parametrize("name", PARAMETERS)
def test_the_words_are_fit_for_a_form(name: str) -> None:
    parameter = PARAMETERS[name]
    small = {"a", "for", "and", "of"}
    assert all(word[0].isupper() for word in parameter["label"].split() if word not in small)
    assert not parameter["label"].endswith(".")
    assert re.fullmatch(r"[A-Z][^.\n]*\. For example, `[^`]+`\.", parameter["helpText"])
    assert "|" not in parameter["helpText"]  # it stands in a table of Markdown, too


@pytest.mark.parametrize("name", PARAMETERS)
def test_the_example_is_taken(name: str) -> None:
    (example,) = re.findall("`(.+)`", PARAMETERS[name]["helpText"])
    assert taken(name, example)


@pytest.mark.parametrize("name", PARAMETERS)
def test_what_may_be_left_out_may_be_left_empty(name: str) -> None:
    assert taken(name, "") is (name in OPTIONAL)


@pytest.mark.parametrize("name", OPTIONAL)
def test_the_default_is_the_programs(name: str) -> None:
    default = PARAMETERS[name].get("defaultValue", "")
    assert taken(name, default)
    assert Parameters.model_validate(REQUIRED | ({name: default} if default else {})) == Parameters(**REQUIRED)
    assert (default == "") is (Parameters.model_fields[name].default is None)


@pytest.mark.parametrize("name", PARAMETERS)
def test_every_engine_understands_the_regular_expression(name: str) -> None:
    """RE2 counts to 1,000 and looks neither ahead nor back; JavaScript has no `\\p`; engines differ in `\\w`."""
    (regex,) = PARAMETERS[name]["regexes"]
    assert all(branch[0] == "^" and branch[-1] == "$" for branch in re.split(r"(?<=\$)\|", regex))
    assert re.findall(r"\((?!\?:)|\\[a-zA-Z]", regex.replace(r"\x", "").replace(r"\r\n", "")) == []
    assert all(int(count) <= 1000 for count in re.findall(r"[{,](\d+)}", regex))


@pytest.mark.parametrize("project", ["p", "my-project-1", "123456789", "example.com:my-project", "a.b.example.com:p"])
def test_a_project(project: str) -> None:
    assert taken("input_subscription", f"projects/{project}/subscriptions/s")
    assert taken("output_topic", f"projects/{project}/topics/t")
    assert taken("output_deadletter_topic", f"projects/{project}/topics/t")
    assert taken("output_table", f"{project}.d.t")
    assert taken("output_deadletter_table", f"{project}:d.t")


@pytest.mark.parametrize("project", ["", "a b", "p/q", "é", "p\n", "$p", "`p`"])
def test_no_project(project: str) -> None:
    assert not taken("input_subscription", f"projects/{project}/subscriptions/s")
    assert not taken("output_topic", f"projects/{project}/topics/t")
    assert not taken("output_deadletter_topic", f"projects/{project}/topics/t")
    assert not taken("output_table", f"{project}:d.t")
    assert not taken("output_deadletter_table", f"{project}.d.t")


@pytest.mark.parametrize("project", ["My-Project", "my_project", "example.com", "com:p", "p:", ":p", "-p"])
def test_no_project_of_a_table(project: str) -> None:
    assert not taken("output_table", f"{project}:d.t")
    assert not taken("output_deadletter_table", f"{project}.d.t")


@given(st.sampled_from(["output_topic", "output_deadletter_topic"]), st.text(max_size=12))
def test_topics(name: str, text: str) -> None:
    assert taken(name, f"projects/p/topics/{text}") is bool(re.fullmatch("[A-Za-z][A-Za-z0-9._~+%-]*", text))


@given(st.text(max_size=12))
def test_subscriptions(text: str) -> None:
    taken("input_subscription", f"projects/p/subscriptions/{text}")
    assert not taken("input_subscription", f"projects/p/topics/{text}")


NEAR_A_NAME = st.text(st.characters(max_codepoint=0x7F) | st.sampled_from("aZ09_-.: "), max_size=6)


@given(st.sampled_from(["output_table", "output_deadletter_table"]), NEAR_A_NAME, NEAR_A_NAME, NEAR_A_NAME)
def test_tables(name: str, project: str, dataset: str, table: str) -> None:
    taken(name, f"{project}.{dataset}.{table}")
    taken(name, f"p:{dataset}.{table}")
    taken(name, f"p.d.{table}")


@pytest.mark.parametrize("character", map(chr, range(128)))
def test_every_ascii_character_in_the_name_of_a_table(character: str) -> None:
    assert taken("output_table", f"p.d.t{character}t") is bool(re.fullmatch("[A-Za-z0-9_ -]", character))


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=12))
def test_a_table_that_the_program_takes_the_form_takes_in_every_script(table: str) -> None:
    if program_takes("output_table", f"p.d.{table}"):
        assert form_takes("output_table", f"p.d.{table}")


@given(
    st.sampled_from(["window_duration", "batch_max_wait"]),
    st.integers(0, 10_000),
    st.sampled_from(["ms", "s", "m", "h", "d"]),
    st.sampled_from(["", "0", "00"]),
)
def test_durations_up_to_the_longest(name: str, number: int, unit: str, zeros: str) -> None:
    assert taken(name, f"{zeros}{number}{unit}") is (number > 0)


@given(st.text(st.sampled_from("019.-+ smhdw\n٣"), max_size=6))
def test_other_durations(text: str) -> None:
    taken("window_duration", text)


@given(st.integers(-20_000, 20_000))
def test_sizes_of_batches(size: int) -> None:
    assert taken("batch_size", str(size)) is (1 <= size <= 10_000)


@given(st.text(st.sampled_from("019.-+_ e\n٣"), max_size=6) | st.sampled_from(["TRUE", "yes", "1", "on", "truefalse"]))
def test_numbers_and_booleans_are_taken_only_as_they_are_usually_written(text: str) -> None:
    for name in ("batch_size", "output_ordering"):
        assert program_takes(name, text) or not form_takes(name, text)


def test_booleans() -> None:
    assert taken("output_ordering", "true")
    assert taken("output_ordering", "false")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("gs://bucket/job.yaml", True),
        ("gs://my.bucket_1-x/a b/ü/job.yaml", True),
        ("gs://bucket/j", True),
        ("gs://bucket", False),
        ("gs://bucket/", False),
        ("gs://bucket/jobs/", False),
        ("gs:///job.yaml", False),
        ("gs://Bucket/job.yaml", False),
        ("gs://bucket/job.yaml\n", False),
        ("jobs/job.yaml", False),
    ],
)
def test_the_job_file_of_a_template_is_on_cloud_storage(path: str, expected: bool) -> None:
    assert form_takes("job_file", path) is expected
    assert program_takes("job_file", path)
