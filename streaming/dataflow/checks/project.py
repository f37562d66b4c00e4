"""What pyproject.toml asks for."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name


@dataclass(frozen=True)
class Project:
    """The package's own requirements.

    Attributes:
        requirements: those of its dependencies, by name in the normal form of package indexes.
        python: the versions of Python that it is for.
    """

    requirements: dict[str, Requirement]
    python: SpecifierSet

    @classmethod
    def parse(cls, text: str) -> Project:
        """The project of a pyproject.toml.

        Raises:
            ValueError: it is not TOML, has no project, or a requirement that no tool knows.
        """
        project = tomllib.loads(text).get("project", {})
        if not isinstance(project, dict) or not isinstance(project.get("dependencies", []), list):
            raise ValueError("project is no table with a list of dependencies")
        try:
            requirements = [Requirement(str(each)) for each in project["dependencies"]]
            python = SpecifierSet(str(project["requires-python"]))
        except KeyError as error:
            raise ValueError(f"project.{error.args[0]} is not there") from error
        return cls({canonicalize_name(each.name): each for each in requirements}, python)
