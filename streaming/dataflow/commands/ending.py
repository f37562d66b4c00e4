"""What the commands `drain` and `cancel` share: they ask a job to end, and wait until it has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from streaming.arguments import wrong_value
from streaming.dataflow.commands.options import timeout, wrong_place
from streaming.durations import parse_duration
from streaming.errors import JobError, Mistakes

if TYPE_CHECKING:
    from google.cloud.dataflow_v1beta3 import Job, JobState

    from streaming.dataflow.jobs import Jobs

JobArgument = Annotated[str, typer.Argument(metavar="JOB", help="The job's name or id.")]


@dataclass(frozen=True)
class Ending:
    """How a job is to end.

    Attributes:
        goal: the state in which it ends: `JOB_STATE_DRAINED` or `JOB_STATE_CANCELLED`.
        verb: what the service is asked for.
        explanation: what becomes of the job's messages.
        too_early: the states from which the service does not bring a job there.
    """

    goal: str
    verb: str
    explanation: str
    too_early: tuple[str, ...] = ()

    @property
    def state(self) -> JobState:
        from google.cloud.dataflow_v1beta3 import JobState

        return JobState[self.goal]


@dataclass(frozen=True)
class Request:
    """The command as it was given."""

    job: str
    project: str
    region: str
    wait: bool
    timeout: str | None

    def patience(self) -> timedelta | None:
        """How long to wait; None is for ever.

        Raises:
            Mistakes: everything that is wrong with the flags.
        """
        from streaming.dataflow.commands.settings_mistakes import wrong_job

        if wrong := [*wrong_job(self.job), *wrong_place(self.project, self.region), *self._wrong_wait()]:
            raise Mistakes(wrong)
        return timeout(self.timeout)

    def _wrong_wait(self) -> Iterator[str]:
        yield from wrong_value("--timeout", self.timeout, parse_duration)
        if self.timeout is not None and not self.wait:
            yield "--timeout: nothing is waited for with --no-wait; leave one of them out"


def end(ending: Ending, request: Request) -> None:
    """Ask the job to end, and wait until it has.

    Raises:
        Mistakes: the flags are wrong.
        JobError: it ends, or has ended, in another way; or Dataflow refuses.
    """
    patience = request.patience()
    from streaming.dataflow.jobs import ENDED, Jobs, Place, show_state

    jobs = Jobs(Place(request.project, request.region))
    job = jobs.find(request.job)
    state = show_state(ending.state)
    if job.current_state == ending.state:
        typer.echo(f"job {job.name} ({job.id}) is {state} already")
        return
    if job.current_state in ENDED:
        raise _ended(job, ending)
    if job.current_state.name in ending.too_early:
        raise _too_early(job, ending)
    typer.echo(ending.explanation, err=True)
    if request.wait:
        _ask_and_wait(jobs, job, ending, patience)
        typer.echo(f"job {job.name} ({job.id}) is {state}")
    else:
        jobs.request(job.id, ending.state)
        typer.echo(f"job {job.name} ({job.id}) is asked to {ending.verb}: {jobs.place.console_link(job.id)}")


def _ask_and_wait(jobs: Jobs, job: Job, ending: Ending, patience: timedelta | None) -> None:
    from streaming.dataflow.progress import watched

    with watched(jobs, job, patience) as watch:
        watch.pass_over()
        jobs.request(job.id, ending.state)
        watch.until({ending.state})


def _ended(job: Job, ending: Ending) -> JobError:
    from streaming.dataflow.waiting import ENDINGS

    how = ENDINGS.get(job.current_state, "has ended")
    return JobError(f"job {job.name} ({job.id}) {how}: there is nothing to {ending.verb}")


def _too_early(job: Job, ending: Ending) -> JobError:
    from streaming.dataflow.jobs import show_state

    state = show_state(job.current_state)
    return JobError(
        f"job {job.name} ({job.id}) is {state}: there is nothing to {ending.verb} before it runs; "
        f"`pubsub-inference cancel {job.name}` stops it"
    )
