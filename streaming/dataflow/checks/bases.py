"""Checks of the images that the Dockerfile builds on: their tags stay, and their versions are the requirements'."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from streaming.dataflow.checks.findings import Finding
from streaming.dataflow.checks.requirements import BEAM, Pin
from streaming.dataflow.dockerfile import Dockerfile

_STAYS = re.compile(r"@sha256:[0-9a-f]{64}$|:[^/:]*(?:\d+\.\d+\.\d+|\d{8})[^/:]*$")  # a digest, a whole version, a date
_BEAM_IMAGE = re.compile(r"(?:^|/)beam_python[\d.]+_sdk(?::(\d+\.\d+\.\d+\w*))?")
_PYTHONS = (
    re.compile(r"(?:^|/)python:(?P<major>\d+)\.(?P<minor>\d+)"),
    re.compile(r"(?:^|/)beam_python(?P<major>\d+)\.(?P<minor>\d+)_sdk(?:[:@]|$)"),
    re.compile(r"(?:^|/)python(?P<major>3)(?P<minor>\d+)-template-launcher-base(?:[:@]|$)"),
)


class Base(NamedTuple):
    """An image that the Dockerfile builds on, and where it says so."""

    place: str
    image: str


def bases_of(dockerfile: Dockerfile, place: str) -> list[Base]:
    """The images, in their order."""
    return [Base(f"{place}:{line}", image) for line, image in dockerfile.bases()]


def check_tags(bases: Sequence[Base]) -> Iterator[Finding]:
    """Which of them are another image tomorrow."""
    for base in bases:
        if not _STAYS.search(base.image):
            wrong = f"{base.image} is a tag that moves"
            yield Finding("base-moves", base.place, wrong, "name a tag with a whole version or a date, or a digest")


def check_python(bases: Sequence[Base], requires: SpecifierSet, place: str) -> Iterator[Finding]:
    """Whether their Pythons are of one minor version, which is one of those that the package is for."""
    versions = {base.image: version for base in bases if (version := _python(base.image))}
    different = {*versions.values()}
    if len(different) > 1:
        pythons = ", ".join(f"{version} in {image}" for image, version in versions.items())
        yield Finding("python-version", place, f"more than one Python: {pythons}", "give all bases the same")
    elif different and not requires.contains(f"{(version := different.pop())}.99"):
        wrong = f"the bases have Python {version}, pyproject.toml asks for {requires}"
        yield Finding("python-version", place, wrong, "take bases with one of these")


def _python(image: str) -> str:
    """The minor version, as in `3.11`; empty if the name does not tell."""
    found = next((match for each in _PYTHONS if (match := each.search(image))), None)
    return f"{found['major']}.{found['minor']}" if found else ""


def check_beam(
    bases: Sequence[Base], pins: Sequence[Pin], asked: Mapping[str, Requirement], place: str
) -> Iterator[Finding]:
    """Whether Beam is the same in image, requirements.txt and pyproject.toml."""
    images = [match for base in bases if (match := _BEAM_IMAGE.search(base.image))]
    if not images:
        yield Finding(
            "beam-base-missing", place, "no base is Beam's SDK", "take one: apache/beam_pythonX.Y_sdk:VERSION"
        )
    versions = {match[1] for match in images if match[1]}  # of one without, `check_tags` says so
    installed = {pin.version for pin in pins if pin.name == BEAM and pin.version}
    specifier = asked[BEAM].specifier if BEAM in asked else SpecifierSet()
    if len(versions | installed) > 1 or not all(specifier.contains(each) for each in versions | installed):
        wrong = f"Beam is {_listed(versions)}, in requirements.txt {_listed(installed)}, in pyproject.toml {specifier}"
        yield Finding("beam-version", place, wrong, "give all three the same version")


def _listed(versions: set[str]) -> str:
    return " and ".join(sorted(versions)) or "unknown"
