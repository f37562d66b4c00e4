"""The job of a reading's device and value, as the tests of whole commands need it."""

from __future__ import annotations

import json
from pathlib import Path

SCHEMA = {
    "type": "record",
    "name": "Reading",
    "fields": [{"name": "device_id", "type": "string"}, {"name": "value", "type": "double"}],
}
JOB = """
message: {format: avro, schema: reading.avsc, key: device_id}
window: {fixed: 60s}
features: {x: value}
models:
  times5: {path: MODELS/times5, outputs: {output_0: prediction}}
"""


def write_job(directory: Path, models: Path) -> str:
    """Write the job file and the schema beside it; returns the path of the job file."""
    (directory / "reading.avsc").write_text(json.dumps(SCHEMA))
    path = directory / "job.yaml"
    path.write_text(JOB.replace("MODELS", str(models)))
    return str(path)
