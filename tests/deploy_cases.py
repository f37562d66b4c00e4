"""The files of `deploy` as Terraform reads them, and what their expressions come to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hcl2.api import load as load_hcl

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
