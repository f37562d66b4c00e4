"""The program and the template's form agree on values: what one takes the other takes, or the difference is meant."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from streaming.parameter_forms import Directory, File, OutputFormat, Span, Subscription, Table, Topic


def is_in_form(kind: Any, text: str) -> bool:
    """Whether the form's regular expression takes it, which the service holds against the whole value."""
    return re.fullmatch(TypeAdapter(kind).json_schema()["pattern"], text) is not None


def read(kind: Any, text: str) -> Any:
    """What the program makes of it; the words of what is wrong with it."""
    try:
        return TypeAdapter(kind).validate_python(text)
    except ValidationError as error:
        return [each["msg"] for each in error.errors()]


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (Subscription, "projects/my-project/subscriptions/readings", "projects/my-project/subscriptions/readings"),
        (Subscription, "projects/example.com:p/subscriptions/a.b-c_d~e+f%g", None),
        (Topic, "projects/p/topics/t", "projects/p/topics/t"),
        (Table, "my-project:data.predictions", "my-project.data.predictions"),
        (Table, "example.com:my-project.data.by day-1", "example.com:my-project.data.by day-1"),
        (Table, "p:d.größe", "p.d.größe"),
        (Span, "500ms", timedelta(milliseconds=500)),
        (Span, "0007d", timedelta(days=7)),
        (File, "gs://bucket/job.yaml", "gs://bucket/job.yaml"),
        (File, "gs://my_bucket.example.com/a/b c[1]", "gs://my_bucket.example.com/a/b c[1]"),
        (Directory, "gs://bucket/", "gs://bucket/"),
        (Directory, "gs://bucket/a/b c/", "gs://bucket/a/b c/"),
    ],
)
def test_what_both_take(kind: Any, text: str, value: object) -> None:
    assert is_in_form(kind, text)
    assert read(kind, text) == (text if value is None else value)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (Subscription, ""),
        (Subscription, "readings"),
        (Subscription, "projects/p/topics/t"),
        (Subscription, "projects/p/subscriptions/1a"),
        (Subscription, "projects/p/subscriptions/a/b"),
        (Subscription, "projects/p/subscriptions/a\n"),
        (Topic, "projects/p/subscriptions/s"),
        (Topic, "projects//topics/t"),
        (Table, "d.t"),
        (Table, "p:d.t.u"),
        (Table, "P:d.t"),
        (Table, "p:d-e.t"),
        (Table, "p:d.t\n"),
        (Table, "p:d.`t`"),
        (Span, ""),
        (Span, "60"),
        (Span, "1.5s"),
        (Span, "0s"),
        (Span, "-1s"),
        (Span, "1 s"),
        (Span, "1s\n"),
    ],
)
def test_what_neither_takes(kind: Any, text: str) -> None:
    assert not is_in_form(kind, text)
    (words,) = read(kind, text)
    assert isinstance(words, str)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (File, "job.yaml"),
        (File, "gs://bucket/"),
        (File, "gs://bucket/jobs/"),
        (File, "gs://bucket/job.yaml\n"),
        (File, "gs://Bucket/job.yaml"),
        (Directory, "out"),
        (Directory, "gs://bucket"),
        (Directory, "gs://bucket/part-*"),
        (Directory, "gs://bucket/a?"),
        (Directory, "gs://bucket/[a]"),
    ],
)
def test_paths_of_this_machine_and_patterns_are_the_program_s_alone(kind: Any, text: str) -> None:
    assert not is_in_form(kind, text)
    assert read(kind, text) == text


@pytest.mark.parametrize(
    ("kind", "text", "words"),
    [
        (Table, f"p:{1025 * 'd'}.t", f"'p:{1025 * 'd'}.t' is not a table; write PROJECT:DATASET.TABLE or "),
        (Span, "10001d", "'10001d' is not between 1ms and 10000d"),
    ],
)
def test_lengths_and_sizes_are_left_to_the_program(kind: Any, text: str, words: str) -> None:
    assert is_in_form(kind, text)
    (said,) = read(kind, text)
    assert said.startswith(f"Value error, {words}")


@pytest.mark.parametrize(
    ("kind", "picker"),
    [
        (Subscription, "PUBSUB_SUBSCRIPTION"),
        (Topic, "PUBSUB_TOPIC"),
        (Table, "BIGQUERY_TABLE"),
        (File, "GCS_READ_FILE"),
        (Directory, "GCS_WRITE_FOLDER"),
    ],
)
def test_the_console_s_picker(kind: Any, picker: str) -> None:
    schema = TypeAdapter(kind).json_schema()
    assert (schema["type"], schema["paramType"]) == ("string", picker)


def test_the_formats_of_output_files() -> None:
    assert TypeAdapter(OutputFormat).json_schema() == {"enum": ["parquet", "prediction_log"], "type": "string"}
