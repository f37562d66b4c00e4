"""Checks of requirements.txt: all that pyproject.toml asks for is in it, with a version that it allows and a hash."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from streaming.dataflow.checks.findings import Finding

BEAM = "apache-beam"
_LOCK = "run make lock"


@dataclass(frozen=True)
class Pin:
    """A requirement of requirements.txt.

    Attributes:
        line: its first, from 1.
        name: in the normal form of package indexes.
        version: the only one that it allows; empty if it allows others.
        hashed: whether the package is held against a hash.
    """

    line: int
    name: str
    version: str
    hashed: bool


def read_pins(text: str) -> list[Pin]:
    """The requirements of requirements.txt.

    Raises:
        ValueError: a line is an option of pip, or nothing that pip knows.
    """
    return [_pin(line, entry) for line, entry in _entries(text)]


def check_requirements(pins: Sequence[Pin], asked: Mapping[str, Requirement], place: str) -> Iterator[Finding]:
    """What is wrong with the requirements, where `asked` are those of pyproject.toml by name.

    Of Beam's version nothing is said here: the image has a part in it.
    """
    for pin in pins:
        yield from _check_pin(pin, asked.get(pin.name), f"{place}:{pin.line}")
    for name in sorted(asked.keys() - {pin.name for pin in pins}):
        yield Finding("requirement-missing", place, f"{name}, which pyproject.toml asks for, is not in it", _LOCK)


def _entries(text: str) -> Iterator[tuple[int, str]]:
    """Each requirement with its options on one line, without comments, and the number of its first line."""
    first = 0
    parts: list[str] = []
    for number, line in enumerate(text.splitlines(), start=1):
        content = re.sub(r"(^|\s)#.*", "", line).strip()
        first = first if parts else number
        parts.append(content.removesuffix("\\"))
        if not content.endswith("\\"):
            if entry := " ".join(parts).strip():
                yield first, entry
            parts = []


def _pin(line: int, entry: str) -> Pin:
    name, *options = re.split(r"\s+--", entry)
    try:
        requirement = Requirement(name)
    except InvalidRequirement as error:
        raise ValueError(f"line {line}: {name!r} is no requirement") from error
    versions = [each.version for each in requirement.specifier if each.operator == "=="]
    only = versions[0] if len(versions) == len(requirement.specifier) == 1 and "*" not in versions[0] else ""
    return Pin(line, canonicalize_name(requirement.name), only, any(each.startswith("hash=") for each in options))


def _check_pin(pin: Pin, asked: Requirement | None, place: str) -> Iterator[Finding]:
    if not pin.hashed:
        yield Finding("hash-missing", place, f"{pin.name} has no hash to hold the download against", _LOCK)
    if not pin.version:
        yield Finding("requirement-unpinned", place, f"{pin.name} is not held to one version", _LOCK)
    elif asked and pin.name != BEAM and not asked.specifier.contains(pin.version, prereleases=True):
        wrong = f"{pin.name} is {pin.version}, pyproject.toml asks for {asked.specifier}"
        yield Finding("requirement-outside", place, wrong, _LOCK)
