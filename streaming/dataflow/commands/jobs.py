"""The command `jobs`."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from streaming.command_options import Debug, Project
from streaming.dataflow.commands.options import Region, wrong_place
from streaming.errors import Mistakes

if TYPE_CHECKING:
    from rich.table import Table

EPILOG = "Example: pubsub-inference jobs --project P --region europe-west4 --all"


def jobs(
    project: Project,
    region: Region,
    with_ended: Annotated[bool, typer.Option("--all", help="Also those that have ended, while they are kept.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print them as JSON, for machines.")] = False,
    _debug: Debug = False,
) -> None:
    """List the Dataflow jobs of a project in one region, the latest first."""
    from streaming.dataflow.job_table import document, table
    from streaming.dataflow.jobs import Jobs, Place

    if wrong := list(wrong_place(project, region)):
        raise Mistakes(wrong)
    place = Place(project, region)
    listed = Jobs(place).all(active=not with_ended)
    if as_json:
        typer.echo(json.dumps(document(place, listed), indent=2, ensure_ascii=False))
    elif listed:
        _print(table(listed, datetime.now(UTC)))
    else:
        typer.echo(f"no job {'is' if with_ended else 'runs'} in {region} of {project}")


def _print(table: Table) -> None:
    """As wide as it is: an id is copied whole."""
    from rich.console import Console

    console = Console()
    widest = console.options.update(max_width=10_000)
    Console(width=max(console.width, console.measure(table, options=widest).maximum)).print(table)
