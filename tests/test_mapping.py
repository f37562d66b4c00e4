"""New names of steps, as a user gives them."""

from __future__ import annotations

from pathlib import Path

import pytest

from streaming.dataflow.mapping import read_mapping

FORM = 'write a JSON object of texts, as in \'{"OLD": "NEW", "REMOVED": ""}\''


@pytest.mark.parametrize("text", [None, "", "{}"])
def test_no_mapping(text: str | None) -> None:
    assert read_mapping(text) == ({}, [])


def test_a_mapping_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "mapping.json").write_text('{"a/b": "c", "d": ""}')
    assert read_mapping(str(tmp_path / "mapping.json")) == ({"a/b": "c", "d": ""}, [])


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "mapping.json"
    assert read_mapping(str(path)) == ({}, [f"--transform-name-mapping: no file {path}; {FORM}"])


@pytest.mark.parametrize("text", ['{"a": 1}', '{"a": null}', '{"a": {"b": "c"}}'])
def test_an_object_of_other_things(text: str) -> None:
    assert read_mapping(text) == ({}, [f"--transform-name-mapping: {text} is not one; {FORM}"])


@pytest.mark.parametrize("content", [b"[]", b'"a"', b"\xff"])
def test_a_file_of_something_else(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "mapping.json").write_bytes(content)
    mapping, (line,) = read_mapping(str(tmp_path / "mapping.json"))
    assert mapping == {}
    assert line.startswith("--transform-name-mapping: ")
    assert line.endswith(FORM)
