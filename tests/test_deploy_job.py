"""The job that Terraform launches: the template takes its parameters, and the commands the flags that it prints."""

from __future__ import annotations

import inspect
import re
from dataclasses import fields

import pytest

from streaming.dataflow.commands.settings import Settings
from streaming.dataflow.commands.template import template
from tests.deploy_cases import (
    EXAMPLE,
    GRANTS,
    LOCALS,
    OUTPUTS,
    RESOURCES,
    TEMPLATE,
    WORKER,
    binding,
    parameters,
    render,
)

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


def test_the_commands_know_the_flags_that_they_are_given() -> None:
    launch, render_template = OUTPUTS["launch_flags"]["value"], OUTPUTS["template_flags"]["value"]
    options = {name for field in fields(Settings) for name in (field.name, f"no_{field.name}")}
    assert {flag.replace("-", "_") for flag in re.findall(r"--([a-z][a-z-]+)", launch)} - options == set()
    assert "--${name}=${value}" in launch
    assert set(re.findall(r"--([a-z][a-z-]+)", render_template)) - set(inspect.signature(template).parameters) == set()
