"""What `launch` and `update` have in common: every check before the service is asked, and what is said after it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import fields
from typing import TYPE_CHECKING

import typer
from rich.console import Console

from streaming.dataflow.commands.options import timeout
from streaming.dataflow.commands.settings import Settings
from streaming.errors import Mistakes

if TYPE_CHECKING:
    from google.cloud.dataflow_v1beta3 import Job, LaunchFlexTemplateRequest

    from streaming.dataflow.jobs import Place
    from streaming.dataflow.launch import LaunchPlan

VALIDATED = (
    "parameters, job file, models and graph were checked here, the request and the template's parameters by Dataflow"
)
"""What a dry run has looked at."""


def planned(argv: Sequence[str], settings: Settings, mistakes: Iterable[str]) -> LaunchPlan:
    """The plan of a launch.

    Args:
        argv: the template's parameters, as flags.
        settings: all other options.
        mistakes: what is known to be wrong with the command's arguments.

    Raises:
        Mistakes: all that is wrong with arguments, settings, template, parameters, job file and models.
        PermanentError: there are no credentials, or Cloud Storage refuses to read the template.
    """
    from streaming.dataflow.commands.settings_mistakes import wrong_settings
    from streaming.dataflow.jobs import Place
    from streaming.dataflow.launch import LaunchPlan
    from streaming.dataflow.parameters import read_parameters, read_template
    from streaming.dataflow.refusals import connected
    from streaming.endpoints import flex_templates_client

    connected(flex_templates_client)  # asks nothing; without credentials, reading gs:// would look for them for minutes
    found = [*mistakes, *wrong_settings(settings)]
    try:
        template = read_template(settings.template)
    except Mistakes as error:
        raise Mistakes([*found, *error.lines]) from error
    parameters, wrong = read_parameters(argv, template, [field.name for field in fields(Settings)])
    with _shown("checking the job file and its models"):
        steps, unfit = _rehearsed(parameters)
    found += [*wrong, *_unsaid(unfit, wrong)]
    if found:
        raise Mistakes(found)
    place = Place(settings.project, settings.region)
    return LaunchPlan(place, template, parameters, settings.environment(), steps)


def _shown(step: str) -> AbstractContextManager[object]:
    """The step on the screen, if there is one: it takes seconds."""
    console = Console(stderr=True)
    return console.status(step) if console.is_terminal else nullcontext()


def _rehearsed(parameters: dict[str, str]) -> tuple[frozenset[str], Sequence[str]]:
    from streaming.dataflow.rehearsal import rehearse

    try:
        return rehearse(parameters), ()
    except Mistakes as error:
        return frozenset(), error.lines


def _unsaid(lines: Iterable[str], said: Iterable[str]) -> list[str]:
    """The lines about other places than those of which something is said already."""
    places = {line.partition(":")[0] for line in said}
    return [line for line in lines if line.partition(":")[0] not in places]


def begin(place: Place, request: LaunchFlexTemplateRequest) -> Job:
    """Have Dataflow begin the job, and say which it is, and where it can be watched.

    Raises:
        PermanentError: Dataflow refuses.
    """
    from streaming.dataflow.launch import launch

    try:
        with _shown("asking Dataflow"):
            job = launch(request)
    except KeyboardInterrupt:
        shows = f"`pubsub-inference jobs {place.flags()}` shows whether it did"
        typer.echo(f"interrupted while Dataflow was asked, which may have begun the job: {shows}", err=True)
        raise
    typer.echo(job.id)
    typer.echo(place.console_link(job.id))
    typer.echo(f"pubsub-inference monitor {job.id} {place.flags()}")
    return job


def wait_until_it_runs(place: Place, job: Job, settings: Settings) -> None:
    """Show what becomes of a job on standard error, until it runs.

    Raises:
        JobError: it has ended before, or takes longer than `--timeout`.
    """
    from google.cloud.dataflow_v1beta3 import JobState

    from streaming.dataflow.jobs import Jobs
    from streaming.dataflow.progress import watched

    with watched(Jobs(place), job, timeout(settings.timeout)) as watch:
        watch.until({JobState.JOB_STATE_RUNNING})
