"""The command `monitor`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from streaming.arguments import wrong_value
from streaming.command_options import Debug, Project
from streaming.dataflow.commands.options import Region, wrong_place
from streaming.durations import parse_duration
from streaming.errors import JobError, Mistakes

if TYPE_CHECKING:
    from streaming.monitoring.watching import Look

EPILOG = "Example: pubsub-inference monitor readings --project P --region europe-west4 --once"

INTERVAL = timedelta(seconds=10)
LOCAL_INTERVAL = timedelta(seconds=2)

PATIENCE_SECONDS = 5.0
"""How long a screen that is followed by others waits for the services."""

PATIENCE_ONCE_SECONDS = 12.0
"""How long the only one does: until it is known why one does not answer."""


def command(attach: Callable[[int | None], Look]) -> Callable[..., None]:
    """The command.

    Args:
        attach: what gives looks at the job of a process on this machine, or at the only one; for `--local`.
    """

    def monitor(
        job: Annotated[
            str, typer.Argument(metavar="JOB", help="Its name or id; with --local, its process.", show_default=False)
        ] = "",
        project: Project = "",
        region: Region = "",
        once: Annotated[bool, typer.Option("--once", help="One look, as without a terminal.")] = False,
        as_json: Annotated[
            bool, typer.Option("--json", help="A JSON document for each look; one, unless --watch is given.")
        ] = False,
        watch: Annotated[
            str | None, typer.Option(help="The time between two looks, as in 30s; 10s on a terminal.")
        ] = None,
        is_local: Annotated[bool, typer.Option("--local", help="A job that runs on this machine.")] = False,
        deadletter_table: Annotated[
            str, typer.Option(help="The table of its dead letters, PROJECT:DATASET.TABLE, if the job does not show it.")
        ] = "",
        _debug: Debug = False,
    ) -> None:
        """Show how a job is doing, and keep the screen up until Ctrl-C.

        On top is the verdict, with the rule that gave it. Exit code, of the last look: 0 healthy, 1 unhealthy, 2 nobody
        can tell. It takes roles/dataflow.viewer and roles/monitoring.viewer on the project, and for the reasons of the
        latest dead letters roles/bigquery.jobUser there and roles/bigquery.dataViewer on their table: without one of
        these, the rest is shown.
        """
        wrong = list(_wrong_job(job, deadletter_table, is_local=is_local))
        wrong += [] if is_local else wrong_place(project, region)
        if wrong := [*wrong, *_wrong_watch(watch, once=once)]:
            raise Mistakes(wrong)
        from rich.console import Console

        console = Console()
        every = _interval(watch, once=once or as_json or not console.file.isatty(), is_local=is_local)
        look = (
            attach(int(job) if job else None) if is_local else _dataflow(job, project, region, deadletter_table, every)
        )
        from streaming.monitoring.watching import Watching

        try:
            raise typer.Exit(Watching(every, as_json).show(look, console).value)
        except JobError as error:  # nobody can tell: a code of its own, for 1 is an unhealthy job
            raise Mistakes([str(error)]) from error

    return monitor


def _dataflow(job: str, project: str, region: str, deadletter_table: str, every: timedelta | None) -> Look:
    from streaming.dataflow.jobs import Place
    from streaming.dataflow.monitor.looks import Looks

    patience = PATIENCE_ONCE_SECONDS if every is None else PATIENCE_SECONDS
    return partial(Looks(Place(project, region), job, deadletter_table).look, patience)


def _interval(watch: str | None, *, once: bool, is_local: bool) -> timedelta | None:
    """The time between two looks; None for only one."""
    if watch is not None:
        return parse_duration(watch)
    return None if once else LOCAL_INTERVAL if is_local else INTERVAL


def _wrong_job(job: str, deadletter_table: str, *, is_local: bool) -> Iterator[str]:
    from streaming.bigquery.table_ids import parse_table_id

    if is_local and job and not job.isdecimal():
        yield f"JOB: {job!r} is no process; with --local give the number of one, or nothing"
    if not is_local and not job:
        yield "JOB: none is given; name a job, or watch one of this machine with --local"
    yield from wrong_value("--deadletter-table", deadletter_table or None, parse_table_id)


def _wrong_watch(watch: str | None, *, once: bool) -> Iterator[str]:
    yield from wrong_value("--watch", watch, parse_duration)
    if watch is not None and once:
        yield "--watch: there is only one look with --once; leave one of them out"
