"""The command as its user sees it: help, mistakes on one line each, and exit codes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from producers.commands import publish, replay, score
from tests.cli_cases import Command, words


@pytest.mark.parametrize(
    ("argv", "example"),
    [
        ([], "Example: pubsub-inference demo"),
        (
            ["run"],
            "Example: pubsub-inference run --job_file=job.yaml --input_subscription=projects/P/subscriptions/S "
            "--output_table=P.D.T --workers=2, or over files: --input_files='data/*.parquet' --output_files=out. "
            "Beam's own options follow after --.",
        ),
        (["check"], "Example: pubsub-inference check examples/multiply/job.yaml --load"),
        (["demo"], "Example: pubsub-inference demo --example=multiply --messages=2000"),
        (["publish"], publish.EPILOG),
        (["score"], score.EPILOG),
        (["replay"], replay.EPILOG),
    ],
)
def test_every_help_shows_an_example(command: Command, argv: list[str], example: str) -> None:
    code, out, err = command(*argv, "--help")
    assert (code, err) == (0, [])
    assert " ".join(example.split()) in " ".join(" ".join(words(out)).split())


def test_without_a_command_the_help_is_shown(command: Command) -> None:
    code, out, err = command()
    assert (code, err) == (2, [])
    assert words(out)[0] == "Usage: pubsub-inference [OPTIONS] COMMAND [ARGS]..."


@pytest.mark.parametrize(
    ("argv", "line"),
    [
        (["chek"], "No such command 'chek'. Did you mean 'check'? (pubsub-inference --help)"),
        (["check"], "Missing argument 'job_file'. (pubsub-inference check --help)"),
        (["score", "--truth"], "Option '--truth' requires an argument. (pubsub-inference --help)"),
        (
            ["demo", "--output_di=x"],
            "No such option: --output-di (Possible options: --output-dir) (pubsub-inference demo --help)",
        ),
        (
            ["check", "--frobnicate", "x"],
            "No such option: --frobnicate (pubsub-inference check --help)",
        ),
        (
            ["demo", "--message=5"],
            "No such option: --message (Possible options: --messages) (pubsub-inference demo --help)",
        ),
        (
            ["demo", "--messages=0"],
            "Invalid value for '--messages': Input should be greater than or equal to 1 (pubsub-inference demo --help)",
        ),
        (
            ["run", "--workers=0"],
            "Invalid value for '--workers': Input should be greater than or equal to 1 (pubsub-inference run --help)",
        ),
        (
            ["run", "--metrics-port=65536"],
            "Invalid value for '--metrics-port' / '--metrics_port': Input should be less than or equal to 65535 "
            "(pubsub-inference run --help)",
        ),
    ],
)
def test_what_the_parser_finds_wrong_is_one_line(command: Command, argv: list[str], line: str) -> None:
    assert command(*argv) == (2, [], [line])


@pytest.mark.parametrize(
    ("variable", "value", "line"),
    [
        ("PRISM_BINARY", "nowhere", "PRISM_BINARY: nowhere is not an executable file; mend or unset the variable"),
        ("PATH", "", "java, which the Pub/Sub emulator needs, is not on the PATH; install a Java runtime"),
    ],
)
def test_demo_says_what_the_machine_lacks_before_anything_is_started(
    command: Command, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, line: str
) -> None:
    monkeypatch.setenv("PRISM_BINARY", sys.executable)
    monkeypatch.setenv(variable, value)
    assert command("demo") == (1, [], [line])


def test_demo_needs_a_directory_that_it_can_write_to(
    command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PRISM_BINARY", sys.executable)
    (tmp_path / "file").write_text("")
    line = f"--output-dir: {tmp_path}/file/demo cannot be written to (Not a directory); name another"
    assert command("demo", f"--output-dir={tmp_path}/file/demo") == (2, [], [line])


def test_an_unforeseen_error_is_one_line_unless_its_traceback_is_asked_for(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(path: str) -> None:
        raise OSError(f"[Errno 5] {path}\nis odd")

    monkeypatch.setattr("streaming.job.load_job", fail)
    assert command("check", "job.yaml") == (1, [], ["OSError: [Errno 5] job.yaml is odd (--debug shows where)"])
    with pytest.raises(OSError, match="is odd"):
        command("check", "job.yaml", "--debug")
