"""The command `score`, from a truth file and a file of messages to exit code, JSON and report."""

import json
import threading
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import typer
from click.testing import Result
from typer.testing import CliRunner

from producers.commands.score import score
from producers.messages import MESSAGE, Messages
from producers.scoring.score import score_run
from producers.scoring.scores import Kind, Score
from producers.truth import Run, TruthWriter
from streaming.durations import parse_duration
from streaming.errors import JobError, Mistakes
from streaming.job import load_job
from streaming.results import table_schema, to_json
from tests.score_cases import INPUTS, SCHEMA, START, message, payload, row

NO_LETTERS = "dead letters are left out of account; name their table with --deadletter-table"
JOB = """
message: {{format: avro, schema: reading.avsc, key: device_id, event_time: event_time}}
window: {{fixed: 60s}}
features: {{x: value}}
models:
  times5: {{path: {models}/times5, outputs: {{output_0: prediction}}}}
  times10: {{path: {models}/times10, outputs: {{output_0: prediction}}}}
"""
BLOCK = pa.schema([*MESSAGE, ("inputs", INPUTS)])
ROWS = [row(number, model, model_fingerprint=None) for number in (1, 2) for model in ("times5", "times10")]


@pytest.fixture
def truth(tmp_path: Path, saved_models: Path) -> Path:
    """The truth file of two good messages, beside the job file that it names."""
    (tmp_path / "reading.avsc").write_text(json.dumps(SCHEMA))
    job = tmp_path / "job.yaml"
    job.write_text(JOB.format(models=saved_models))
    path = tmp_path / "truth.ndjson"
    job_hash = load_job(str(job)).hash
    run = Run("projects/p/topics/t", "scenario.yaml", str(job), job_hash, 1, 1.0, 2, "avro", START, SCHEMA)
    with TruthWriter(path, run) as writer:
        writer.messages(Messages(0.0, pa.RecordBatch.from_pylist([sent(1), sent(2)], BLOCK)))
        writer.sent([1, 2], ["m1", "m2"])
        writer.end("completed")
    return path


def sent(number: int) -> dict[str, Any]:
    return message(number) | {"payload": payload(number), "attributes": [], "ordering_key": ""}


def messages(directory: Path, rows: list[dict[str, Any]]) -> Path:
    path = directory / "messages.ndjson"
    columns = table_schema([pa.field("prediction", pa.float64())])
    path.write_bytes(b"".join(each + b"\n" for each in to_json(pa.RecordBatch.from_pylist(rows, columns))))
    return path


def invoke(*arguments: object) -> Result:
    app = typer.Typer()
    app.command()(score)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_a_good_run_is_scored_with_exit_code_0(truth: Path, tmp_path: Path) -> None:
    html = tmp_path / "score.html"
    result = invoke("--truth", truth, "--messages", messages(tmp_path, ROWS), "--json", "--html", html)
    assert (result.exit_code, result.stderr) == (0, f"{NO_LETTERS}\n")
    assert json.loads(result.stdout)["ok"] is True
    assert "<html" in html.read_text()


def test_a_lost_message_makes_exit_code_1(truth: Path, tmp_path: Path) -> None:
    result = invoke("--truth", truth, "--messages", messages(tmp_path, ROWS[1:]), "--wait", "1ms")
    assert result.exit_code == 1
    assert Kind.LOST.value in " ".join(result.stdout.split())


def test_another_job_file_is_scored_with_a_warning(truth: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text((tmp_path / "job.yaml").read_text() + "# changed\n")
    said: list[str] = []
    rows = messages(tmp_path, ROWS)
    assert score_run(str(truth), messages_file=str(rows), job_file=str(other), on_warning=said.append).ok
    assert said == [f"--job-file: {other} is not as it was when {truth} was written", NO_LETTERS]


def test_a_score_waits_for_what_is_still_to_come(truth: Path, tmp_path: Path) -> None:
    rows = messages(tmp_path, ROWS[1:])
    incomplete: list[Score] = []

    def go_on(score: Score) -> None:
        incomplete.append(score)
        messages(tmp_path, ROWS)

    assert score_run(str(truth), messages_file=str(rows), wait=parse_duration("1h"), on_wait=go_on).ok
    assert [score.wrong for score in incomplete] == [{Kind.LOST: 1}]


def test_waiting_can_be_stopped(truth: Path, tmp_path: Path) -> None:
    rows = messages(tmp_path, ROWS[1:])
    stop = threading.Event()
    found = score_run(
        str(truth), messages_file=str(rows), wait=parse_duration("1h"), stop=stop, on_wait=lambda _: stop.set()
    )
    assert found.wrong == {Kind.LOST: 1}


@pytest.mark.parametrize(
    ("arguments", "lines"),
    [
        (["--wait", "soon"], "--wait: 'soon' is not a duration; write a number and ms, s, m, h or d, as in 60s"),
        ([], "--table, --messages: nothing to score; name the job's table, a file of messages, or both"),
    ],
)
def test_mistakes_are_named(truth: Path, arguments: list[str], lines: str) -> None:
    error = invoke("--truth", truth, *arguments).exception
    assert isinstance(error, Mistakes)
    assert str(error) == lines


def test_a_report_that_cannot_be_written_is_a_mistake_before_anything_is_read(tmp_path: Path) -> None:
    error = invoke("--truth", "nowhere", "--html", tmp_path / "none" / "score.html").exception
    assert isinstance(error, JobError)
    assert str(error) == f"--html: no directory {tmp_path / 'none'}; make it, or correct the path"
