"""Who may do what, where Terraform has been: no account may do more."""

from __future__ import annotations

import re

from tests.deploy_cases import (
    BUILDER,
    DEADLETTERS,
    EXAMPLE,
    FILES,
    GRANTS,
    IMAGES,
    JOBS,
    LAUNCHER,
    PARENTS,
    PREDICTIONS,
    PUBLISHER,
    README,
    RESOURCES,
    STAGING,
    SUBSCRIPTION,
    WORKER,
    binding,
    render,
    texts,
)

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


def test_the_readme_says_who_may_do_what() -> None:
    table, _, _ = README.partition("## From zero")
    rows = "".join(re.findall(r"^\|.*\|.*\|.*\|$", table, re.MULTILINE))
    shown = set(re.findall(r"`([a-z]+\.[a-zA-Z]+)`", rows))
    accounts = {WORKER, LAUNCHER, BUILDER, PUBLISHER}
    assert shown == {role.removeprefix("roles/") for who, role, _ in BINDINGS if who in accounts}
