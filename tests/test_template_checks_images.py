"""Names of images as registries take them, with a tag or digest that stays; and what is said of the others."""

from __future__ import annotations

import pytest

from streaming.dataflow.checks.findings import Finding
from streaming.dataflow.checks.images import FORM, check_image

IMAGE = "europe-west4-docker.pkg.dev/my-project/jobs/pubsub-inference"
DIGEST = "@sha256:" + 64 * "0"


@pytest.mark.parametrize(
    "image",
    [
        f"{IMAGE}:latest{DIGEST}",
        "europe-west4-docker.pkg.dev/example.com/my-project/jobs/a:1",
        "registry.example.com:5000/a--b/c.d/e_f:v1.0-rc_1",
        f"gcr.io/a:{128 * 'x'}",
    ],
)
def test_an_image_that_stays(image: str) -> None:
    assert list(check_image(image, "t.json:image")) == []


@pytest.mark.parametrize(
    "image",
    [
        "",
        "python:3.11",
        "my-project/jobs/image:1",
        "localhost/image:1",
        "gcr.io/:1",
        "gcr.io/a:",
        "gcr.io/a:-1",
        f"gcr.io/a:{129 * 'x'}",
        "gcr.io/a___b:1",
        "gcr.io/a//b:1",
        "gcr.io/a-:1",
        f"{IMAGE}:1\n",
        f"{IMAGE}@sha256:{63 * '0'}",
        f"{IMAGE}@sha256:{64 * 'A'}",
        f"https://{IMAGE}:1",
    ],
)
def test_a_text_that_names_no_image(image: str) -> None:
    wrong = f"{image!r} is not the name of an image in a registry"
    assert list(check_image(image, "t.json:image")) == [Finding("image-name", "t.json:image", wrong, f"write {FORM}")]


@pytest.mark.parametrize(
    ("image", "finding"),
    [
        (
            IMAGE,
            f"image-tag-missing: --image: {IMAGE} has no tag, and so means latest; add :TAG or @DIGEST",
        ),
        (
            f"{IMAGE}:latest",
            f"image-tag-moves: --image: {IMAGE}:latest is another image after each push; "
            "name a tag that stays, such as a version",
        ),
    ],
)
def test_an_image_that_moves(image: str, finding: str) -> None:
    assert [str(each) for each in check_image(image, "--image")] == [finding]
