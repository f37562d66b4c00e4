"""What is shown of a job while it is waited for: a line that moves on a terminal, a line for each change elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from google.cloud.dataflow_v1beta3 import Job, JobMessage, JobMessageImportance
from rich.console import Console
from rich.text import Text

from streaming.dataflow.jobs import Jobs, show_state
from streaming.dataflow.waiting import ENDINGS, Watch
from streaming.errors import PermanentError

_WORDS = {
    JobMessageImportance.JOB_MESSAGE_WARNING: "warning: ",
    JobMessageImportance.JOB_MESSAGE_ERROR: "error: ",
}


class Progress:
    """Shows a job's state and messages on standard error."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._status = self._console.status("asking Dataflow")
        self._last = ""

    def state(self, job: Job) -> None:
        """For `Watch.on_state`."""
        words = f"job {job.name} {ENDINGS.get(job.current_state) or f'is {show_state(job.current_state)}'}"
        self._status.update(Text(words))
        if words != self._last and not self._console.is_terminal:
            self._say(words)
        self._last = words

    def message(self, message: JobMessage) -> None:
        """For `Watch.on_message`."""
        words = " ".join(message.message_text.split())
        self._say(f"{message.time:%H:%M:%SZ} {_WORDS.get(message.message_importance, '')}{words}")

    def silence(self, error: PermanentError) -> None:
        """For `Watch.on_silence`."""
        self._say(f"warning: waiting without the job's messages: {error}")

    def _say(self, words: str) -> None:
        self._console.print(Text(words), soft_wrap=True, highlight=False)

    @contextmanager
    def shown(self, going_on: str) -> Iterator[None]:
        """While the block runs the line is on the screen, if there is one, and what it said last stays.

        Args:
            going_on: what is said where Ctrl-C ends the block: what goes on without it.
        """
        try:
            if self._console.is_terminal:
                with self._status:
                    yield
                if self._last:
                    self._say(self._last)
            else:
                yield
        except KeyboardInterrupt:
            self._say(f"no longer waiting; {going_on}")
            raise


@contextmanager
def watched(jobs: Jobs, job: Job, patience: timedelta | None = None) -> Iterator[Watch]:
    """A watch over the job whose progress is shown on standard error.

    Args:
        jobs: the jobs of its place.
        job: the job; its name and id are enough.
        patience: how long to wait; None is for ever.
    """
    progress = Progress()
    watch = Watch(jobs, job.id, progress.state, progress.message, patience=patience, on_silence=progress.silence)
    with progress.shown(f"job {job.name} goes on: {jobs.place.console_link(job.id)}"):
        yield watch
