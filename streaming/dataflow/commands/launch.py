"""The command `launch`."""

from __future__ import annotations

from typing import Annotated

import typer

from streaming.command_options import Debug
from streaming.dataflow.commands.parameter_help import Help
from streaming.dataflow.commands.planned import VALIDATED, begin, planned, wait_until_it_runs
from streaming.dataflow.commands.settings import Settings
from streaming.dataflow.commands.with_settings import with_settings

EPILOG = (
    "Example: pubsub-inference launch readings --template=gs://bucket/pubsub-inference.json --project=P "
    "--region=europe-west4 --job_file=gs://bucket/multiply/job.yaml "
    "--input_subscription=projects/P/subscriptions/S --output_table=P:D.T"
)


@with_settings
def launch(
    context: typer.Context,
    job_name: Annotated[
        str, typer.Argument(metavar="JOB_NAME", help="The job's name: lower-case letters, digits and hyphens.")
    ],
    settings: Settings,
    _debug: Debug = False,
    _help: Help = False,
) -> None:
    """Launch a job from a Flex Template, and wait until it runs.

    It takes the template's parameters, those below, as --name=value or --name value. Template, parameters, job file and
    models are checked here before Dataflow is asked for anything.
    """
    from streaming.dataflow.commands.settings_mistakes import wrong_name
    from streaming.dataflow.launch import validate

    plan = planned([*context.args, *(context.obj or [])], settings, wrong_name(job_name))
    request = plan.request(job_name, validate_only=settings.dry_run)
    if settings.dry_run:
        validate(request)
        typer.echo(f"{job_name} can be launched; {VALIDATED}; nothing was launched")
        return
    job = begin(plan.place, request)
    if settings.wait:
        wait_until_it_runs(plan.place, job, settings)
