"""One worker: a process that runs the job, on a Prism of its own by default, and says on a pipe how it goes.

    python -m streaming.local.worker --events-fd N -- ARGUMENTS OF THE JOB

The events are JSON texts, one a line:

| event | when | with |
|---|---|---|
| `ready` | models are loaded, messages are read | |
| `stats` | every second from then on, and last of all | a `streaming.metrics.snapshot` |
| `invalid` | the arguments or the job file are wrong (exit code 2) | `mistakes`: a list of lines |
| `failed` | the job failed, or could not start (exit code 1) | `error`: a line, `permanent`: a restart cannot help |
| `done` | all stored data is read, and all that was asked for is written (exit code 0) | |
| `unanswered` | asked by SIGTERM, while a model was unavailable; `stopped` follows | `error`: a line |
| `stopped` | asked by SIGTERM, the job has acknowledged all that it answered (exit code 0) | |

SIGINT is ignored: the parent decides.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import queue
import signal
import sys
import threading
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from streaming.errors import EXIT_FAILED, EXIT_MISTAKES, JobError, Mistakes, one_line
from streaming.local.causes import cause, model_away
from streaming.local.prism import Prism
from streaming.local.worker_job import WorkerJob

if TYPE_CHECKING:
    from apache_beam.runners.runner import PipelineResult

_LOG = logging.getLogger(__name__)


class Job(Protocol):
    """What a worker runs."""

    def prepare(self) -> None:
        """Check everything, and make what must exist. Raises `JobError`."""

    def wants_prism(self) -> bool:
        """Whether it runs on a Prism that is yet to be started."""

    def start(self, prism: str | None) -> PipelineResult:
        """Start the pipeline, on the Prism whose job endpoint is given; it may be waited for or not."""

    def ends(self) -> bool:
        """Whether it is done some time, without being asked to stop."""

    def stop_reading(self) -> None:
        """Finish what is in hand; the pipeline then ends."""

    def ready(self) -> bool:
        """Whether models are loaded and messages are read."""

    def worn_out(self) -> bool:
        """Whether this process should end, though the job goes on: too many of its threads hang."""

    def snapshot(self) -> Mapping[str, Any]:
        """Totals of this process, as `streaming.metrics.snapshot` gives them.

        With `parts`, of a job over stored data: how many of its parts are read, and how many there are.
        """


class Events:
    """The pipe to the parent."""

    def __init__(self, descriptor: int) -> None:
        self._pipe = os.fdopen(descriptor, "w")

    def send(self, event: str, **values: Any) -> None:
        self._pipe.write(json.dumps({"event": event, **values}) + "\n")
        self._pipe.flush()


@dataclass(frozen=True)
class _Ended:
    """The pipeline is done, or failed with `error`."""

    error: Exception | None


_STOP = "stop"
_Inbox = queue.SimpleQueue[str | _Ended]  # its `put` may be called from a signal handler


def run(job: Job, events: Events) -> int:
    """Run the job until it ends, or until SIGTERM asks it to; the exit code of this process.

    Must be called on the main thread. Threads may be left over.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))  # nothing has been read yet
    try:
        job.prepare()
        with Prism() if job.wants_prism() else nullcontext() as prism:
            is_asked = _follow(job, prism, events)
    except Mistakes as error:
        events.send("invalid", mistakes=list(error.lines))
        return EXIT_MISTAKES
    except Exception as error:  # noqa: BLE001 - whatever it is, the parent decides what to do about it
        _LOG.info("the worker failed", exc_info=True)
        line, permanent = cause(error)
        events.send("failed", error=line, permanent=permanent)
        return EXIT_FAILED
    events.send("done" if job.ends() and not is_asked else "stopped")
    return 0


def _follow(job: Job, prism: Prism | None, events: Events) -> bool:
    """Run the pipeline on a thread, and tell how it goes until it has ended: whether that was because it was asked to.

    Raises:
        Exception: why it failed.
    """
    inbox: _Inbox = queue.SimpleQueue()
    signal.signal(signal.SIGTERM, lambda *_: inbox.put(_STOP))
    threading.Thread(target=_run_pipeline, args=(job, prism, inbox), name="pipeline", daemon=True).start()
    ready = asked = False
    while not isinstance(message := _next(inbox, seconds=1.0 if ready else 0.1), _Ended):
        asked = asked or message == _STOP
        if asked or job.worn_out():
            job.stop_reading()
        if ready:
            events.send("stats", **job.snapshot())
        elif job.ready():
            ready = True
            events.send("ready")
        _raise_if_ended(prism)
    events.send("stats", **job.snapshot())
    if job.worn_out() and not asked:
        raise JobError("calls of models hang; this process has finished what it could, and ends")
    if message.error is not None:
        _raise_if_ended(prism, within=0.5)  # then that is why
        _raise_unless_unanswered(message.error, asked, events)
    return asked


def _raise_unless_unanswered(error: Exception, asked: bool, events: Events) -> None:
    """Who asks for a stop gets one where a model is away: nothing is lost, for unacknowledged messages come again."""
    said = model_away(error)
    if not asked or said is None:
        raise error
    events.send("unanswered", error=said)


def _run_pipeline(job: Job, prism: Prism | None, inbox: _Inbox) -> None:
    try:
        job.start(prism.job_endpoint if prism else None).wait_until_finish()
    except Exception as error:  # noqa: BLE001 - raised again on the main thread
        inbox.put(_Ended(error))
    else:
        inbox.put(_Ended(None))


def _next(inbox: _Inbox, seconds: float) -> str | _Ended | None:
    try:
        return inbox.get(timeout=seconds)
    except queue.Empty:
        return None


def _raise_if_ended(prism: Prism | None, within: float = 0.0) -> None:
    words = prism.ended(within) if prism else None
    if words:
        raise JobError(words)


def main() -> None:
    """Run the worker that the command line describes, and end this process."""
    parser = argparse.ArgumentParser(prog="python -m streaming.local.worker")
    parser.add_argument("--events-fd", type=int, required=True)
    parser.add_argument("--debug", action="store_true")
    parser.add_argument("argv", nargs="*")
    arguments = parser.parse_args()
    configure_logging(debug=arguments.debug)
    code = run(WorkerJob(arguments.argv), Events(arguments.events_fd))
    os._exit(code)  # threads of Beam, of gRPC and of a step that hangs would hold the process up


def configure_logging(*, debug: bool) -> None:
    """Warnings of the job to standard error; with `debug` everything that anyone logs or prints."""
    logging.basicConfig(level=logging.INFO if debug else logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    if not debug:  # Beam logs and prints a failure several times, with all its stacks; `failed` says it once
        logging.getLogger("apache_beam").setLevel(logging.CRITICAL)
        for handler in logging.getLogger().handlers:  # they keep the real standard error
            handler.addFilter(lambda record: record.name != "root")
        sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115 - for as long as the process lives
        threading.excepthook = _log_thread


def _log_thread(ended: threading.ExceptHookArgs) -> None:
    from grpc import RpcError

    # Beam's own threads end by a plain RpcError when Prism does, which is told otherwise; Google's clients wrap theirs.
    level = logging.INFO if issubclass(ended.exc_type, RpcError) else logging.WARNING
    name = ended.thread.name if ended.thread else "unknown"
    _LOG.log(level, "thread %s ended: %s", name, one_line(ended.exc_value or ended.exc_type()))


if __name__ == "__main__":
    main()
