"""What Terraform makes: every name resolves, and what data goes through is kept as the job needs it."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from tests.deploy_cases import (
    DEPLOY,
    EXAMPLE,
    FILES,
    JOBS,
    LOCALS,
    OUTPUTS,
    README,
    RESOURCES,
    STAGING,
    VARIABLES,
    blocks,
    load,
    references,
    resources,
)


@pytest.mark.parametrize("path", [*FILES, DEPLOY / "terraform.tfvars.example"], ids=lambda path: path.name)
def test_every_file_is_read_and_says_something(path: Path) -> None:
    assert load(path)


def test_nothing_is_declared_twice() -> None:
    declared = [
        *(f"var.{name}" for block in blocks("variable") for name in block),
        *(f"output.{name}" for block in blocks("output") for name in block),
        *(f"local.{name}" for block in blocks("locals") for name in block),
        *(address for address, _ in resources()),
    ]
    assert [name for name, times in Counter(declared).items() if times > 1] == []


def test_every_variable_has_a_type_and_is_described() -> None:
    assert [name for name, body in VARIABLES.items() if not body.get("type")] == []
    assert [name for name, body in VARIABLES.items() if not re.fullmatch(r"\S.*\.", body.get("description", ""))] == []


def test_every_output_is_described() -> None:
    assert [name for name, body in OUTPUTS.items() if not re.fullmatch(r"\S.*\.", body.get("description", ""))] == []


def test_what_is_referred_to_is_declared_and_what_is_declared_is_referred_to() -> None:
    variables, values = {f"var.{name}" for name in VARIABLES}, {f"local.{name}" for name in LOCALS}
    found = references()
    assert found - variables - values - set(RESOURCES) == set()
    assert (variables | values) - found == set()


def test_the_example_sets_variables_and_all_that_have_no_default() -> None:
    assert set(EXAMPLE) - set(VARIABLES) == set()
    assert {name for name, body in VARIABLES.items() if "default" not in body} <= set(EXAMPLE)


def test_only_the_job_is_of_the_beta_provider() -> None:
    (terraform,) = blocks("terraform")
    (required,) = terraform["required_providers"]
    assert required == {
        "google": {"source": "hashicorp/google", "version": "~> 7.45"},
        "google-beta": {"source": "hashicorp/google-beta", "version": "~> 7.45"},
    }
    assert {address: body["provider"] for address, body in RESOURCES.items() if "provider" in body} == {
        "google_dataflow_flex_template_job.inference": "${google-beta}"
    }


def test_the_input_topic_and_its_subscription() -> None:
    (settings,) = RESOURCES["google_pubsub_topic.input"]["dynamic"]
    assert settings["schema_settings"]["content"] == [
        {"schema": "${google_pubsub_schema.reading.id}", "encoding": "${schema_settings.value}"}
    ]
    assert (DEPLOY / VARIABLES["schema_file"]["default"]).is_file()
    subscription = RESOURCES["google_pubsub_subscription.input"]
    assert subscription["topic"] == "${google_pubsub_topic.input.id}"
    assert subscription["expiration_policy"] == [{"ttl": ""}]
    assert {"dead_letter_policy", "retry_policy", "push_config", "filter"} & set(subscription) == set()


def test_dead_letters_are_kept() -> None:
    assert RESOURCES["google_pubsub_subscription.deadletters"]["topic"] == "${google_pubsub_topic.deadletters.id}"
    assert LOCALS["parameters"]["output_deadletter_topic"] == "${google_pubsub_topic.deadletters.id}"


def test_no_bucket_is_public_and_only_temporary_files_are_deleted() -> None:
    buckets = {name: body for name, body in RESOURCES.items() if name.startswith("google_storage_bucket.")}
    assert set(buckets) == {JOBS, STAGING}
    for body in buckets.values():
        assert (body["uniform_bucket_level_access"], body["public_access_prevention"]) == (True, "enforced")
    (rule,) = buckets[STAGING]["lifecycle_rule"]
    assert rule["condition"] == [{"age": "${var.temp_days}", "matches_prefix": ["temp/"]}]


def test_the_readme_names_what_there_is() -> None:
    assert set(re.findall(r"\$\(get (\w+)\)", README)) - set(OUTPUTS) == set()
    assert set(re.findall(r"-var (\w+)=", README)) - set(VARIABLES) == set()
    assert set(re.findall(r"`(\w+\.tf)`", README)) <= {path.name for path in FILES}
    _, _, costs = README.partition("## What costs")
    first_cells = "".join(re.findall(r"^\| (`.*?) \|", costs, re.MULTILINE))
    settings = set(re.findall(r"`(\w+)(?: = [^`]+)?`", first_cells))
    assert settings - set(VARIABLES) == {"watch"}
