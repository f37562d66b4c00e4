"""What the package asks for, as its pyproject.toml says it; and a file that does not say it."""

from __future__ import annotations

import re

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from streaming.dataflow.checks.project import Project


def test_requirements_are_named_as_package_indexes_name_them() -> None:
    text = """
        [project]
        requires-python = ">=3.11,<3.12"
        dependencies = ["Apache_Beam[gcp]==2.77.0", "ruamel.yaml>=0.18; python_version < '3.12'"]
        """
    assert Project.parse(text) == Project(
        {
            "apache-beam": Requirement("Apache_Beam[gcp]==2.77.0"),
            "ruamel-yaml": Requirement("ruamel.yaml>=0.18; python_version < '3.12'"),
        },
        SpecifierSet(">=3.11,<3.12"),
    )


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("", "project.dependencies is not there"),
        ("[tool]\ndependencies = []", "project.dependencies is not there"),
        ("[project]\ndependencies = []", "project.requires-python is not there"),
        ("project = 1", "project is no table with a list of dependencies"),
        ("[project]\ndependencies = 'ab'", "project is no table with a list of dependencies"),
        ("[project", "Expected ']' at the end of a table declaration (at end of document)"),
        ("[project]\ndependencies = []\nrequires-python = 'three'", "Invalid specifier: 'three'"),
    ],
)
def test_what_is_no_project(text: str, wrong: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(wrong)}$"):
        Project.parse(text)


def test_a_requirement_that_no_tool_knows() -> None:
    with pytest.raises(ValueError, match=r"^Expected "):
        Project.parse("[project]\ndependencies = ['left pad']\nrequires-python = ''")
