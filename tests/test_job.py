"""The job file: what may stand in it, and where it is looked for."""

import hashlib
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from streaming.errors import Mistakes
from streaming.job import EventTime, Job, Message, Window, load_job, parse_job
from streaming.job_models import Model
from streaming.job_parts import Feature, Reference
from tests.job_texts import SHORTEST, job_with, message_with

WHOLE = """
message:
  format: avro
  schema: reading.avsc
  key: device_id
  id: reading_id
  event_time: event_time
window: {fixed: 60s}
features:
  x: value
models:
  times5:
    path: models/times5
    signature: serving_default
    outputs: {output_0: prediction}
  times10:
    path: models/times10
    features: {x: times5.prediction}
    outputs: {output_0: prediction}
"""

ABSENT = (
    "url",
    "endpoint",
    "ensemble",
    "inputs",
    "features",
    "outputs",
    "when",
    "otherwise",
    "timeout",
    "batch_size",
    "watch",
)


def said(text: str) -> dict[str, Any]:
    """What a job file says, whatever its text is like."""
    return parse_job(text, "job.yaml").model_dump()


def test_a_job_file_that_says_everything() -> None:
    job = Job(
        message=Message(
            format="avro",
            schema="reading.avsc",
            key=Reference(field="device_id"),
            id=Reference(field="reading_id"),
            event_time=EventTime(field="event_time"),
        ),
        window=Window(fixed=timedelta(seconds=60)),
        features={"x": Feature(field="value")},
        models={
            "times5": Model(path="models/times5", outputs={"output_0": "prediction"}),
            "times10": Model(
                path="models/times10",
                features={"x": Feature(field="times5.prediction")},
                outputs={"output_0": "prediction"},
            ),
        },
    )
    assert said(WHOLE) == job.model_dump()


def test_a_job_file_that_says_as_little_as_possible() -> None:
    job = parse_job(SHORTEST, "job.yaml")
    assert job.model_dump(by_alias=True) == {
        "message": {
            "format": "json",
            "schema": "s.avsc",
            "key": {"field": None, "attribute": "device"},
            "id": None,
            "event_time": {"field": None, "attribute": None, "unit": None, "max_past": "365d", "max_future": "1d"},
        },
        "window": {"fixed": "5m"},
        "features": None,
        "columns": None,
        "models": {"m": {"path": "m", "signature": ("serving_default",)} | dict.fromkeys(ABSENT)},
    }


@pytest.mark.parametrize(
    ("short", "long"),
    [
        (message_with(key="device"), message_with(key="{field: device}")),
        (message_with(id="reading"), message_with(id="{field: reading}")),
        (message_with(event_time="time"), message_with(event_time="{field: time}")),
        (message_with(event_time="publish_time"), message_with()),
        (message_with(event_time="publish_time"), message_with(event_time="{}")),
        (message_with(event_time="{max_past: 7d}"), message_with(event_time="{max_past: 168h, max_future: 24h}")),
        (job_with(features="{x: value}"), job_with(features="{x: {field: value}}")),
        (job_with(models="{m: {path: ./a/../m}}"), job_with()),
    ],
)
def test_short_forms(short: str, long: str) -> None:
    assert said(short) == said(long)


@pytest.mark.parametrize(("written", "value"), [("true", True), ("3", 3), ("0.5", 0.5), ("none", "none"), ("'3'", "3")])
def test_a_default_keeps_its_type(written: str, value: bool | float | str) -> None:
    job = parse_job(job_with(features=f"{{x: {{field: value, default: {written}}}}}"), "job.yaml")
    assert job.features == {"x": Feature(field="value", default=value)}
    assert type(job.features["x"].default) is type(value)


def test_a_job_is_frozen() -> None:
    with pytest.raises(ValidationError, match="Instance is frozen"):
        parse_job(SHORTEST, "job.yaml").window = Window(fixed=timedelta(seconds=1))  # type: ignore[misc]


@pytest.mark.parametrize(
    ("path", "named", "resolved"),
    [
        ("job.yaml", "m", "m"),
        ("job.yaml", "../m", "../m"),
        ("a/job.yaml", "m", "a/m"),
        ("a/job.yaml", "./b//m/", "a/b/m"),
        ("a/job.yaml", "../m", "m"),
        ("/a/job.yaml", "m", "/a/m"),
        ("/a/job.yaml", "/b/m", "/b/m"),
        ("/a/job.yaml", "gs://bucket/m", "gs://bucket/m"),
        ("gs://bucket/job.yaml", "m", "gs://bucket/m"),
        ("gs://bucket/a/job.yaml", "b/m", "gs://bucket/a/b/m"),
        ("gs://bucket/a/job.yaml", "../m", "gs://bucket/m"),
        ("gs://bucket/a/job.yaml", "gs://other/m", "gs://other/m"),
        ("gs://bucket/a/job.yaml", "/m", "/m"),
    ],
)
def test_relative_paths_start_at_the_job_file(path: str, named: str, resolved: str) -> None:
    job = parse_job(
        f"message: {{format: avro, schema: {named}, key: k}}\nwindow: {{fixed: 1m}}\nmodels: {{m: {{path: {named}}}}}",
        path,
    )
    assert (job.message.schema_path, job.models["m"].path) == (resolved, resolved)


def test_a_job_file_is_loaded_from_where_it_lies(tmp_path: Path) -> None:
    (tmp_path / "job.yaml").write_text(SHORTEST)
    assert load_job(str(tmp_path / "job.yaml")) == parse_job(SHORTEST, f"{tmp_path}/job.yaml")


def test_a_job_file_is_told_from_others_by_its_text(tmp_path: Path) -> None:
    (tmp_path / "job.yaml").write_text(SHORTEST)
    digest = hashlib.sha256(SHORTEST.encode()).hexdigest()
    assert load_job(str(tmp_path / "job.yaml")).hash == parse_job(SHORTEST, "other.yaml").hash == digest[:16]
    assert parse_job(SHORTEST + "\n", "job.yaml").hash != digest[:16]


def test_there_is_no_job_file(tmp_path: Path) -> None:
    with pytest.raises(Mistakes) as caught:
        load_job(f"{tmp_path}/job.yaml")
    assert caught.value.lines == (f"job_file: no file {tmp_path}/job.yaml; correct the path",)


def test_a_job_file_that_another_file_names_is_named_in_every_line(tmp_path: Path) -> None:
    path = str(tmp_path / "job.yaml")
    with pytest.raises(Mistakes) as missing:
        load_job(path, "scenario.yaml: job")
    assert missing.value.lines == (f"scenario.yaml: job: no file {path}; correct the path",)
    (tmp_path / "job.yaml").write_text(SHORTEST + "windows: 60s\n")
    with pytest.raises(Mistakes) as wrong:
        load_job(path, "scenario.yaml: job")
    assert wrong.value.lines == (f"{path}: windows: unknown key; did you mean window?",)
