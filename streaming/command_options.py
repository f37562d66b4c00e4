"""Options that many commands have."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated

import typer

Project = Annotated[str, typer.Option(envvar="GOOGLE_CLOUD_PROJECT", help="The project in which jobs run.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show tracebacks.")]

_PROJECT = re.compile(r"([a-z0-9.-]+:)?[a-z][-a-z0-9]{4,28}[a-z0-9]")


def wrong_project(project: str) -> Iterator[str]:
    """What is wrong with `--project`, if anything is."""
    if not _PROJECT.fullmatch(project):
        yield f"--project: {project!r} is no project id; `gcloud projects list` shows those there are"
