"""What is known of a job without its models: its messages, the fields of its examples, the outputs that it lists."""

from pathlib import Path

import pytest

from producers.target import Target, target_of
from streaming.errors import Mistakes
from streaming.job import parse_job
from streaming.job_models import ModelOutput
from streaming.schema import load_schema

MULTIPLY = Path(__file__).parents[1] / "examples" / "multiply"
SCALARS = {"device_id", "event_time", "value"}


def target(models: str, features: str = "", key: str = "device_id") -> Target:
    """Of a job beside `examples/multiply/reading.avsc`."""
    message = f"{{format: avro, schema: reading.avsc, key: {key}, event_time: event_time}}"
    shared = f"features: {{{features}}}\n" if features else ""
    text = f"message: {message}\nwindow: {{fixed: 60s}}\n{shared}models: {{{models}}}\n"
    return target_of(parse_job(text, str(MULTIPLY / "job.yaml")))


def mistakes(models: str, features: str = "", key: str = "device_id") -> tuple[str, ...]:
    with pytest.raises(Mistakes) as raised:
        target(models, features, key)
    return raised.value.lines


def test_it_is_what_the_job_file_and_the_schema_say() -> None:
    job = parse_job((MULTIPLY / "job.yaml").read_text(), str(MULTIPLY / "job.yaml"))
    outputs = (ModelOutput(column="prediction"),)
    assert target_of(job) == Target(
        message=job.message,
        schema=load_schema(str(MULTIPLY / "reading.avsc")),
        example_fields=frozenset({"value"}),
        models={"times5": outputs, "times10": outputs},
        job_hash=job.hash,
    )


def test_a_model_may_leave_its_outputs_untold() -> None:
    assert target("nowhere: {path: no/such/model}").models == {"nowhere": None}


@pytest.mark.parametrize(
    ("models", "features", "fields"),
    [
        ("a: {path: m}", "", SCALARS),
        ("a: {path: m, inputs: examples}", "x: value, y: event_time, z: value", {"value", "event_time"}),
        ("a: {path: m, inputs: tensors}", "x: value", set()),
        ("a: {path: m, features: {x: value}}", "", set()),
        ("a: {path: m, features: {x: value}}, b: {path: m}", "x: event_time", {"event_time"}),
        ("a: {url: 'http://h/v1/models/a', outputs: {y: y}}", "x: value", set()),
        ("a: {url: 'http://h/v1/models/a', inputs: examples, outputs: {y: y}}", "x: value", {"value"}),
    ],
)
def test_the_example_holds_the_features_that_models_share(models: str, features: str, fields: set[str]) -> None:
    assert target(models, features).example_fields == fields


def test_every_mistake_in_the_message_and_the_features_is_named() -> None:
    assert mistakes("a: {path: m}", "x: valeu, y: a.output", key="device") == (
        "message.key: the schema has no field 'device'; did you mean device_id?",
        "features.x: the schema has no field 'valeu'; did you mean value?",
        "features.y: only a model's own features can take a.output; move it to models.NAME.features",
    )
    assert mistakes("a: {path: m, features: {x: value}}", "x: value") == (
        "features: no model takes them, each has features of its own; remove them",
    )


def test_without_a_schema_there_is_nothing_else_to_say(tmp_path: Path) -> None:
    job = parse_job((MULTIPLY / "job.yaml").read_text(), str(tmp_path / "job.yaml"))
    with pytest.raises(Mistakes) as raised:
        target_of(job)
    assert raised.value.lines == (f"message.schema: no file {tmp_path / 'reading.avsc'}",)
