"""The checks of a template that need no cloud: of its specification, its image's recipe, and the requirements."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from streaming.dataflow.checks.bases import bases_of, check_beam, check_python, check_tags
from streaming.dataflow.checks.findings import Finding
from streaming.dataflow.checks.project import Project
from streaming.dataflow.checks.recipe import check_recipe
from streaming.dataflow.checks.requirements import check_requirements, read_pins
from streaming.dataflow.checks.specification import check_spec, is_spec
from streaming.dataflow.dockerfile import Dockerfile
from streaming.errors import one_line

__all__ = ["Finding", "check_image_recipe", "check_repository", "check_spec", "is_spec"]

SPEC = "flex_template.json"

_Read = TypeVar("_Read")


def check_repository(directory: Path) -> list[Finding]:
    """All that is wrong with the template's specification in the repository, and with what its image is made from."""
    findings: list[Finding] = []
    content = _read(directory, SPEC, "spec-missing", Path.read_bytes, findings)
    if content is not None:
        findings += check_spec(content, SPEC, rendered=False)
    return findings + check_image_recipe(directory)


def check_image_recipe(directory: Path) -> list[Finding]:
    """All that is wrong with Dockerfile, requirements.txt and pyproject.toml; what cannot be read is not checked."""
    findings: list[Finding] = []
    dockerfile = _read(directory, "Dockerfile", "dockerfile", _parsed(Dockerfile.parse), findings)
    pins = _read(directory, "requirements.txt", "requirements", _parsed(read_pins), findings)
    project = _read(directory, "pyproject.toml", "pyproject", _parsed(Project.parse), findings)
    if pins is not None and project is not None:
        findings += check_requirements(pins, project.requirements, "requirements.txt")
    if dockerfile is not None:
        bases = bases_of(dockerfile, "Dockerfile")
        findings += [*check_tags(bases), *check_recipe(dockerfile, directory, "Dockerfile")]
        if project is not None:
            findings += check_python(bases, project.python, "Dockerfile")
            findings += check_beam(bases, pins or [], project.requirements, "Dockerfile")
    return findings


def _parsed(parse: Callable[[str], _Read]) -> Callable[[Path], _Read]:
    return lambda path: parse(path.read_text(encoding="utf-8"))


def _read(
    directory: Path, file: str, name: str, read: Callable[[Path], _Read], findings: list[Finding]
) -> _Read | None:
    """What `read` makes of the file; nothing, and a finding more, where it cannot."""
    try:
        return read(directory / file)
    except FileNotFoundError:
        remedy = "run this in the repository's root, or name that with --directory"
        findings.append(Finding(name, file, "is not there", remedy))
    except (OSError, ValueError) as error:
        findings.append(Finding(name, file, f"cannot be read: {one_line(error)}", "correct it"))
    return None
