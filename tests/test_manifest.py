"""Manifests, and what is said of a wrong one."""

import json
from pathlib import Path
from typing import Any

import pytest

from streaming.errors import Mistakes
from streaming.savedmodel.manifest import Golden, Listed, Manifest, read_manifest

GOLDEN = {"features": {"x": 2.0}, "outputs": {"output_0": 10.0}}


def read(directory: Path, text: str) -> Manifest:
    (directory / "manifest.json").write_text(text)
    return read_manifest(f"{directory}/manifest.json", "models.m.path")


def mistakes(directory: Path, text: str) -> list[str]:
    """The mistakes in a manifest, without the file's name."""
    with pytest.raises(Mistakes) as caught:
        read(directory, text)
    start = f"models.m.path: {directory}/manifest.json"
    assert all(line.startswith(start) for line in caught.value.lines)
    return [line.removeprefix(start) for line in caught.value.lines]


def test_a_manifest_that_says_all(tmp_path: Path) -> None:
    listed = {"fingerprint": "0123456789abcdef", "golden": [GOLDEN], "tolerance": 0.5}
    assert read(tmp_path, json.dumps({"current": "2", "generations": {"1": {}, "2": listed}})) == Manifest(
        current="2",
        generations={
            "1": Listed(fingerprint=None, golden=(), tolerance=1e-5),
            "2": Listed(
                fingerprint="0123456789abcdef",
                golden=(Golden(features={"x": 2.0}, outputs={"output_0": 10.0}),),
                tolerance=0.5,
            ),
        },
    )


def test_a_manifest_that_says_only_what_it_must(tmp_path: Path) -> None:
    assert read(tmp_path, '{"current": "2026-03-01"}') == Manifest(current="2026-03-01", generations={})


def test_values_keep_their_types(tmp_path: Path) -> None:
    values = {"float": 1.0, "int": 1, "bool": True, "text": "1", "list": [1.5, 2], "nothing": []}
    golden = {"features": values, "outputs": values}
    (example,) = (
        read(tmp_path, json.dumps({"current": "1", "generations": {"1": {"golden": [golden]}}})).generations["1"].golden
    )
    assert [
        {name: (type(each), each) for name, each in given.items()} for given in (example.features, example.outputs)
    ] == [{name: (type(each), each) for name, each in values.items()}] * 2


@pytest.mark.parametrize(
    ("document", "lines"),
    [
        ([], [": manifest: write an object, as in {}, not []"]),
        ({}, [": current: missing; add it"]),
        ({"current": 2}, [": current: write a text, in quotes, not 2"]),
        ({"current": "1", "curent": "2"}, [": curent: unknown key; remove it or correct its spelling"]),
        ({"current": "1", "generations": []}, [": generations: write an object, as in {}, not []"]),
        ({"current": "1", "generations": {"1": 3}}, [": generations.1: write an object, as in {}, not 3"]),
        *(
            (
                {"current": version},
                [f": current: {version!r} is no name of a subdirectory; use letters, digits, _, . and -"],
            )
            for version in ("", ".", "..", "../1", "a/b", "1 ", "-1")
        ),
        (
            {"current": "1", "generations": {"a/b": {}}},
            [": generations.a/b: 'a/b' is no name of a subdirectory; use letters, digits, _, . and -"],
        ),
    ],
)
def test_a_wrong_manifest(tmp_path: Path, document: Any, lines: list[str]) -> None:
    assert mistakes(tmp_path, json.dumps(document)) == lines


@pytest.mark.parametrize(
    ("key", "value", "lines"),
    [
        ("fingerprint", "xyz", ["fingerprint: 'xyz' is no fingerprint, which has 16 digits of 0-9 and a-f"]),
        ("tolerance", "1", ["tolerance: write a number, not '1'"]),
        ("tolerance", -1, ["tolerance: write 0 or more, not -1"]),
        ("golden", {}, ["golden: write a list, not {}"]),
        ("golden", [{}], ["golden.0.features: missing; add it", "golden.0.outputs: missing; add it"]),
        ("golden", [GOLDEN, GOLDEN | {"outputs": {}}], ["golden.1.outputs: empty; fill it in"]),
        (
            "golden",
            [GOLDEN | {"features": {"x": None, "y": [[1]]}}],
            [
                "golden.0.features.x: None is no number, text or boolean, nor a list of them",
                "golden.0.features.y: [[1]] is no number, text or boolean, nor a list of them",
            ],
        ),
    ],
)
def test_a_wrong_demand_of_a_generation(tmp_path: Path, key: str, value: Any, lines: list[str]) -> None:
    document = {"current": "1", "generations": {"1": {key: value}}}
    assert mistakes(tmp_path, json.dumps(document)) == [f": generations.1.{line}" for line in lines]


def test_every_mistake_is_named(tmp_path: Path) -> None:
    document = {"current": 1, "generations": {"1": {"tolerance": None, "note": "best so far"}}}
    assert mistakes(tmp_path, json.dumps(document)) == [
        ": current: write a text, in quotes, not 1",
        ": generations.1.tolerance: write a number, not None",
        ": generations.1.note: unknown key; remove it or correct its spelling",
    ]


def test_a_mistake_that_is_rare_is_told_in_pydantics_words(tmp_path: Path) -> None:
    assert mistakes(tmp_path, r'{"current": "1", "\ud800": "2"}') == [
        ": manifest: Input should be a valid string, unable to parse raw data as a unicode string"
    ]


def test_a_tolerance_without_end(tmp_path: Path) -> None:
    assert mistakes(tmp_path, '{"current": "1", "generations": {"1": {"tolerance": 1e999}}}') == [
        ": generations.1.tolerance: write a finite number, not inf"
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", " is not JSON: Expecting value: line 1 column 1 (char 0); correct it"),
        ('{"current": ', " is not JSON: Expecting value: line 1 column 13 (char 12); correct it"),
        ('{"current": "1", "current": "2"}', " is not JSON: the key 'current' stands twice in one object; correct it"),
        ('{"current": NaN}', " is not JSON: NaN is no number; correct it"),
        ("[" * 100_000, " is not JSON: maximum recursion depth exceeded while decoding a JSON array"),
    ],
)
def test_a_manifest_that_is_not_json(tmp_path: Path, text: str, line: str) -> None:
    (found,) = mistakes(tmp_path, text)
    assert found.startswith(line)


def test_a_manifest_that_is_not_text(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_bytes(b'{"current": "\xff"}')
    with pytest.raises(Mistakes, match=r"manifest\.json is not JSON: 'utf-8' codec can't decode byte 0xff"):
        read_manifest(f"{tmp_path}/manifest.json", "models.m.path")


def test_there_is_no_manifest(tmp_path: Path) -> None:
    with pytest.raises(Mistakes) as caught:
        read_manifest(f"{tmp_path}/manifest.json", "models.m.path")
    assert caught.value.lines == (f"models.m.path: no file {tmp_path}/manifest.json",)
