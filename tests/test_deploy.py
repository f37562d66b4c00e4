"""What Terraform makes: every name resolves, the template takes the job's parameters, and no account may do more."""

from __future__ import annotations

import inspect
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from hcl2.api import load as load_hcl

from streaming.dataflow.commands.settings import Settings
from streaming.dataflow.commands.template import template
from streaming.dataflow.spec import PLACEHOLDER_IMAGE, spec

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
FILES = sorted(DEPLOY.glob("*.tf"))
README = (DEPLOY / "README.md").read_text(encoding="utf-8")
TEMPLATE = {one["name"]: one for one in spec(PLACEHOLDER_IMAGE)["metadata"]["parameters"]}


def load(path: Path) -> dict[str, Any]:
    with path.open(encoding="utf-8") as file:
        return load_hcl(file)


def blocks(kind: str) -> list[dict[str, Any]]:
    return [block for path in FILES for block in load(path).get(kind, [])]


def merged(kind: str) -> dict[str, Any]:
    return {name: body for block in blocks(kind) for name, body in block.items()}


def resources() -> Iterator[tuple[str, dict[str, Any]]]:
    """(`kind.name`, body) of each."""
    for block in blocks("resource"):
        for kind, named in block.items():
            yield from ((f"{kind}.{name}", body) for name, body in named.items())


VARIABLES, LOCALS, OUTPUTS = merged("variable"), merged("locals"), merged("output")
RESOURCES = dict(resources())
EXAMPLE = load(DEPLOY / "terraform.tfvars.example")

WORKER, LAUNCHER, BUILDER, PUBLISHER = (
    f"google_service_account.{name}" for name in ("worker", "launcher", "builder", "publisher")
)
PREDICTIONS, DEADLETTERS = "google_pubsub_topic.output[0]", "google_pubsub_topic.deadletters"
SUBSCRIPTION, IMAGES = "google_pubsub_subscription.input", "google_artifact_registry_repository.images"
JOBS, STAGING = "google_storage_bucket.jobs", "google_storage_bucket.staging"

BINDINGS = {
    (WORKER, "roles/dataflow.worker", "var.project"),
    (WORKER, "roles/pubsub.subscriber", SUBSCRIPTION),
    (WORKER, "roles/pubsub.viewer", SUBSCRIPTION),
    (WORKER, "roles/pubsub.publisher", PREDICTIONS),
    (WORKER, "roles/pubsub.viewer", PREDICTIONS),
    (WORKER, "roles/pubsub.publisher", DEADLETTERS),
    (WORKER, "roles/pubsub.viewer", DEADLETTERS),
    (WORKER, "roles/bigquery.dataEditor", "google_bigquery_dataset.output"),
    (WORKER, "roles/storage.objectViewer", JOBS),
    (WORKER, "roles/storage.objectUser", STAGING),
    (WORKER, "roles/artifactregistry.reader", IMAGES),
    (LAUNCHER, "roles/dataflow.developer", "var.project"),
    (LAUNCHER, "roles/iam.serviceAccountUser", WORKER),
    (LAUNCHER, "roles/storage.objectViewer", JOBS),
    (BUILDER, "roles/artifactregistry.writer", IMAGES),
    (BUILDER, "roles/storage.objectUser", JOBS),
    (PUBLISHER, "roles/pubsub.publisher", "google_pubsub_topic.input"),
    ("each.value in var.image_writers", "roles/artifactregistry.writer", IMAGES),
    ("each.value in var.impersonators", "roles/iam.serviceAccountTokenCreator", "local.accounts[each.value.account]"),
}
"""(who, role, on what): an account that may do more is a change of this list."""

MEMBERS = {
    **{f"${{{account}.member}}": account for account in (WORKER, LAUNCHER, BUILDER, PUBLISHER)},
    "${each.value}": "each.value in var.image_writers",
    "${each.value.member}": "each.value in var.impersonators",
}
PARENTS = {
    "google_artifact_registry_repository_iam_member": "repository",
    "google_bigquery_dataset_iam_member": "dataset_id",
    "google_project_iam_member": "project",
    "google_pubsub_subscription_iam_member": "subscription",
    "google_pubsub_topic_iam_member": "topic",
    "google_service_account_iam_member": "service_account_id",
    "google_storage_bucket_iam_member": "bucket",
}
GRANTS = [address for address in RESOURCES if "_iam_" in address]


def binding(address: str) -> tuple[str, str, str]:
    """(who, role, on what) of a resource that grants a role."""
    body = RESOURCES[address]
    parent = body[PARENTS[address.split(".", maxsplit=1)[0]]].removeprefix("${").removesuffix("}")
    return MEMBERS[body["member"]], body["role"], re.sub(r"\.(name|dataset_id)$", "", parent)


