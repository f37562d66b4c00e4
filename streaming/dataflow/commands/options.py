"""The options that the commands share: where the jobs are, and how long a command waits for one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated

import typer

from streaming.command_options import wrong_project
from streaming.durations import parse_duration

Region = Annotated[str, typer.Option(envvar="GOOGLE_CLOUD_REGION", help="The region in which they run.")]
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until it is so, or return at once.")]
Timeout = Annotated[
    str | None, typer.Option(help="How long to wait, as in 30m; by default until it is so, or until Ctrl-C.")
]

REGION = r"[a-z]+-[a-z]+[0-9]+"
ZONE = rf"({REGION})-[a-z]"
"""Regular expressions."""


def wrong_place(project: str, region: str) -> Iterator[str]:
    """What is wrong with `--project` and `--region`, a line each."""
    yield from wrong_project(project)
    if zone := re.fullmatch(ZONE, region):
        yield f"--region: {region!r} is a zone; write --region={zone[1]}"
    elif not re.fullmatch(REGION, region):
        yield f"--region: {region!r} is no region; write one as in --region=europe-west4"


def timeout(text: str | None) -> timedelta | None:
    """The duration that `--timeout` names; None is for ever.

    Raises:
        ValueError: it names none.
    """
    return None if text is None else parse_duration(text)
