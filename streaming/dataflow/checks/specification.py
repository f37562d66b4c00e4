"""Checks of a rendered template: it is a `ContainerSpec`, and the one that this program would render."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from streaming.dataflow.checks.findings import Finding
from streaming.dataflow.checks.images import check_image
from streaming.dataflow.checks.parameters import check_parameters
from streaming.dataflow.spec import PLACEHOLDER_IMAGE, spec, text
from streaming.errors import one_line

_NAMES = {
    "sdkInfo.language": "sdk-language",
    "metadata.streaming": "streaming",
    "metadata.supportsAtLeastOnce": "at-least-once",
    "metadata.supportsExactlyOnce": "exactly-once",
    "metadata.defaultStreamingMode": "default-streaming-mode",
    "defaultEnvironment.enableStreamingEngine": "streaming-engine",
    "defaultEnvironment.streamingMode": "streaming-mode",
    "defaultEnvironment.sdkContainerImage": "worker-image",
}
"""The check of each field; that of the others is `spec-differs`."""

AGAIN = {True: "render the template again", False: "run make schema"}
"""What to do where a template, rendered for an image or kept in the repository, is not what it should be."""


def check_spec(content: bytes, place: str, *, rendered: bool) -> list[Finding]:
    """What is wrong with a template.

    Args:
        content: the file's.
        place: its path, for the findings.
        rendered: whether it is one to launch jobs from; the repository's own has an image to be filled in.
    """
    try:
        found = _as_service_reads(content.decode())
    except (ValueError, RecursionError) as error:
        return [Finding("spec-json", place, f"not JSON: {one_line(error)}", AGAIN[rendered])]
    except RefusedSpecError as error:
        return [Finding("spec-fields", place, f"the service refuses it: {one_line(error)}", AGAIN[rendered])]
    return [
        *_check_image(found.get("image", ""), f"{place}:image", rendered=rendered),
        *_compare(found, place, rendered),
    ]


def is_spec(content: bytes) -> bool:
    """Whether it is a template of this program's, of whatever version: the service takes it, and the name is ours."""
    try:
        found = _as_service_reads(content.decode())
    except (ValueError, RecursionError, RefusedSpecError):
        return False
    return bool(found.get("metadata", {}).get("name") == spec("")["metadata"]["name"])


class RefusedSpecError(Exception):
    """The document is no `ContainerSpec`: a field that it does not have, or a value that the field does not take."""


def _as_service_reads(text: str) -> dict[str, Any]:
    """The document in one form, whichever of those that the service takes it was written in, without unset fields.

    Raises:
        ValueError: it is not JSON.
        RefusedSpecError: the service does not take it.
    """
    from google.cloud.dataflow_v1beta3 import ContainerSpec
    from google.protobuf.json_format import ParseError

    if not isinstance(json.loads(text), dict):
        raise RefusedSpecError("it is no object")
    try:
        parsed = ContainerSpec.from_json(text, ignore_unknown_fields=False)
    except ParseError as error:
        raise RefusedSpecError(one_line(error).rstrip(".")) from error
    written = ContainerSpec.to_json(parsed, use_integers_for_enums=False, always_print_fields_with_no_presence=False)
    return dict(json.loads(written))


def _check_image(image: str, place: str, *, rendered: bool) -> Iterator[Finding]:
    if image != PLACEHOLDER_IMAGE:
        yield from check_image(image, place)
    elif rendered:
        yield Finding("image-placeholder", place, f"{image} is to be filled in", AGAIN[rendered])


def _compare(found: Mapping[str, Any], place: str, rendered: bool) -> Iterator[Finding]:
    fields = _flat(found)
    image = found.get("image") or fields.get("defaultEnvironment.sdkContainerImage", "")
    expected = _as_service_reads(text(spec(image)))
    wanted = _flat(expected)
    for path in wanted | fields:
        if path != "image" and fields.get(path) != wanted.get(path):
            yield _differs(path, fields.get(path), wanted.get(path), place, rendered)
    parameters = found.get("metadata", {}).get("parameters", [])
    yield from check_parameters(parameters, expected["metadata"]["parameters"], place, AGAIN[rendered])


def _flat(document: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """The fields by their paths, as in `metadata.name`, without the parameters."""
    found: dict[str, Any] = {}
    for name, value in document.items():
        path = f"{prefix}{name}"
        if isinstance(value, dict):
            found |= _flat(value, f"{path}.")
        elif path != "metadata.parameters":
            found[path] = value
    return found


def _differs(path: str, found: Any, wanted: Any, place: str, rendered: bool) -> Finding:
    wrong = f"is {'unset' if found is None else repr(found)}, not {'unset' if wanted is None else repr(wanted)}"
    return Finding(_NAMES.get(path, "spec-differs"), f"{place}:{path}", wrong, AGAIN[rendered])
