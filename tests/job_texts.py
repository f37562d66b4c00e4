"""The texts of job files, and the mistakes in them."""

import pytest

from streaming.errors import Mistakes
from streaming.job import parse_job

SHORTEST = """
message: {format: json, schema: s.avsc, key: {attribute: device}}
window: {fixed: 5m}
models: {m: {path: m}}
"""
MESSAGE = "{format: avro, schema: s.avsc, key: k}"


def mistakes(text: str) -> list[str]:
    with pytest.raises(Mistakes) as caught:
        parse_job(text, "jobs/job.yaml")
    return list(caught.value.lines)


def job_with(**parts: str) -> str:
    whole = {"message": MESSAGE, "window": "{fixed: 60s}", "models": "{m: {path: m}}"} | parts
    return "\n".join(f"{key}: {value}" for key, value in whole.items())


def message_with(**parts: str) -> str:
    whole = {"format": "avro", "schema": "s.avsc", "key": "k"} | parts
    return job_with(message=f"{{{', '.join(f'{key}: {value}' for key, value in whole.items())}}}")
