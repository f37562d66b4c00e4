"""The command as its user sees it: help, mistakes on one line each, and exit codes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from producers.commands import publish, replay, score
from streaming import cli
from streaming.contract import check
from streaming.describe import describe
from streaming.job import load_job
from streaming.options import Parameters
from streaming.savedmodel.generations import fingerprint

SCHEMA = {
    "type": "record",
    "name": "Reading",
    "fields": [{"name": "device_id", "type": "string"}, {"name": "value", "type": "double"}],
}
JOB = """
message: {format: avro, schema: reading.avsc, key: device_id}
window: {fixed: 60s}
features: {x: value}
models: {times5: {path: MODELS/times5, outputs: {output_0: prediction}}}
"""
SUBSCRIPTION = "--input_subscription=projects/my-project/subscriptions/readings"
TABLE = "--output_table=my-project.data.predictions"
MISSING = [
    "--job_file: missing; give --job_file=JOB_FILE",
    "--input_subscription: missing; give one of --input_subscription, --input_files and --input_table",
    "--output_table: missing; give --output_table=OUTPUT_TABLE",
]


class Outcome(NamedTuple):
    """How the command ended, and what it has printed."""

    code: int
    out: list[str]
    err: list[str]


Command = Callable[..., Outcome]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs the command in this process, which has Beam and TensorFlow loaded, without a terminal."""
    monkeypatch.setenv("COLUMNS", "160")
    for name in ("FORCE_COLOR", "PY_COLORS", "GITHUB_ACTIONS"):
        monkeypatch.delenv(name, raising=False)

    def run(*argv: str) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["pubsub-inference", *argv])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return Outcome(ended.value.code, said.out.splitlines(), said.err.splitlines())

    return run


@pytest.fixture
def job_file(saved_models: Path, tmp_path: Path) -> str:
    (tmp_path / "reading.avsc").write_text(json.dumps(SCHEMA))
    path = tmp_path / "job.yaml"
    path.write_text(JOB.replace("MODELS", str(saved_models)))
    return str(path)


def started(*argv: str) -> subprocess.Popen[str]:
    """The command in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "streaming", *argv], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def words(lines: list[str]) -> list[str]:
    return [" ".join(line.split()) for line in lines if line.strip()]


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


def test_the_help_of_run_lists_every_parameter(command: Command) -> None:
    lines = words(command("run", "--help", "--job_file=x").out)
    listed = lines[lines.index("parameter default meaning") + 1 :]
    assert " ".join(listed) == " ".join(
        " ".join(f"--{name} {'required' if field.is_required() else _shown(field.default)} {field.description}".split())
        for name, field in Parameters.model_fields.items()
    )


def _shown(default: object) -> str:
    return "" if default is None else str(default).lower()


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


def test_check_shows_the_wiring(command: Command, job_file: str) -> None:
    code, out, err = command("check", job_file)
    assert (code, err) == (0, [])
    lines = words(out)
    directory = Path(job_file).parent
    assert lines[0].startswith(f"message: avro, {directory}/reading.avsc; key field device_id, id the")
    assert [line for line in lines if line.startswith(("needs", "gives", "prediction "))] == [
        "needs x: float32[1] from value: double",
        "gives output_0 column prediction: FLOAT64",
        "prediction FLOAT64 NULLABLE times5: output_0",
    ]
    assert lines[-1] == f"This job fits together; its job_hash is {load_job(job_file).hash}."


def test_check_prints_json_for_machines(command: Command, job_file: str) -> None:
    code, out, err = command("check", job_file, "--json")
    assert (code, err, json.loads("\n".join(out))) == (0, [], describe(check(load_job(job_file))))


def test_check_loads_the_models_on_request(command: Command, job_file: str, saved_models: Path) -> None:
    code, out, _ = command("check", job_file, "--json", "--load")
    (loaded,) = json.loads("\n".join(out))["loaded"]
    assert (code, loaded.pop("seconds") > 0) == (0, True)
    content = fingerprint(str(saved_models / "times5"))
    assert loaded == {
        "model": "times5",
        "generation": content,
        "fingerprint": content,
        "complaint": None,
        "wrong": None,
    }


def test_check_fails_where_a_model_cannot_be_loaded(command: Command, job_file: str, saved_models: Path) -> None:
    broken = Path(job_file).parent / "broken"
    shutil.copytree(saved_models / "times5", broken)
    (broken / "variables" / "variables.data-00000-of-00001").write_bytes(b"")
    text = Path(job_file).read_text().replace(f"{saved_models}/times5", "broken")
    Path(job_file).write_text(text)
    assert command("check", job_file).code == 0
    code, out, _ = command("check", job_file, "--load")
    assert code == 1
    assert words(out)[-1].startswith("This job fits together, but cannot be served: times5; its job_hash is")


def test_check_names_every_mistake(command: Command, job_file: str) -> None:
    broken = Path(job_file).with_name("broken.yaml")
    broken.write_text(Path(job_file).read_text().replace("x: value", "x: valu").replace("output_0", "output_1"))
    assert command("check", str(broken)) == (
        2,
        [],
        [
            "models.times5.outputs.output_1: the signature serving_default has no such output; did you mean output_0?",
            "features.x: the schema has no field 'valu'; did you mean value?",
        ],
    )


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
