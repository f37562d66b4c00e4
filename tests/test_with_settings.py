"""A command is given an option for each setting, where its parameter for all of them stood, and is called with them."""

from __future__ import annotations

import inspect
from dataclasses import fields
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from streaming.dataflow.commands.settings import Settings, StreamingMode
from streaming.dataflow.commands.with_settings import with_settings

NAMES = [field.name for field in fields(Settings)]
PLACE = ("--template=gs://b/t.json", "--project=p", "--region=europe-west4")

called: list[tuple[str, Settings, bool]] = []


@with_settings
def begin(name: Annotated[str, typer.Argument()], settings: Settings, loud: bool = False) -> None:
    """Begin a job."""
    called.append((name, settings, loud))


@pytest.fixture(autouse=True)
def _nothing_called() -> None:
    called.clear()


def run(*arguments: str) -> int:
    app = typer.Typer()
    app.command()(begin)
    return CliRunner().invoke(app, arguments).exit_code


def test_the_settings_stand_where_their_parameter_stood() -> None:
    signature = inspect.signature(begin)
    assert [*signature.parameters] == ["name", *NAMES, "loud"]
    assert {each.kind for each in signature.parameters.values()} == {inspect.Parameter.KEYWORD_ONLY}
    assert [*begin.__annotations__] == ["name", *NAMES, "loud"]


def test_the_command_keeps_its_name_and_its_help() -> None:
    assert (begin.__name__, begin.__doc__, begin.__module__) == ("begin", "Begin a job.", __name__)


def test_settings_have_the_defaults_of_their_fields_and_some_have_none() -> None:
    parameters = inspect.signature(begin).parameters
    assert [name for name in NAMES if parameters[name].default is inspect.Parameter.empty] == [
        "template",
        "project",
        "region",
    ]
    usual = Settings(template="", project="", region="")
    assert {name: parameters[name].default for name in NAMES[3:]} == {name: getattr(usual, name) for name in NAMES[3:]}


def test_a_call_without_more_than_it_needs() -> None:
    assert run("readings", *PLACE) == 0
    assert called == [("readings", Settings(template="gs://b/t.json", project="p", region="europe-west4"), False)]


def test_settings_of_every_kind() -> None:
    given = ["--streaming-mode=exactly-once", "--no-public-ips", "--num-workers=2", "--label=a=b", "--label=c="]
    assert run(*given, "readings", "--loud", *PLACE, "--dry-run", "--no-wait", "--timeout=5m") == 0
    settings = Settings(
        template="gs://b/t.json",
        project="p",
        region="europe-west4",
        streaming_mode=StreamingMode.exactly_once,
        public_ips=False,
        num_workers=2,
        label=["a=b", "c="],
        dry_run=True,
        wait=False,
        timeout="5m",
    )
    assert called == [("readings", settings, True)]


def test_what_is_missing_or_no_value_is_the_parser_s_to_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GOOGLE_CLOUD_PROJECT", raising=False)
    assert run("readings", PLACE[0], PLACE[2]) == 2
    assert run("readings", *PLACE, "--streaming-mode=twice") == 2
    assert called == []
