"""Cloud Build's configuration: what it has the builder do, and whether a file is still as it was written."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from streaming.dataflow.cloud_build import config, is_config

IMAGE = "europe-west4-docker.pkg.dev/my-project/jobs/pubsub-inference:1.4.0"
REVISION = "0123abc-dirty"
DOCUMENT: dict[str, Any] = {
    "steps": [
        {
            "name": "gcr.io/cloud-builders/docker",
            "args": [
                "build",
                "--platform",
                "linux/amd64",
                "--build-arg",
                f"REVISION={REVISION}",
                "--tag",
                IMAGE,
                ".",
            ],
        }
    ],
    "images": [IMAGE],
}


def test_the_image_is_built_from_what_is_submitted_and_pushed() -> None:
    assert yaml.safe_load(config(IMAGE, REVISION)) == DOCUMENT


@pytest.mark.parametrize("revision", [REVISION, "unknown", "", "a=b", "REVISION=x", "1e3", "é: [#"])
@pytest.mark.parametrize("image", [IMAGE, "null", "1.0", "é: [#"])
def test_what_is_written_is_known_again_for_every_image_and_revision(image: str, revision: str) -> None:
    assert is_config(config(image, revision))


def test_the_order_of_keys_and_comments_are_no_change() -> None:
    text = yaml.safe_dump(DOCUMENT, sort_keys=True)
    assert is_config(f"# by hand\n{text}".encode())


@pytest.mark.parametrize(
    "changed",
    [
        {**DOCUMENT, "timeout": "1200s"},
        {**DOCUMENT, "images": ["gcr.io/p/other:1"]},
        {**DOCUMENT, "images": [IMAGE, IMAGE]},
        {**DOCUMENT, "images": IMAGE},
        {**DOCUMENT, "steps": [*DOCUMENT["steps"], {"name": "bash"}]},
        {**DOCUMENT, "steps": [{**DOCUMENT["steps"][0], "dir": "src"}]},
        {**DOCUMENT, "steps": [{**DOCUMENT["steps"][0], "args": ["build", "."]}]},
        {**DOCUMENT, "steps": [{**DOCUMENT["steps"][0], "args": [1]}]},
        {**DOCUMENT, "steps": []},
        {"images": [IMAGE]},
        [],
        None,
        "text",
    ],
)
def test_what_somebody_has_changed_or_written_is_none(changed: Any) -> None:
    assert not is_config(yaml.safe_dump(changed).encode())


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe\xfd", b"a: [", b"\x00", b"a: 2026-99-99", b"? [a]\n: b", b"[" * 3000]
)
def test_what_is_no_yaml_is_none(content: bytes) -> None:
    assert not is_config(content)
