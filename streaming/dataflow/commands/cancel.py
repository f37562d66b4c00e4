"""The command `cancel`."""

from __future__ import annotations

from streaming.command_options import Debug, Project
from streaming.dataflow.commands.ending import Ending, JobArgument, Request, end
from streaming.dataflow.commands.options import Region, Timeout, Wait

EPILOG = "Example: pubsub-inference cancel readings --project P --region europe-west4"
_CANCEL = Ending(
    goal="JOB_STATE_CANCELLED",
    verb="cancel",
    explanation="""\
Cancelling: the job stops at once; messages that it has in hand are not acknowledged, and come again.
What of them was written already is written once more by the next job, under the same prediction_id.""",
)


def cancel(
    job: JobArgument,
    project: Project,
    region: Region,
    wait: Wait = True,
    timeout: Timeout = None,
    _debug: Debug = False,
) -> None:
    """Stop a job at once; `drain` lets it finish first.

    Messages that it has in hand are not acknowledged: Pub/Sub delivers them again to the next job on the subscription.
    What of them was written already is written once more, under the same prediction_id.

    Ctrl-C ends the waiting, not the cancelling. Exit code 0 if the job is cancelled, also if it was before.
    """
    end(_CANCEL, Request(job, project, region, wait, timeout))
