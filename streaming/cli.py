"""The command `pubsub-inference`. Everything heavy is imported by the command that needs it."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from producers.commands import publish, replay, score
from streaming.command_options import Debug
from streaming.dataflow.commands import cancel, drain, jobs, launch, monitor, template, update
from streaming.dataflow.commands.parameter_help import TAKES_PARAMETERS, Help, in_paragraphs
from streaming.errors import EXIT_FAILED, JobError, Mistakes, exit_code, one_line
from streaming.monitoring.commands import sub_app as monitoring

if TYPE_CHECKING:
    from streaming.monitoring.report import Report

EITHER_CASE = {"token_normalize_func": lambda name: name.replace("_", "-")}
"""Flags are understood in snake_case, too."""

app = typer.Typer(
    name="pubsub-inference",
    help="Streaming TensorFlow inference on Pub/Sub: keyed messages in, keyed predictions out.",
    epilog="Example: pubsub-inference demo",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


class Example(StrEnum):
    """The jobs that the demo can run."""

    pumps = "pumps"
    multiply = "multiply"


def main() -> None:
    """Run the command line of this process; an error is one line, and a traceback only with `--debug`."""
    argv, beam_args = _split(sys.argv[1:])
    try:
        code = app(argv, obj=beam_args, standalone_mode=False, prog_name="pubsub-inference")
    except JobError as error:
        _complain(str(error))
        code = exit_code(error)
    except Exception as error:
        if hasattr(error, "format_message") and hasattr(error, "exit_code"):  # the parser's own
            if words := _usage(error):
                _complain(words)
            code = error.exit_code
        elif "--debug" in argv:
            raise
        else:
            _complain(f"{type(error).__name__}: {one_line(error)} (--debug shows where)")
            code = EXIT_FAILED
    sys.exit(code or 0)


@app.command(
    context_settings=TAKES_PARAMETERS,
    epilog="Example: pubsub-inference run --job_file=job.yaml --input_subscription=projects/P/subscriptions/S "
    "--output_table=P.D.T --workers=2, or over files: --input_files='data/*.parquet' --output_files=out. "
    "Beam's own options follow after --.",
)
def run(
    context: typer.Context,
    runner: Annotated[
        str | None,
        typer.Option(
            help="Beam runner: PrismRunner, DataflowRunner or a portable one; over stored data FnApiRunner, too. "
            "By default PrismRunner, and over stored data FnApiRunner."
        ),
    ] = None,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Worker processes on the same subscription.")] = 1,
    metrics_port: Annotated[
        int | None,
        typer.Option(
            "--metrics-port",
            "--metrics_port",
            min=0,
            max=65535,
            help="Serve the job's metrics to Prometheus on this port; 0: a free one. Not on Dataflow.",
        ),
    ] = None,
    metrics_host: Annotated[
        str, typer.Option("--metrics-host", "--metrics_host", help="The address that they are served on.")
    ] = "127.0.0.1",
    debug: Annotated[bool, typer.Option("--debug", help="Show the logs of all libraries, and tracebacks.")] = False,
    _help: Help = False,
) -> None:
    """Run the job in the foreground until Ctrl-C or, over stored data, until it is done; restart it when it fails.

    It takes the parameters below, as --name=value or --name value.
    """
    beam_args: list[str] = context.obj or []
    if runner is not None and _is_dataflow(runner):
        if metrics_port is not None:
            raise Mistakes(["--metrics-port: is of a job on this machine; see pubsub-inference monitor for Dataflow's"])
        from streaming.quiet import import_tensorflow

        import_tensorflow()
        from streaming import main as entry

        raise typer.Exit(entry.main([*context.args, f"--runner={runner}", *beam_args]))
    from streaming.local.foreground import MetricsAddress, run_in_foreground

    metrics_at = None if metrics_port is None else MetricsAddress(metrics_host, metrics_port)
    beam_args = [*([f"--runner={runner}"] if runner else []), *beam_args]
    raise typer.Exit(run_in_foreground(context.args, beam_args, workers=workers, metrics_at=metrics_at, debug=debug))


@app.command(context_settings=EITHER_CASE, epilog="Example: pubsub-inference check examples/multiply/job.yaml --load")
def check(
    job_file: Annotated[str, typer.Argument(help="The job file, local or gs://.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON, for machines.")] = False,
    load: Annotated[bool, typer.Option("--load", help="Also load the SavedModels, warm them and ask them.")] = False,
    _debug: Debug = False,
) -> None:
    """Check a job file against its schema and its models, and show how they are wired.

    Only the job file, its schema, and the graph of each SavedModel are read, unless the models are to be loaded.
    """
    from streaming.quiet import import_tensorflow

    import_tensorflow()
    from streaming.contract import check as check_contract
    from streaming.describe import describe
    from streaming.job import load_job
    from streaming.show import show

    contract = check_contract(load_job(job_file))
    described = describe(contract)
    if load:
        from streaming.models.rehearsal import rehearse

        logging.getLogger("streaming").addHandler(logging.NullHandler())  # the table says what is refused

        described["loaded"] = [asdict(each) for each in map(rehearse, contract.models) if each is not None]
    show(described, as_json=as_json)
    if any(each["wrong"] for each in described.get("loaded", ())):
        raise typer.Exit(EXIT_FAILED)


@app.command(context_settings=EITHER_CASE, epilog="Example: pubsub-inference demo --example=multiply --messages=2000")
def demo(
    example: Annotated[Example, typer.Option(help="A fleet of pumps that fail, or toy models.")] = Example.pumps,
    messages: Annotated[int, typer.Option(min=1, help="How many messages are published.")] = 12_000,
    rate: Annotated[float, typer.Option(min=1, help="How many of them a second.")] = 200,
    output_dir: Annotated[Path | None, typer.Option(help="Where report and truth go; by default demo/EXAMPLE.")] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show the logs of all libraries, and tracebacks.")] = False,
) -> None:
    """The whole service on this machine: emulators, models, job, a faulty fleet; then the score of every message."""
    from streaming.local.demo import run_demo

    raise typer.Exit(run_demo(example, messages, rate, output_dir or Path("demo") / example, debug=debug))


def _attach(pid: int | None) -> Callable[[], Report]:
    from streaming.local.attach import attach

    return attach(pid)


for command, epilog in (
    (publish.publish, publish.EPILOG),
    (score.score, score.EPILOG),
    (replay.replay, replay.EPILOG),
    (template.template, template.EPILOG),
    (jobs.jobs, jobs.EPILOG),
    (drain.drain, drain.EPILOG),
    (cancel.cancel, cancel.EPILOG),
):
    app.command(epilog=epilog, help=in_paragraphs(command), context_settings=EITHER_CASE)(command)

for command, epilog in ((launch.launch, launch.EPILOG), (update.update, update.EPILOG)):
    with_parameters = {**EITHER_CASE, **TAKES_PARAMETERS}
    app.command(epilog=epilog, help=in_paragraphs(command), context_settings=with_parameters)(command)

watch = monitor.command(_attach)
app.command(epilog=monitor.EPILOG, help=in_paragraphs(watch), context_settings=EITHER_CASE)(watch)
app.add_typer(monitoring(**EITHER_CASE))


def _is_dataflow(runner: str) -> bool:
    """As Beam takes it: in any case, with or without its module and "Runner"."""
    return runner.rpartition(".")[2].lower() in ("dataflow", "dataflowrunner")


def _split(argv: list[str]) -> tuple[list[str], list[str]]:
    """The arguments before and after `--`."""
    place = argv.index("--") if "--" in argv else len(argv)
    return argv[:place], argv[place + 1 :]


def _usage(error: Any) -> str:
    """What the parser says is wrong, and which help to read. It says nothing where it has shown the help itself."""
    words = " ".join(error.format_message().split())
    command = error.ctx.command_path if error.ctx else "pubsub-inference"
    return words and f"{words} ({command} --help)"


def _complain(lines: str) -> None:
    Console(stderr=True).print(Text(lines), soft_wrap=True)
