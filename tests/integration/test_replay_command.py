"""The command `replay` on the emulators: what it prints, and how it ends."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from click.testing import Result
from typer import Typer
from typer.testing import CliRunner

from producers.commands.replay import replay as replay_command
from producers.table_access import NoTableError
from streaming.errors import Mistakes
from tests.integration.dead_letters import Letters

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600), pytest.mark.usefixtures("emulators")]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """The command, which is given its flags."""
    monkeypatch.setenv("COLUMNS", "160")
    app = Typer()
    app.command()(replay_command)
    return lambda *flags: CliRunner().invoke(app, flags)


def test_the_command_shows_what_goes(letters: Letters, command: Callable[..., Result]) -> None:
    letters.write({"message_id": "1", "error_message": "8 bytes are left"}, {"message_id": None, "stage": "generation"})
    flags = (f"--topic={letters.service.topic('in')}", f"--table={letters.table}")
    dry = command(*flags, "--dry-run")
    assert (dry.exit_code, [line.rstrip() for line in dry.stdout.splitlines()[4:]]) == (
        0,
        ["1 message would be published, of 1 dead letter.", "1 dead letter left out: of an event, not of a message"],
    )
    assert letters.published() == []
    real = command(*flags, "--stage=decode", "--rate=5")
    assert (real.exit_code, real.stdout.splitlines()[4:]) == (0, ["1 message published, of 1 dead letter."])
    assert letters.published() == [(b"x", {"site": "north", "original_message_id": "1"})]


def test_the_command_fails_when_pubsub_refuses_a_message(letters: Letters, command: Callable[..., Result]) -> None:
    letters.write({"message_id": "1", "attributes": [(f"a{number}", "x") for number in range(100)]})
    refused = command(f"--topic={letters.service.topic('in')}", f"--table={letters.table}")
    assert (refused.exit_code, refused.stdout.splitlines()) == (
        1,
        [
            "0 messages published, of 0 dead letters.",
            "1 dead letter refused by Pub/Sub: TooManyAttributes: the message has 101 attributes, 100 are the most "
            "(messages 1)",
        ],
    )


def test_mistakes_and_missing_things_print_nothing_on_standard_output(
    letters: Letters, command: Callable[..., Result]
) -> None:
    topic = f"--topic={letters.service.topic('in')}"
    for flags, error in (([topic], Mistakes), ([topic, f"--table={letters.table}_none"], NoTableError)):
        ended = command(*flags)
        assert (type(ended.exception), ended.stdout) == (error, "")
