"""The images that a Dockerfile builds on stay as they are, and their Python and Beam are those of the package."""

from __future__ import annotations

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from streaming.dataflow.checks.bases import Base, bases_of, check_beam, check_python, check_tags
from streaming.dataflow.checks.findings import Finding
from streaming.dataflow.checks.requirements import Pin
from streaming.dataflow.dockerfile import Dockerfile

DIGEST = "@sha256:" + 64 * "0"
LAUNCHER = "gcr.io/dataflow-templates-base/python311-template-launcher-base:20260301-rc00"
BEAM = "apache/beam_python3.11_sdk"
ASKED = {"apache-beam": Requirement("apache-beam>=2.60,<3")}


def bases(*images: str) -> list[Base]:
    return [Base(f"Dockerfile:{line}", image) for line, image in enumerate(images, 1)]


def test_the_bases_are_where_the_dockerfile_names_them() -> None:
    dockerfile = Dockerfile.parse(f"ARG PYTHON=python:3.11.9-slim\nFROM $PYTHON AS build\nFROM {BEAM}:2.60.0\n")
    assert bases_of(dockerfile, "Dockerfile") == [
        Base("Dockerfile:2", "python:3.11.9-slim"),
        Base("Dockerfile:3", f"{BEAM}:2.60.0"),
    ]


@pytest.mark.parametrize(
    ("image", "moves"),
    [
        ("python:3.11.9-slim", False),
        (f"python:3.11{DIGEST}", False),
        (LAUNCHER, False),
        ("python:3.11-slim", True),
        ("python", True),
        ("registry:5000/python", True),
        (f"{BEAM}:latest", True),
    ],
)
def test_a_tag_stays_that_is_a_whole_version_a_date_or_a_digest(image: str, moves: bool) -> None:
    remedy = "name a tag with a whole version or a date, or a digest"
    finding = Finding("base-moves", "Dockerfile:1", f"{image} is a tag that moves", remedy)
    assert list(check_tags(bases(image))) == [finding] * moves


@pytest.mark.parametrize(
    ("images", "wrong", "remedy"),
    [
        (["python:3.11.9", f"{BEAM}:2.60.0", LAUNCHER, "debian:12"], "", ""),
        (["debian:12"], "", ""),
        (
            ["python:3.12.1", f"{BEAM}:2.60.0"],
            f"more than one Python: 3.12 in python:3.12.1, 3.11 in {BEAM}:2.60.0",
            "give all bases the same",
        ),
        (
            ["python:3.10.1"],
            "the bases have Python 3.10, pyproject.toml asks for >=3.11",
            "take bases with one of these",
        ),
    ],
)
def test_all_bases_have_one_python_that_the_package_is_for(images: list[str], wrong: str, remedy: str) -> None:
    found = list(check_python(bases(*images), SpecifierSet(">=3.11"), "Dockerfile"))
    assert found == ([Finding("python-version", "Dockerfile", wrong, remedy)] if wrong else [])


@pytest.mark.parametrize(
    ("image", "pinned", "wrong"),
    [
        (f"{BEAM}:2.60.0", "2.60.0", ""),
        (f"{BEAM}{DIGEST}", "2.60.0", ""),
        (f"{BEAM}:2.60.0", "2.61.0", "Beam is 2.60.0, in requirements.txt 2.61.0, in pyproject.toml"),
        (f"{BEAM}:2.59.0", "2.59.0", "Beam is 2.59.0, in requirements.txt 2.59.0, in pyproject.toml"),
        (f"{BEAM}{DIGEST}", "2.59.0", "Beam is unknown, in requirements.txt 2.59.0, in pyproject.toml"),
    ],
)
def test_beam_is_the_same_everywhere(image: str, pinned: str, wrong: str) -> None:
    found = list(check_beam(bases(image), [Pin(1, "apache-beam", pinned, True)], ASKED, "Dockerfile"))
    whole = f"{wrong} {ASKED['apache-beam'].specifier}"
    assert found == ([Finding("beam-version", "Dockerfile", whole, "give all three the same version")] if wrong else [])


def test_one_base_is_beam_s() -> None:
    remedy = "take one: apache/beam_pythonX.Y_sdk:VERSION"
    assert list(check_beam(bases("python:3.11.9"), [], {}, "Dockerfile")) == [
        Finding("beam-base-missing", "Dockerfile", "no base is Beam's SDK", remedy)
    ]
