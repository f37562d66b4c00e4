"""The Flex Template's specification: the image, and a form of the parameters that the service checks and shows."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

from streaming.options import Parameters

PLACEHOLDER_IMAGE = "REGION-docker.pkg.dev/PROJECT/REPOSITORY/pubsub-inference:VERSION"
_PARAM_TYPES = {"boolean": "BOOLEAN", "integer": "NUMBER", "string": "TEXT"}  # where the field names no picker


def spec(image: str) -> dict[str, Any]:
    """The template as a `google.dataflow.v1beta3.ContainerSpec`, in its JSON form.

    Args:
        image: the container image of launcher and workers, with its registry and a tag or digest.
    """
    return {
        "image": image,
        "sdkInfo": {"language": "PYTHON"},
        "metadata": {
            "name": "Pub/Sub to BigQuery with TensorFlow Inference",
            "description": "Reads keyed messages from Pub/Sub, runs them through TensorFlow models, and writes keyed "
            "predictions to BigQuery and Pub/Sub. What cannot be processed goes to dead letters with the reason. "
            "Given input_files or input_table in the place of input_subscription, it is a batch job over stored data.",
            "streaming": True,  # it can be; the graph that the launcher submits says whether this job is
            "supportsAtLeastOnce": True,
            "supportsExactlyOnce": True,
            "defaultStreamingMode": "AT_LEAST_ONCE",
            "parameters": _parameters(),
        },
        "defaultEnvironment": {
            "enableStreamingEngine": True,
            "streamingMode": "STREAMING_MODE_AT_LEAST_ONCE",  # of launches that name none
            "sdkContainerImage": image,
        },
    }


def _parameters() -> list[dict[str, Any]]:
    schema = Parameters.model_json_schema()
    return [_parameter(name, field, name in schema["required"]) for name, field in schema["properties"].items()]


def _parameter(name: str, field: Mapping[str, Any], required: bool) -> dict[str, Any]:
    """A `ParameterMetadata`; of `field`, a property of the parameters' JSON schema."""
    value = field["anyOf"][0] if "anyOf" in field else field  # `anyOf` a value or null
    choices = value.get("enum")
    parameter = {
        "name": name,
        "label": field["title"],
        "helpText": field["description"],
        "groupName": field["group"],
        "paramType": "ENUM" if choices else value.get("paramType") or _PARAM_TYPES[value["type"]],
        "isOptional": not required,
        "regexes": [value["pattern"] if required else f"^$|{value['pattern']}"],  # an empty text means unset
    }
    if choices:
        parameter["enumOptions"] = [{"value": choice, "label": choice.replace("_", " ")} for choice in choices]
    if field.get("default") is not None:
        parameter["defaultValue"] = str(field["default"]).lower()
    return parameter


def text(document: Mapping[str, Any]) -> str:
    """The document as the file that `gcloud dataflow flex-template run` reads from Cloud Storage."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(text(spec(PLACEHOLDER_IMAGE)))
