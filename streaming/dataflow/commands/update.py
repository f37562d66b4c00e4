"""The command `update`."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Annotated

import typer

from streaming.command_options import Debug
from streaming.dataflow.commands.options import timeout
from streaming.dataflow.commands.parameter_help import Help
from streaming.dataflow.commands.planned import VALIDATED, begin, planned, wait_until_it_runs
from streaming.dataflow.commands.settings import Settings
from streaming.dataflow.commands.with_settings import with_settings

if TYPE_CHECKING:
    from google.cloud.dataflow_v1beta3 import Job

    from streaming.dataflow.jobs import Jobs
    from streaming.dataflow.launch import LaunchPlan

EPILOG = (
    "Example: pubsub-inference update readings --template=gs://bucket/pubsub-inference.json --project=P "
    "--region=europe-west4 --job_file=gs://bucket/multiply/job.yaml "
    "--input_subscription=projects/P/subscriptions/S --output_table=P:D.T"
)


@with_settings
def update(
    context: typer.Context,
    job: Annotated[str, typer.Argument(metavar="JOB", help="The running job, by name or id.")],
    settings: Settings,
    transform_name_mapping: Annotated[
        str | None,
        typer.Option(
            metavar="JSON",
            help='New names of steps by old ones, as JSON or a file of it; "" is the name of a removed step.',
        ),
    ] = None,
    _debug: Debug = False,
    _help: Help = False,
) -> None:
    """Put a job in the place of one that runs, and wait until it has taken over.

    All options and parameters are the new job's: none is taken over from the one that runs. The new graph must have
    each step of the running one, under the same name or a mapped one.
    """
    from streaming.dataflow.commands.settings_mistakes import wrong_job
    from streaming.dataflow.jobs import Jobs
    from streaming.dataflow.launch import validate
    from streaming.dataflow.mapping import read_mapping

    mapping, wrong = read_mapping(transform_name_mapping)
    plan = planned([*context.args, *(context.obj or [])], settings, [*wrong_job(job), *wrong])
    jobs = Jobs(plan.place)
    running = _running(jobs, job)
    _compare(jobs, running, plan, mapping)
    request = plan.request(running.name, validate_only=settings.dry_run, mapping=mapping)
    if settings.dry_run:
        validate(request)
        typer.echo(f"{running.name} can be updated; {VALIDATED}, its steps against those that run; nothing was updated")
        return
    replacement = begin(plan.place, request)
    if settings.wait:
        _wait(jobs, running, replacement, settings)


def _running(jobs: Jobs, job: str) -> Job:
    from google.cloud.dataflow_v1beta3 import JobState

    from streaming.dataflow.jobs import ENDED, show_state
    from streaming.dataflow.waiting import ENDINGS
    from streaming.errors import PermanentError

    found = jobs.find(job)
    state = found.current_state
    if state == JobState.JOB_STATE_RUNNING:
        return found
    if state in ENDED:
        remedy = "launch a new one"
    elif state in (JobState.JOB_STATE_DRAINING, JobState.JOB_STATE_CANCELLING):
        remedy = "launch a new one once it has ended"
    else:
        remedy = "wait until it does"
    how = ENDINGS.get(state, f"is {show_state(state)}")
    raise PermanentError(f"job {found.name} ({found.id}) {how}, and only one that runs can be updated; {remedy}")


def _compare(jobs: Jobs, running: Job, plan: LaunchPlan, mapping: dict[str, str]) -> None:
    """End with each step that would be lost, and the mapping to update with nevertheless."""
    from streaming.dataflow.mapping import FLAG
    from streaming.dataflow.steps import compare, proposal
    from streaming.errors import Mistakes

    steps = jobs.step_names(running.id)
    if not steps:
        typer.echo(f"warning: Dataflow does not tell the steps of {running.id}, and so they are not compared", err=True)
        return
    if wrong := compare(steps, plan.steps, mapping):
        remedy = shlex.quote(json.dumps(proposal(steps, plan.steps, mapping), ensure_ascii=False))
        raise Mistakes([*wrong, f'to update nevertheless, add {FLAG} {remedy} ("" is a step that is removed)'])


def _wait(jobs: Jobs, replaced: Job, replacement: Job, settings: Settings) -> None:
    from google.cloud.dataflow_v1beta3 import JobState

    from streaming.dataflow.progress import watched
    from streaming.errors import JobError

    try:
        wait_until_it_runs(jobs.place, replacement, settings)
    except JobError as error:
        if jobs.get(replaced.id).current_state == JobState.JOB_STATE_RUNNING:
            raise JobError(f"{error}; the job that was to be replaced, {replaced.id}, goes on") from error
        raise
    with watched(jobs, replaced, timeout(settings.timeout)) as watch:
        watch.pass_over()
        watch.until({JobState.JOB_STATE_UPDATED})
