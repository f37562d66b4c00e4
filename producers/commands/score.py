"""The command `score`."""

from __future__ import annotations

from contextlib import nullcontext
from itertools import chain
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from streaming.command_options import Debug

if TYPE_CHECKING:
    from collections.abc import Iterable

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
    _debug: Debug = False,
) -> None:
    """Hold what came out of a job against the truth: lost, repeated, wrong, late.

    Exit code 0 if nothing is lost or wrong, else 1. Predictions are compared with the job's models, run here.
    """
    from rich.console import Console
    from rich.text import Text

    from producers.report.html_file import write_html, wrong_html
    from producers.scoring.arguments import wrong_arguments
    from streaming.arguments import wrong_value
    from streaming.durations import parse_duration

    named = wrong_arguments(truth, table, deadletter_table, messages, job_file)
    _refuse(named, wrong_html(html), wrong_value("--wait", wait, parse_duration))
    warnings: list[str] = []
    errors = Console(stderr=True)
    with errors.status("Scoring") if errors.is_terminal else nullcontext() as status:
        from producers.scoring.score import score_run

        result = score_run(
            truth,
            table=table,
            deadletter_table=deadletter_table,
            messages_file=messages,
            job_file=job_file,
            wait=None if wait is None else parse_duration(wait),
            on_warning=warnings.append,
            on_step=lambda step: status.update(escape(step)) if status is not None else None,
        )
    for line in warnings:  # they are of the result: where there is none, the error alone is told
        errors.print(Text(line), soft_wrap=True)
    if html is not None:
        write_html(html, result)
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


def _refuse(*mistakes: Iterable[str]) -> None:
    """Name every mistake that is seen at once, before anything costly is done."""
    from streaming.errors import Mistakes

    if lines := list(chain(*mistakes)):
        raise Mistakes(lines)