def texts(value: Any) -> Iterator[str]:
    """All texts in a parsed value, at any depth."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from texts(each)
    elif isinstance(value, str):
        yield value


def references() -> set[str]:
    """`var.x`, `local.x` and `google_kind.name` wherever they are spoken of in code."""
    code = "\n".join(text for path in FILES for text in texts(list(load(path).values())))
    return set(re.findall(r"\b(?:var|local|google_[a-z_]+)\.[a-z_]+", code))


COMPUTED = {
    "google_pubsub_subscription.id": "projects/${var.project}/subscriptions/{name}",
    "google_pubsub_topic.id": "projects/${var.project}/topics/{name}",
    "google_service_account.email": "{account_id}@${var.project}.iam.gserviceaccount.com",
    "google_storage_bucket.url": "gs://{name}",
    "google_artifact_registry_repository.registry_uri": "${var.region}-docker.pkg.dev/${var.project}/{repository_id}",
}
"""Attributes that the provider works out, by its documentation."""


def render(text: Any, variables: dict[str, Any]) -> Any:
    """The value of an expression of the few forms that `job.tf` and what it refers to are made of."""
    if not isinstance(text, str):
        return text
    if whole := re.fullmatch(r"\$\{(?:tostring\(|one\()?((?:var|local|google_)[\w.]+?(?:\[\*\][\w.]+)?)\)?\}", text):
        return look_up(whole[1], variables)
    if replaced := re.fullmatch(r'\$\{replace\((var\.\w+), "(.)", "(.)"\)\}', text):
        return look_up(replaced[1], variables).replace(*replaced.groups()[1:])
    return re.sub(r"\$\{([\w.]+)\}", lambda found: str(look_up(found[1], variables)), text)


def look_up(reference: str, variables: dict[str, Any]) -> Any:
    kind, name, *rest = reference.replace("[*]", "").split(".")
    if kind == "var":
        value = variables.get(name, VARIABLES[name].get("default"))
        return str(value).lower() if isinstance(value, bool) else value
    if kind == "local":
        return render(LOCALS[name], variables)
    body = RESOURCES[f"{kind}.{name}"]
    computed = COMPUTED.get(f"{kind}.{rest[0]}")
    if computed is None:
        return render(body[rest[0]], variables)
    named = re.sub(r"(?<!\$)\{(\w+)\}", lambda found: body[found[1]], computed)
    return render(named, variables)


def parameters(variables: dict[str, Any]) -> dict[str, str]:
    """The parameters that the job gets; null leaves one out."""
    rendered = {name: render(value, variables) for name, value in LOCALS["parameters"].items()}
    return {name: str(value) for name, value in rendered.items() if value is not None}


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


OF_A_STREAM = [name for name in TEMPLATE if name not in ("input_files", "input_table", "output_files", "output_format")]
"""What is deployed is a stream: its parameters are all but those of a job over stored data."""


def test_the_job_names_the_templates_parameters_in_their_order() -> None:
    assert list(LOCALS["parameters"]) == OF_A_STREAM
    assert RESOURCES["google_dataflow_flex_template_job.inference"]["parameters"] == "${local.given_parameters}"
    assert LOCALS["given_parameters"] == ("${{for name , value in local.parameters : name => value if value != null}}")


def test_the_parameters_by_default() -> None:
    assert parameters(EXAMPLE) == {
        "job_file": "gs://my-project-pumps-jobs/pumps/job.yaml",
        "input_subscription": "projects/my-project/subscriptions/pumps-readings",
        "output_table": "my-project.pumps.predictions",
        "output_topic": "projects/my-project/topics/pumps-predictions",
        "output_ordering": "false",
        "output_deadletter_table": "my-project.pumps.predictions_error_records",
        "output_deadletter_topic": "projects/my-project/topics/pumps-deadletters",
    }


def test_all_parameters() -> None:
    given = {"window_duration": "5m", "batch_size": 500, "batch_max_wait": "200ms", "output_ordering": True}
    assert parameters(EXAMPLE | given) == parameters(EXAMPLE) | {
        "window_duration": "5m",
        "batch_size": "500",
        "batch_max_wait": "200ms",
        "output_ordering": "true",
    }


@pytest.mark.parametrize("name", ["pumps", "water-works-42"])
def test_the_template_takes_the_parameters(name: str) -> None:
    given = {"name": name, "window_duration": "5m", "batch_size": 500, "batch_max_wait": "200ms"}
    values = parameters(EXAMPLE | given)
    assert list(values) == OF_A_STREAM
    refused = [name for name, value in values.items() if not re.fullmatch(TEMPLATE[name]["regexes"][0], value)]
    assert refused == []


def test_no_parameter_that_is_required_can_be_left_out() -> None:
    required = {name for name, parameter in TEMPLATE.items() if not parameter["isOptional"]}
    assert required <= set(parameters(EXAMPLE))


def test_the_job() -> None:
    job = dict(RESOURCES["google_dataflow_flex_template_job.inference"])
    granted = {address for address in GRANTS if binding(address)[0] == WORKER}
    assert set(job.pop("depends_on")) == {f"${{{address}}}" for address in granted}
    rendered = {key: render(value, EXAMPLE) for key, value in job.items()}
    assert rendered == {
        "provider": "${google-beta}",
        "count": "${var.launch_job ? 1 : 0}",
        "name": "pumps",
        "region": "europe-west4",
        "container_spec_gcs_path": "gs://my-project-pumps-jobs/templates/pubsub-inference-0.1.0.json",
        "parameters": LOCALS["given_parameters"],
        "sdk_container_image": "europe-west4-docker.pkg.dev/my-project/pumps/pubsub-inference:0.1.0",
        "service_account_email": "pumps-worker@my-project.iam.gserviceaccount.com",
        "staging_location": "gs://my-project-pumps-staging/staging",
        "temp_location": "gs://my-project-pumps-staging/temp",
        "machine_type": "n2-standard-2",
        "max_workers": 3,
        "launcher_machine_type": "e2-standard-2",
        "enable_streaming_engine": True,
        "additional_experiments": ["streaming_mode_${var.streaming_mode}"],
        "subnetwork": "regions/europe-west4/subnetworks/default",
        "ip_configuration": '${var.public_ips ? "WORKER_IP_PUBLIC" : "WORKER_IP_PRIVATE"}',
        "on_delete": "drain",
    }


def test_no_account_may_do_more() -> None:
    assert sorted(binding(address) for address in GRANTS) == sorted(BINDINGS)


def test_what_a_role_is_granted_for_stands_before_it() -> None:
    code = "\n".join(path.read_text(encoding="utf-8") for path in FILES)
    before = re.findall(r'(.*)\nresource "google_\w+_iam_member"', code)
    assert len(before) == len(GRANTS)
    assert [line for line in before if not re.fullmatch(r"# .*\.", line)] == []


def test_roles_are_granted_one_by_one_and_none_is_a_basic_one() -> None:
    assert {address.split(".")[0] for address in GRANTS} == set(PARENTS)
    roles = {role for text in texts(list(RESOURCES.values())) for role in re.findall(r"roles/[\w.]+", text)}
    assert roles == {role for _, role, _ in BINDINGS}
    assert roles & {"roles/owner", "roles/editor", "roles/viewer"} == set()


def test_the_accounts_are_apart_and_have_no_keys() -> None:
    ids = {address: body["account_id"] for address, body in RESOURCES.items() if "account_id" in body}
    accounts = {address: render(account_id, EXAMPLE) for address, account_id in ids.items()}
    assert accounts == {
        WORKER: "pumps-worker",
        LAUNCHER: "pumps-launcher",
        BUILDER: "pumps-builder",
        PUBLISHER: "pumps-publisher",
    }
    assert [address for address in RESOURCES if address.startswith("google_service_account_key.")] == []


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


def test_the_commands_know_the_flags_that_they_are_given() -> None:
    launch, render_template = OUTPUTS["launch_flags"]["value"], OUTPUTS["template_flags"]["value"]
    options = {name for field in fields(Settings) for name in (field.name, f"no_{field.name}")}
    assert {flag.replace("-", "_") for flag in re.findall(r"--([a-z][a-z-]+)", launch)} - options == set()
    assert "--${name}=${value}" in launch
    assert set(re.findall(r"--([a-z][a-z-]+)", render_template)) - set(inspect.signature(template).parameters) == set()


def test_the_readme_names_what_there_is() -> None:
    assert set(re.findall(r"\$\(get (\w+)\)", README)) - set(OUTPUTS) == set()
    assert set(re.findall(r"-var (\w+)=", README)) - set(VARIABLES) == set()
    assert set(re.findall(r"`(\w+\.tf)`", README)) <= {path.name for path in FILES}
    _, _, costs = README.partition("## What costs")
    first_cells = "".join(re.findall(r"^\| (`.*?) \|", costs, re.MULTILINE))
    settings = set(re.findall(r"`(\w+)(?: = [^`]+)?`", first_cells))
    assert settings - set(VARIABLES) == {"watch"}


def test_the_readme_says_who_may_do_what() -> None:
    table, _, _ = README.partition("## From zero")
    rows = "".join(re.findall(r"^\|.*\|.*\|.*\|$", table, re.MULTILINE))
    shown = set(re.findall(r"`([a-z]+\.[a-zA-Z]+)`", rows))
    accounts = {WORKER, LAUNCHER, BUILDER, PUBLISHER}
    assert shown == {role.removeprefix("roles/") for who, role, _ in BINDINGS if who in accounts}
