"""The help of commands that take the job's parameters, which the parser does not know."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text


def help_with_parameters(context: typer.Context, asked: bool) -> None:
    """The usual help, and the parameters: they are the job's, and known to `options` alone."""
    if not asked:
        return
    from streaming.options import table_of_help

    typer.echo(context.get_help())
    table = Table("parameter", "default", Column("meaning", overflow="fold"), box=None)  # long names are shown whole
    for row in table_of_help():
        table.add_row(*(Text(cell) for cell in row))
    Console().print(table)
    raise typer.Exit


def in_paragraphs(command: Callable[..., None]) -> str:
    """The command's documentation, each paragraph on one line: the parser would keep the breaks of the source."""
    return "\n\n".join(" ".join(each.split()) for each in (command.__doc__ or "").split("\n\n"))


Help = Annotated[
    bool, typer.Option("--help", help="Show this message and exit.", is_eager=True, callback=help_with_parameters)
]
TAKES_PARAMETERS = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
"""The parser's settings of such a command: flags that are none of its own are left to it, and so is the help."""
