"""The name of a container image: a registry, a path, and a tag or digest that says which of its versions."""

from __future__ import annotations

import re
from collections.abc import Iterator

from streaming.dataflow.checks.findings import Finding

_HOST = r"[a-z0-9-]+(?:\.[a-z0-9-]+)+(?::[0-9]+)?|localhost:[0-9]+"
_PART = r"[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*"
_IMAGE = re.compile(
    rf"(?:{_HOST})/{_PART}(?:/{_PART})*(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{{0,127}}))?(?P<digest>@sha256:[0-9a-f]{{64}})?"
)

FORM = "REGION-docker.pkg.dev/PROJECT/REPOSITORY/NAME:TAG"


def check_image(image: str, place: str) -> Iterator[Finding]:
    """What is wrong with an image that jobs are to be launched from."""
    match = _IMAGE.fullmatch(image)
    if match is None:
        yield Finding("image-name", place, f"{image!r} is not the name of an image in a registry", f"write {FORM}")
    elif match["digest"]:
        return
    elif match["tag"] is None:
        yield Finding("image-tag-missing", place, f"{image} has no tag, and so means latest", "add :TAG or @DIGEST")
    elif match["tag"] == "latest":
        wrong = f"{image} is another image after each push"
        yield Finding("image-tag-moves", place, wrong, "name a tag that stays, such as a version")
