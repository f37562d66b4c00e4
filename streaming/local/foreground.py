"""`pubsub-inference run` on this machine: the job in its worker processes, its screen, and those who look at it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime

from streaming import options
from streaming.endpoints import emulators
from streaming.errors import Mistakes, one_line
from streaming.job import load_job
from streaming.local.live import Live, banner
from streaming.local.local_job import LocalJob
from streaming.local.prometheus import serving
from streaming.local.published import published
from streaming.local.supervisor import supervise
from streaming.local.totals import Counted
from streaming.options import Parameters


@dataclass(frozen=True)
class MetricsAddress:
    """Where Prometheus finds the job's metrics. Port 0 is a free one."""

    host: str
    port: int


def run_in_foreground(
    argv: Sequence[str],
    beam_args: Sequence[str],
    *,
    workers: int,
    metrics_at: MetricsAddress | None = None,
    debug: bool = False,
) -> int:
    """Run the job in the foreground, as `supervise` does; its exit code. What a job that ends has done is said.

    Args:
        argv: the job's parameters.
        beam_args: Beam's own options, its runner among them.
        workers: how many processes, of a job over stored data one.
        metrics_at: where its metrics are served; None: nowhere.
        debug: whether libraries may log what they like.

    Raises:
        Mistakes: the job cannot be as the arguments say, or its metrics not be served there.
    """
    arguments = [*argv, *beam_args]
    parameters, models = _known_before(argv, arguments)
    if workers > 1 and not parameters.is_stream:
        raise Mistakes(["--workers: a job over stored data runs in one process on this machine; leave it out"])
    job = LocalJob(parameters.job_file, models, datetime.now(UTC), ends=not parameters.is_stream)
    with ExitStack() as stack:
        address = None
        if metrics_at is not None:
            address = stack.enter_context(serving(job.totals.counted, metrics_at.host, metrics_at.port))
        live = Live(job=job)
        live.say(_announcement(parameters, models, workers, address))
        make_known(stack, live)
        began = time.monotonic()
        code = supervise(arguments, workers, live, ends=not parameters.is_stream, debug=debug)
        if code == 0 and not parameters.is_stream:
            live.say(_done(job.totals.counted(), time.monotonic() - began, parameters))
        return code


def make_known(stack: ExitStack, live: Live) -> None:
    """Let `monitor --local` find the job; where the machine has no place for reports, it runs all the same."""
    try:
        live.on_look = stack.enter_context(published())
    except OSError as error:
        live.say(f"pubsub-inference monitor --local will not find this job: {one_line(error)}")


def _known_before(argv: Sequence[str], arguments: Sequence[str]) -> tuple[Parameters, list[str]]:
    """Parameters and models. Only the cheap checks are made here; the worker makes them all."""
    try:
        parameters, _ = options.parse(argv)
        return parameters, list(load_job(parameters.job_file).models)
    except Mistakes:
        from streaming.quiet import import_tensorflow

        import_tensorflow()
        from streaming import main

        # It names these mistakes and all others, unless the flags are Beam's.
        launch = main.checked(["--runner=PrismRunner", *arguments])
        return launch.parameters, [model.name for model in launch.contract.models]


def _announcement(parameters: Parameters, models: Sequence[str], workers: int, metrics: str | None) -> str:
    return banner(
        source=str(parameters.input_subscription or parameters.input_files or parameters.input_table),
        writes=(parameters.output_table, parameters.output_files, parameters.output_topic),
        models=models,
        workers=workers,
        dead_letters=_dead_letter_places(parameters),
        emulators=emulators(),
        metrics=metrics,
    )


def _dead_letter_places(parameters: Parameters) -> tuple[str | None, ...]:
    files = f"{parameters.output_files.rstrip('/')}/error_records" if parameters.output_files else None
    return parameters.deadletter_table, files, parameters.output_deadletter_topic


def _done(counted: Counted, seconds: float, parameters: Parameters) -> str:
    """What a job has done, and where that is."""
    predictions, dead_letters = (sum(counted.beginning(name).values()) for name in ("predictions_", "dead_letters_"))
    amounts = {"message": counted.counters["messages_read"], "prediction": predictions, "dead letter": dead_letters}
    shown = ", ".join(f"{amount:,} {name}{'' if amount == 1 else 's'}" for name, amount in amounts.items())
    places = {
        "predictions": (parameters.output_table, parameters.output_files, parameters.output_topic),
        "dead letters": _dead_letter_places(parameters) if dead_letters else (),
    }
    lines = (f"{name:<13} {', '.join(filter(None, each))}" for name, each in places.items() if each)
    return "\n".join([f"done: {shown} in {seconds:.0f} s", *lines])
