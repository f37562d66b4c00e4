"""The JSON schema of job files, which editors check them by."""

import json
import subprocess
import sys
from pathlib import Path

from streaming.job import json_schema

ROOT = Path(__file__).parent.parent


def test_the_json_schema_beside_the_code_is_up_to_date() -> None:
    assert (ROOT / "job.schema.json").read_text() == json_schema()


def test_the_module_prints_the_json_schema() -> None:
    printed = subprocess.run(
        [sys.executable, "-m", "streaming.job"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert (printed.stdout, printed.stderr) == (json_schema(), "")


def test_the_json_schema_gives_defaults_as_a_job_file_writes_them() -> None:
    (_, event_time) = json.loads(json_schema())["$defs"]["EventTime"]["anyOf"]
    defaults = {name: event_time["properties"][name]["default"] for name in ("max_past", "max_future")}
    assert defaults == {"max_past": "365d", "max_future": "1d"}


def test_the_json_schema_knows_short_forms_and_no_other_keys() -> None:
    schema = json.loads(json_schema())
    name = {"anyOf": [{"minLength": 1, "type": "string"}, {"type": "null"}], "default": None}
    description = "Where a text of the envelope comes from: a field of the message, or one of its attributes."
    assert schema["$defs"]["Reference"] == {
        "anyOf": [
            {"type": "string", "minLength": 1},
            {
                "additionalProperties": False,
                "description": description,
                "properties": {
                    "field": {**name, "description": "field of the message schema", "title": "Field"},
                    "attribute": {**name, "description": "attribute of the Pub/Sub message", "title": "Attribute"},
                },
                "title": "Reference",
                "type": "object",
            },
        ]
    }
    assert (schema["required"], schema["additionalProperties"]) == (["message", "window", "models"], False)
