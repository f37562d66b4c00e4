"""The command `score`."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

    from producers.scoring.scores import Score

EPILOG = "Example: pubsub-inference score --truth truth.ndjson --table P.D.predictions --wait 30s --html score.html"


def score(
    truth: Annotated[str, typer.Option(help="The truth file that publish has written.")],
    table: Annotated[str | None, typer.Option(help="The job's table of predictions, P.D.T or P:D.T.")] = None,
    deadletter_table: Annotated[
        str | None, typer.Option(help="The job's table of dead letters; by default <table>_error_records.")
    ] = None,
    messages: Annotated[
        str | None, typer.Option(help="A file of output messages, the data of one a line; beside or without a table.")
    ] = None,
    job_file: Annotated[str | None, typer.Option(help="The job file; by default the one of the truth file.")] = None,
    wait: Annotated[
        str | None, typer.Option(help="Score again every second until all is well, at most so long, as in 30s.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON, for machines.")] = False,
    html: Annotated[str | None, typer.Option(help="Also write a report with plots into this HTML file.")] = None,
    _debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
) -> None:
    """Hold what came out of a job against the truth: lost, repeated, wrong, late.

    Exit code 0 if nothing is lost or wrong, else 1. Predictions are compared with the job's models, run here.
    """
    from rich.console import Console
    from rich.text import Text

    to_html = _html_writer(html) if html is not None else None
    longest = _duration(wait) if wait is not None else None
    errors = Console(stderr=True)
    with errors.status("Scoring") if errors.is_terminal else nullcontext():
        from streaming.quiet import import_tensorflow

        import_tensorflow()
        from producers.scoring.score import score_run

        result = score_run(
            truth,
            table=table,
            deadletter_table=deadletter_table,
            messages_file=messages,
            job_file=job_file,
            wait=longest,
            on_warning=lambda line: errors.print(Text(line), soft_wrap=True),
        )
    if to_html is not None:
        to_html(result)
    _show(result, as_json=as_json)
    if not result.ok:
        from streaming.errors import EXIT_FAILED

        raise typer.Exit(EXIT_FAILED)


def _show(result: Score, *, as_json: bool) -> None:
    from rich.console import Console

    if as_json:
        from producers.report.as_json import to_json

        typer.echo(to_json(result))
    else:
        from producers.report.terminal import render

        Console().print(render(result))


def _html_writer(path: str) -> Callable[[Score], None]:
    """Writes the report to `path`. What would hinder that is found before anything is scored."""
    from streaming.errors import Mistakes

    try:
        from producers.report.html import to_html
    except ModuleNotFoundError as error:
        install = "pip install 'pubsub-inference[report]'"
        raise Mistakes([f"--html: needs the package {error.name}; install it with {install}"]) from error
    if not Path(path).absolute().parent.is_dir():
        raise Mistakes([f"--html: no directory {Path(path).absolute().parent}; make it, or correct the path"])

    def write(result: Score) -> None:
        try:
            Path(path).write_text(to_html(result), encoding="utf-8")
        except OSError as error:
            raise Mistakes([f"--html: {path} cannot be written: {error.strerror}; name another file"]) from error

    return write


def _duration(text: str) -> timedelta:
    from streaming.durations import parse_duration
    from streaming.errors import Mistakes

    try:
        return parse_duration(text)
    except ValueError as error:
        raise Mistakes([f"--wait: {error}"]) from error
