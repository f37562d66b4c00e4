"""Waiting for a job to come into a state, while telling what it says of itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from google.cloud.dataflow_v1beta3 import Job, JobMessage, JobMessageImportance, JobState

from streaming.dataflow.jobs import ENDED, Jobs, show_state
from streaming.errors import JobError, PermanentError

FIRST_PAUSE_SECONDS = 0.25
LONGEST_PAUSE_SECONDS = 5.0
"""Between two looks at the job; each pause is longer than the one before by half."""

LAST_WORDS_SECONDS = 2.0
"""Between two looks at the messages of a job that has failed: why it has may come a little later."""

_LAST_LOOKS = 3
_ERROR = JobMessageImportance.JOB_MESSAGE_ERROR


@dataclass
class Watch:
    """Looks at a job again and again.

    Attributes:
        jobs: the jobs of its place.
        job_id: the job.
        on_state: called with the job whenever one is looked at.
        on_message: called once with each message, in order of time.
        since: messages before then are not told.
        patience: how long to wait; None is for ever.
        on_silence: called once if the service does not tell the job's messages: the wait goes on without them.
            Without it, that ends the wait.
    """

    jobs: Jobs
    job_id: str
    on_state: Callable[[Job], None]
    on_message: Callable[[JobMessage], None]
    since: datetime | None = None
    patience: timedelta | None = None
    on_silence: Callable[[PermanentError], None] | None = None
    _told: set[tuple[datetime, str]] = field(default_factory=set)
    _errors: list[str] = field(default_factory=list)
    _is_silent: bool = False

    def pass_over(self) -> None:
        """Leave out what the job has said until now."""
        self._new_messages()

    def until(self, goals: Collection[JobState]) -> Job:
        """The job, when it is in one of these states.

        Raises:
            JobError: it has ended in another state: what it said of that; or it takes longer than the patience.
            PermanentError: Dataflow refuses to tell.
        """
        began = time.monotonic()
        pause = FIRST_PAUSE_SECONDS
        while True:
            job = self.jobs.get(self.job_id)
            self._tell_messages()  # after the job, so that the last words of one that has ended are among them
            self.on_state(job)
            if job.current_state in goals:
                return job
            if job.current_state in ENDED:
                raise JobError(self._ending(job))
            waited = time.monotonic() - began
            if self.patience is not None and waited > self.patience.total_seconds():
                raise JobError(self._patience_lost(job, waited))
            time.sleep(pause)
            pause = min(LONGEST_PAUSE_SECONDS, pause * 1.5)

    def _tell_messages(self) -> None:
        for message in self._new_messages():
            if message.message_importance == _ERROR:
                self._errors.append(" ".join(message.message_text.split()))
            self.on_message(message)

    def _new_messages(self) -> list[JobMessage]:
        """Those that have come since; they have no ids that can be relied on, and several may be of one time."""
        new = [each for each in self._messages() if (each.time, each.message_text) not in self._told]
        self._told.update((each.time, each.message_text) for each in new)
        if new:
            self.since = new[-1].time
        return new

    def _messages(self) -> list[JobMessage]:
        if self._is_silent:
            return []
        try:
            return self.jobs.messages(self.job_id, since=self.since)
        except PermanentError as error:
            if self.on_silence is None:
                raise
            self._is_silent = True
            self.on_silence(error)
            return []

    def _ending(self, job: Job) -> str:
        if job.current_state == JobState.JOB_STATE_FAILED:
            self._await_errors()
        unsaid = "its messages cannot be had" if self._is_silent else "it has not said why"
        said = "; ".join(each.rstrip(".") for each in dict.fromkeys(self._errors)) or unsaid
        ended = f"job {job.name} ({job.id}) {ENDINGS.get(job.current_state, 'has ended')}"
        return f"{ended}: {said}; see {self.jobs.place.console_link(job.id)}"

    def _await_errors(self) -> None:
        for _ in range(_LAST_LOOKS):
            if self._errors or self._is_silent:
                return
            time.sleep(LAST_WORDS_SECONDS)
            self._tell_messages()

    def _patience_lost(self, job: Job, seconds: float) -> str:
        state, link = show_state(job.current_state), self.jobs.place.console_link(self.job_id)
        return f"job {job.name} is still {state} after {seconds:.0f} s; it goes on: {link}"


ENDINGS = {
    JobState.JOB_STATE_FAILED: "has failed",
    JobState.JOB_STATE_CANCELLED: "was cancelled",
    JobState.JOB_STATE_DRAINED: "was drained",
    JobState.JOB_STATE_UPDATED: "was replaced by an update",
    JobState.JOB_STATE_DONE: "is done",
}
"""How a job has ended, in words."""
