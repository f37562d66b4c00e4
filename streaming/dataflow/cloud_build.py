"""The configuration by which Cloud Build builds the image and pushes it."""

from __future__ import annotations

from typing import Any

import yaml

from streaming.dataflow.template import build_arguments

_BUILDER = "gcr.io/cloud-builders/docker"


def config(image: str, revision: str) -> bytes:
    """The file `cloudbuild.yaml`; paths in it are from the root of what is submitted."""
    return yaml.safe_dump(_document(image, revision), sort_keys=False).encode()


def is_config(content: bytes) -> bool:
    """Whether `config` has written it, for whatever image and revision, and nobody has changed it since."""
    try:
        document = yaml.safe_load(content)
        (image,) = document["images"]
        revision = next(word for word in document["steps"][0]["args"] if word.startswith("REVISION="))
    except (yaml.YAMLError, LookupError, TypeError, ValueError, AttributeError, StopIteration, RecursionError):
        return False
    return bool(document == _document(image, revision.removeprefix("REVISION=")))


def _document(image: str, revision: str) -> dict[str, Any]:
    return {"steps": [{"name": _BUILDER, "args": [*build_arguments(image, revision), "."]}], "images": [image]}
