"""The command `drain`."""

from __future__ import annotations

from streaming.command_options import Debug, Project
from streaming.dataflow.commands.ending import Ending, JobArgument, Request, end
from streaming.dataflow.commands.options import Region, Timeout, Wait

EPILOG = "Example: pubsub-inference drain readings --project P --region europe-west4 --timeout 30m"
_DRAIN = Ending(
    goal="JOB_STATE_DRAINED",
    verb="drain",
    explanation="""\
Draining: the job stops reading; every batch that it has read is finished, written and acknowledged.
Windows are columns of a row here, no window waits open: none is closed early, none is written in part.
What is not read stays in the subscription, for as long as that retains messages.
A drained job cannot be resumed: launch it again on the same subscription, and nothing is lost.""",
    too_early=("JOB_STATE_QUEUED", "JOB_STATE_PENDING"),
)


def drain(
    job: JobArgument,
    project: Project,
    region: Region,
    wait: Wait = True,
    timeout: Timeout = None,
    _debug: Debug = False,
) -> None:
    """Let a job finish what it has read, and end it.

    It stops reading; every batch that it has read is finished, written and acknowledged. This graph has no window that
    waits open, so none is closed early or written in part; a graph that groups by key and window would write open
    windows as they are, incomplete. What is not read stays in the subscription, for as long as that retains messages.
    A drained job cannot be resumed: launch it again on the same subscription, and nothing is lost.

    Ctrl-C ends the waiting, not the draining. Exit code 0 if the job is drained, also if it was before.
    """
    end(_DRAIN, Request(job, project, region, wait, timeout))
