"""The help of a command that takes the job's parameters: the parser's own, then a table of the parameters."""

from __future__ import annotations

import re

import typer
from typer.testing import CliRunner

from streaming.dataflow.commands.parameter_help import TAKES_PARAMETERS, Help, in_paragraphs
from streaming.options import table_of_help


def begin(context: typer.Context, name: str, _help: Help = False) -> None:
    """Begin a job,
    and wait for it.

    It takes   parameters:
    those below.
    """
    typer.echo([name, *context.args])


def unsaid() -> None: ...


def run(*arguments: str) -> tuple[int, str]:
    app = typer.Typer()
    app.command(context_settings=TAKES_PARAMETERS, help=in_paragraphs(begin))(begin)
    result = CliRunner(env={"COLUMNS": "200", "TERMINAL_WIDTH": "200"}).invoke(app, arguments)
    return result.exit_code, re.sub(r"\x1b\[[0-9;]*m", "", result.stdout)  # colours, where the environment wants them


def test_each_paragraph_is_one_line() -> None:
    assert in_paragraphs(begin).strip() == "Begin a job, and wait for it.\n\nIt takes parameters: those below."
    assert in_paragraphs(unsaid) == ""


def test_parameters_are_left_to_the_command() -> None:
    said = "['readings', '--job_file=a', '--output_ordering', '-x']\n"
    assert run("readings", "--job_file=a", "--output_ordering", "-x") == (0, said)


def test_the_table_of_parameters_ends_the_help_and_the_command_is_not_called() -> None:
    code, said = run("--help")
    usual, _, table = said.partition("parameter  ")
    listed = [word for row in table_of_help() for cell in row for word in cell.split()]
    assert (code, table.split()) == (0, ["default", "meaning", *listed])
    assert [line.strip() for line in usual.splitlines() if line.strip()][1:3] == [
        "Begin a job, and wait for it.",
        "It takes parameters: those below.",
    ]
