"""The command `run` as its user sees it, up to the worker."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from streaming.options import Parameters
from tests.cli_cases import SUBSCRIPTION, TABLE, Command, started, words

MISSING = [
    "--job_file: missing; give --job_file=JOB_FILE",
    "--input_subscription: missing; give one of --input_subscription, --input_files and --input_table",
    "--output_table: missing; give --output_table=OUTPUT_TABLE",
]


def test_the_help_of_run_lists_every_parameter(command: Command) -> None:
    lines = words(command("run", "--help", "--job_file=x").out)
    listed = lines[lines.index("parameter default meaning") + 1 :]
    assert " ".join(listed) == " ".join(
        " ".join(f"--{name} {'required' if field.is_required() else _shown(field.default)} {field.description}".split())
        for name, field in Parameters.model_fields.items()
    )


def _shown(default: object) -> str:
    return "" if default is None else str(default).lower()


@pytest.mark.parametrize(
    ("argv", "mistakes"),
    [
        ([], MISSING),
        (["--ouput_table=p.d.t"], ["--ouput_table: unknown flag; did you mean --output_table?", *MISSING]),
        (
            ["--batch-size=0", SUBSCRIPTION],
            [MISSING[0], MISSING[2], "--batch_size: input should be greater than or equal to 1, not '0'"],
        ),
        (
            ["stray", "--job-file", "nowhere.yaml", SUBSCRIPTION.replace("_", "-"), TABLE],
            ["stray: not a flag; write --name=value", "job_file: no file nowhere.yaml; correct the path"],
        ),
        ([SUBSCRIPTION, TABLE, "--job_file=[red].yaml"], ["job_file: no file [red].yaml; correct the path"]),
    ],
)
def test_every_mistake_of_run_is_a_line(command: Command, argv: list[str], mistakes: list[str]) -> None:
    assert command("run", *argv) == (2, [], mistakes)


@pytest.mark.parametrize("flag", ["--metrics-port=0", "--metrics_port=9100"])
def test_metrics_of_a_dataflow_job_are_not_served(command: Command, flag: str) -> None:
    words = "is of a job on this machine; see pubsub-inference monitor for Dataflow's"
    assert command("run", "--runner=DataflowRunner", flag) == (2, [], [f"--metrics-port: {words}"])


@pytest.mark.parametrize("runner", ["PrismRunner", "DataflowRunner", "dataflow"])
def test_beams_options_follow_after_two_dashes(command: Command, runner: str) -> None:
    beams = ["--numworkers=3", "--num_workers=many"]
    assert command("run", f"--runner={runner}", SUBSCRIPTION, TABLE, "--", *beams) == (
        2,
        [],
        [
            "--numworkers: unknown flag; did you mean --num_workers?",
            MISSING[0],
            "--num_workers: invalid int value: 'many'",
        ],
    )


@pytest.mark.parametrize(
    ("named", "runner"),
    [
        ("DirectRunner", "DirectRunner"),
        ("direct", "DirectRunner"),
        ("apache_beam.runners.direct.direct_runner.BundleBasedDirectRunner", "BundleBasedDirectRunner"),
        ("switchingdirectrunner", "SwitchingDirectRunner"),
        ("FnApi", "FnApiRunner"),
        ("TestDirectRunner", "TestDirectRunner"),
    ],
)
def test_runners_that_do_not_acknowledge_are_refused(command: Command, job_file: str, named: str, runner: str) -> None:
    beams = "--num_workers=2"  # is understood before the two dashes, too
    assert command("run", f"--job_file={job_file}", SUBSCRIPTION, TABLE, f"--runner={named}", beams) == (
        2,
        [],
        [
            f"--runner: {runner} never acknowledges a message, or does so before it is processed; "
            "use PrismRunner, DataflowRunner or another portable runner"
        ],
    )


def test_ctrl_c_ends_with_its_own_code_and_without_a_traceback(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "job.yaml")
    process = started("run", f"--job_file={tmp_path}/job.yaml", SUBSCRIPTION, TABLE)
    with (tmp_path / "job.yaml").open("w"):  # opens when the command reads it
        process.send_signal(signal.SIGINT)
        assert process.communicate() == ("", "")
    assert process.returncode == 130


@pytest.mark.integration
def test_what_the_worker_finds_wrong_is_said_once(job_file: str) -> None:
    process = started("run", f"--job_file={job_file}", SUBSCRIPTION, TABLE, "--workers=2", "--", "--numworkers=3")
    _, err = process.communicate()
    assert process.returncode == 2
    assert [line for line in err.splitlines() if "numworkers" in line] == [
        "--numworkers: unknown flag; did you mean --num_workers?"
    ]
    assert "Traceback" not in err
