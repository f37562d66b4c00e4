"""Files of YAML: mappings without a key twice, and where the paths in them lead."""

import pytest

from streaming.errors import Mistakes
from streaming.yaml_documents import beside, parse_document


def mistakes(text: str) -> list[str]:
    with pytest.raises(Mistakes) as caught:
        parse_document(text, "a/b.yaml", "a shopping list is a mapping with bread and butter")
    return list(caught.value.lines)


def test_a_mapping_is_read() -> None:
    assert parse_document("bread: {loaves: 2}\nbutter: [1.5, null, 'yes']\n", "b.yaml", "") == {
        "bread": {"loaves": 2},
        "butter": [1.5, None, "yes"],
    }


@pytest.mark.parametrize("text", ["", "- bread\n", "bread", "7"])
def test_what_is_no_mapping_is_refused(text: str) -> None:
    assert mistakes(text) == ["a/b.yaml: a shopping list is a mapping with bread and butter"]


def test_what_is_no_yaml_is_refused_with_its_line() -> None:
    assert mistakes("bread: {\n") == ["a/b.yaml, line 2: not YAML: expected the node content, but found '<stream end>'"]


@pytest.mark.parametrize(("text", "line"), [("a: 1\nb: 2\na: 3\n", 3), ("b:\n  - a: 1\n    'a': 2\n", 3)])
def test_a_key_that_stands_twice_is_refused_at_any_depth(text: str, line: int) -> None:
    assert mistakes(text) == [f"a/b.yaml, line {line}: not YAML: the key 'a' stands twice"]


def test_python_objects_are_refused() -> None:
    (line,) = mistakes("a: !!python/object/apply:os.getcwd []\n")
    assert line.startswith("a/b.yaml, line 1: not YAML: could not determine a constructor for the tag")


def test_characters_that_yaml_does_not_have_are_refused() -> None:
    (line,) = mistakes("a: \0")
    assert line.startswith("a/b.yaml: not YAML: unacceptable character #x0000")


@pytest.mark.parametrize(
    ("path", "other", "whole"),
    [
        ("jobs/job.yaml", "models/m", "jobs/models/m"),
        ("job.yaml", "m", "m"),
        ("jobs/job.yaml", "../m", "m"),
        ("jobs/job.yaml", "/m", "/m"),
        ("jobs/job.yaml", "gs://bucket/m", "gs://bucket/m"),
        ("gs://bucket/jobs/job.yaml", "../m", "gs://bucket/m"),
    ],
)
def test_a_relative_path_starts_beside_its_file(path: str, other: str, whole: str) -> None:
    assert beside(path, other) == whole
