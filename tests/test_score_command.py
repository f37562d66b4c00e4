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
from streaming.errors import Mistakes
from streaming.job import load_job
from streaming.results import table_schema, to_json
from tests.publish_cases import INPUTS, SCHEMA, START
from tests.score_cases import message, payload, row

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
    changed = f"--job-file: {other} is not the one of {truth}, or has changed since that was written"
    assert said == [changed, NO_LETTERS]


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


def test_a_file_without_messages_is_named(truth: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty.ndjson"
    empty.touch()
    result = invoke("--truth", truth, "--messages", empty, "--json")
    assert (result.exit_code, result.stderr) == (1, f"{NO_LETTERS}\n--messages: {empty} is empty\n")
    assert json.loads(result.stdout)["wrong"] == {"lost": 4}


def test_a_truth_of_no_message_is_scored(truth: Path, tmp_path: Path) -> None:
    truth.write_bytes(truth.read_bytes().splitlines(keepends=True)[0])
    result = invoke("--truth", truth, "--messages", messages(tmp_path, []), "--json")
    assert (result.exit_code, json.loads(result.stdout)["sent"]["ending"]) == (0, "cut off")


def test_a_score_tells_what_it_does(truth: Path, tmp_path: Path) -> None:
    steps: list[str] = []
    score_run(str(truth), messages_file=str(messages(tmp_path, ROWS)), on_step=steps.append)
    assert steps == [f"Reading {truth}", "Loading TensorFlow", "Asking the models offline", "Comparing"]


def test_an_error_comes_without_the_warnings_of_a_result(truth: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.ndjson"
    broken.write_text("nonsense\n")
    result = invoke("--truth", truth, "--messages", broken)
    assert isinstance(result.exception, Mistakes)
    assert (result.stdout, result.stderr) == ("", "")


def test_all_mistakes_are_named_before_anything_is_read(tmp_path: Path) -> None:
    arguments = {"truth": "nowhere", "table": "x", "deadletter-table": "y", "html": tmp_path, "wait": "soon"}
    files = {"messages": tmp_path, "job-file": "none.yaml"}
    flags = [word for name, value in {**arguments, **files}.items() for word in (f"--{name}", value)]
    error = invoke(*flags).exception
    assert isinstance(error, Mistakes)
    form = "is not a table; write PROJECT:DATASET.TABLE or PROJECT.DATASET.TABLE"
    assert error.lines == (
        "--truth: no file nowhere; name a file that publish has written",
        f"--table: 'x' {form}",
        f"--deadletter-table: 'y' {form}",
        f"--messages: {tmp_path} is a directory; name a file of output messages",
        "--job-file: no file none.yaml; correct the path",
        f"--html: {tmp_path} is a directory; name a file in it",
        "--wait: 'soon' is not a duration; write a number and ms, s, m, h or d, as in 60s",
    )


def test_an_empty_truth_file_and_nothing_to_score_are_named(tmp_path: Path) -> None:
    empty = tmp_path / "truth.ndjson"
    empty.touch()
    error = invoke("--truth", empty, "--html", tmp_path / "none" / "score.html").exception
    assert isinstance(error, Mistakes)
    assert error.lines == (
        f"--truth: {empty} is empty: publish has written nothing yet",
        "--table, --messages: nothing to score; name the job's table, a file of messages, or both",
        f"--html: no directory {tmp_path / 'none'}; make it, or correct the path",
    )
