"""The job file: what may stand in it, and every mistake with its place."""

import hashlib
import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from streaming.errors import Mistakes
from streaming.job import EventTime, Job, Message, Window, json_schema, load_job, parse_job
from streaming.job_models import Model
from streaming.job_parts import Feature, Reference

ROOT = Path(__file__).parent.parent
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
SHORTEST = """
message: {format: json, schema: s.avsc, key: {attribute: device}}
window: {fixed: 5m}
models: {m: {path: m}}
"""
MESSAGE = "{format: avro, schema: s.avsc, key: k}"
TEXT = "write a text, in quotes where YAML takes it for something else"
MAPPING = "models: write a mapping, as in {name: value}, not 5"
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


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("message: {\n", "jobs/job.yaml, line 2: not YAML: expected the node content, but found '<stream end>'"),
        ("a: 1\nb: 2\na: 3\n", "jobs/job.yaml, line 3: not YAML: the key 'a' stands twice"),
        ("a:\n  b: 1\n  b: 2\n", "jobs/job.yaml, line 3: not YAML: the key 'b' stands twice"),
        ("a: 1\n'a': 2", "jobs/job.yaml, line 2: not YAML: the key 'a' stands twice"),
        ("a: 1\n{[b]: 1}: 2", "jobs/job.yaml, line 2: not YAML: found unhashable key"),
        ("a: *b\n", "jobs/job.yaml, line 1: not YAML: found undefined alias 'b'"),
        (
            "\na: !!python/object/apply:os.system [true]",
            "jobs/job.yaml, line 2: not YAML: could not determine a constructor for the tag "
            "'tag:yaml.org,2002:python/object/apply:os.system'",
        ),
        (
            "a: \x00",
            "jobs/job.yaml: not YAML: unacceptable character #x0000: special characters are not allowed "
            'in "<unicode string>", position 3',
        ),
        ("", "jobs/job.yaml: a job file is a mapping with message, window and models"),
        ("- a", "jobs/job.yaml: a job file is a mapping with message, window and models"),
        ("job", "jobs/job.yaml: a job file is a mapping with message, window and models"),
    ],
)
def test_no_yaml_or_no_mapping(text: str, line: str) -> None:
    assert mistakes(text) == [line]


def test_yaml_that_is_nested_too_deeply() -> None:
    (line,) = mistakes("[" * 1000)
    assert line.startswith("jobs/job.yaml: not YAML: maximum recursion depth exceeded")


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("message:\nwindow: {}\nmodels: 5", ["message: empty; fill it in", "window.fixed: missing; add it", MAPPING]),
        ("{}", ["message: missing; add it", "window: missing; add it", "models: missing; add it"]),
        (job_with(extra="1"), ["extra: unknown key; remove it or mend its spelling"]),
        (job_with(**{"1": "1"}), ["1: unknown key; remove it or mend its spelling"]),
        (message_with(kee="k"), ["message.kee: unknown key; did you mean key?"]),
        (message_with(format="xml"), ["message.format: write 'avro' or 'json', not 'xml'"]),
        (message_with(schema="''"), ["message.schema: empty; fill it in"]),
        (message_with(schema="5"), [f"message.schema: {TEXT}, not 5"]),
        (message_with(key="5"), ["message.key: write a text, or a mapping as in {field: name}, not 5"]),
        (message_with(key="''"), ["message.key: empty; fill it in"]),
        (message_with(key="{}"), ["message.key: name a field, or write {attribute: NAME}"]),
        (message_with(id="{field: a, attribute: b}"), ["message.id: name a field, or write {attribute: NAME}"]),
        (
            message_with(event_time="{field: a, attribute: b}"),
            ["message.event_time: name a field or an attribute, not both"],
        ),
        (message_with(event_time="{unit: s}"), ["message.event_time: a unit goes with a field"]),
        (
            message_with(event_time="{field: a, unit: ns}"),
            ["message.event_time.unit: write 's', 'ms' or 'us', not 'ns'"],
        ),
        (
            message_with(event_time="{max_past: 0s, max_future: 1y}"),
            [
                "message.event_time.max_past: '0s' is not between 1ms and 10000d",
                "message.event_time.max_future: '1y' is not a duration; write a number and ms, s, m, h or d, as in 60s",
            ],
        ),
        (job_with(window="60s"), ["window: write a mapping, as in {name: value}, not '60s'"]),
        (
            job_with(window="{fixed: 60}"),
            ["window.fixed: 60 is not a duration; write a number and ms, s, m, h or d, as in 60s"],
        ),
        (job_with(features="{}"), ["features: empty; fill it in"]),
        (job_with(features="{x: }"), ["features.x: empty; fill it in"]),
        (job_with(features="{x: {default: 1}}"), ["features.x.field: missing; add it"]),
        (job_with(features="{x: {field: v, default: [1]}}"), ["features.x.default: [1] is no number, text or boolean"]),
        (
            job_with(features="{'': v}"),
            ["features: '' is no name; write a text, in quotes where YAML takes it for something else"],
        ),
        (
            job_with(features="{on: v}"),
            ["features: True is no name; write a text, in quotes where YAML takes it for something else"],
        ),
        (job_with(models="{}"), ["models: empty; fill it in"]),
        (job_with(models="[m]"), ["models: write a mapping, as in {name: value}, not ['m']"]),
        (
            job_with(models="{a b: {path: m}}"),
            ["models: 'a b' is no name; use letters, digits and _, not starting with a digit"],
        ),
    ],
)
def test_a_mistake_is_named_with_its_place(text: str, lines: list[str]) -> None:
    assert mistakes(text) == lines


@pytest.mark.parametrize("kind", ["sliding", "session", "sessions"])
def test_other_windows_are_refused_with_the_reason(kind: str) -> None:
    assert mistakes(job_with(window=f"{{{kind}: {{size: 60s}}}}")) == [
        f"window: {kind} windows mean something only for features aggregated per key, "
        "which this job does not have; write {fixed: 60s}"
    ]


def test_all_mistakes_are_found_at_once() -> None:
    text = """
message: {format: xml, schema: s.avsc, event_time: {unit: s}}
window: {sliding: 60s}
features: {x: 5, y: value}
models:
  good: {path: m}
  bad: {signature: '', outputs: {o: 1x}}
late: true
"""
    assert mistakes(text) == [
        "message.format: write 'avro' or 'json', not 'xml'",
        "message.key: missing; add it",
        "message.event_time: a unit goes with a field",
        "window: sliding windows mean something only for features aggregated per key, "
        "which this job does not have; write {fixed: 60s}",
        "features.x: write a text, or a mapping as in {field: name}, not 5",
        "models.bad.signature: empty; fill it in",
        "models.bad.outputs.o: '1x' is no name; use letters, digits and _, not starting with a digit",
        "late: unknown key; remove it or mend its spelling",
    ]


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
