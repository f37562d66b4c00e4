"""`pubsub-inference run` on this machine: the job in its worker processes, its screen, and those who look at it."""

from __future__ import annotations

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
    """Run the job in the foreground, as `supervise` does; its exit code.

    Args:
        argv: the job's parameters.
        beam_args: Beam's own options, its runner among them.
        workers: how many processes.
        metrics_at: where its metrics are served; None: nowhere.
        debug: whether libraries may log what they like.

    Raises:
        Mistakes: the job cannot be as the arguments say, or its metrics not be served there.
    """
    arguments = [*argv, *beam_args]
    parameters, models = _known_before(argv, arguments)
    job = LocalJob(parameters.job_file, models, datetime.now(UTC))
    with ExitStack() as stack:
        address = None
        if metrics_at is not None:
            address = stack.enter_context(serving(job.totals.counted, metrics_at.host, metrics_at.port))
        live = Live(job=job)
        live.say(_announcement(parameters, models, workers, address))
        make_known(stack, live)
        return supervise(arguments, workers, live, debug=debug)


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

        launch = main.checked(arguments)  # names these mistakes and all others, unless the flags are Beam's
        return launch.parameters, [model.name for model in launch.contract.models]


def _announcement(parameters: Parameters, models: Sequence[str], workers: int, metrics: str | None) -> str:
    return banner(
        subscription=parameters.input_subscription,
        table=parameters.output_table,
        models=models,
        workers=workers,
        topic=parameters.output_topic,
        deadletter_table=parameters.deadletter_table,
        deadletter_topic=parameters.output_deadletter_topic,
        emulators=emulators(),
        metrics=metrics,
    )
