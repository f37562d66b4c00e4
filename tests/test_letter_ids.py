"""A job's own id of the message in a dead letter."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from producers.replaying.letter_ids import job_ids
from producers.replaying.letters import Letter
from streaming.job import parse_job

NOW = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
SCHEMA = {
    "type": "record",
    "name": "Reading",
    "fields": [{"name": "device", "type": "string"}, {"name": "number", "type": "long"}],
}
JOB = """
message: {format: json, schema: reading.avsc, key: device%s}
window: {fixed: 60s}
models: {a: {path: models/a, outputs: {y: y}}}
"""


def letter(message_id: str, payload: bytes, **attributes: str) -> Letter:
    return Letter("decode", "E", "", None, message_id, NOW, payload, attributes)


LETTERS = [
    letter("1", b'{"device": "d", "number": 7}', serial="s7"),
    letter("1", b'{"device": "d", "number": 7}', serial="s7"),
    letter("2", b"{", serial="s8"),
    letter(
        "3", b'{"device": "d", "number": 9}', error_original_googclient_schemaencoding="JSON", original_message_id="0"
    ),
]


@pytest.mark.parametrize(
    ("own", "ids"),
    [
        ("", ["1", "1", "2", "0"]),
        (", id: number", ["7", "7", None, "9"]),
        (", id: {attribute: serial}", ["s7", "s7", None, None]),
    ],
)
def test_ids_are_those_that_the_job_takes_from_a_message(tmp_path: Path, own: str, ids: list[str | None]) -> None:
    (tmp_path / "reading.avsc").write_text(json.dumps(SCHEMA))
    job = parse_job(JOB % own, str(tmp_path / "job.yaml"))
    assert job_ids(job)(LETTERS) == ids


def test_no_letters_have_no_ids(tmp_path: Path) -> None:
    (tmp_path / "reading.avsc").write_text(json.dumps(SCHEMA))
    assert job_ids(parse_job(JOB % ", id: number", str(tmp_path / "job.yaml")))([]) == []
