"""Every mistake in a job file is named with its place."""

import pytest

from tests.job_texts import job_with, message_with, mistakes

TEXT = "write a text, in quotes where YAML takes it for something else"
MAPPING = "models: write a mapping, as in {name: value}, not 5"


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
