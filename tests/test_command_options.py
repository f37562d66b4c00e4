"""What many commands are given is checked before anything is asked."""

from __future__ import annotations

import pytest

from streaming.command_options import wrong_project


@pytest.mark.parametrize("project", ["my-project", "example.com:my-project", "abcdef"])
def test_a_project_id(project: str) -> None:
    assert list(wrong_project(project)) == []


@pytest.mark.parametrize("project", ["", "123456789012", "My Project", "short", "a" * 31, "my-project-"])
def test_no_project_id(project: str) -> None:
    assert list(wrong_project(project)) == [
        f"--project: {project!r} is no project id; `gcloud projects list` shows those there are"
    ]
