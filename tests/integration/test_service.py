"""`pubsub-inference run` on the emulators and Prism, as a user starts it: from end to end, killed, and ended."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from producers import multiply
from producers.messages import Fault
from producers.scoring.scores import Came, Kind, Score
from producers.truth import read_truth
from streaming.endpoints import subscriber_client
from streaming.job import load_job
from tests.integration.service import Service, await_true, workers

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

LONG = timedelta(seconds=120)
EXAMPLE = Path(__file__).parents[2] / "examples" / "multiply"


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The multiply example, with trained models."""
    directory = tmp_path_factory.mktemp("multiply")
    for name in ("job.yaml", "cascade.yaml", "scenario.yaml", "reading.avsc", "reading_v2.avsc"):
        (directory / name).write_bytes((EXAMPLE / name).read_bytes())
    at_once = (directory / "scenario.yaml").read_text().replace("after: 5s, ", "")
    (directory / "scenario.yaml").write_text(at_once)
    multiply.train(directory / "models")
    return directory


FAULTS = dict.fromkeys(Fault, 0.02)
"""All of them, and more of them than the scenario has."""


def seen(score: Score) -> tuple[dict[Kind, int], dict[str, dict[str, int]]]:
    """What is wrong, and how many predictions of each model there are in each place."""
    return dict(score.wrong), {came.place: dict(came.predictions) for came in score.came}


@pytest.mark.usefixtures("emulators")
def test_every_message_becomes_its_predictions_or_its_dead_letter(example: Path, tmp_path: Path) -> None:
    service = Service(example / "job.yaml")
    truth, messages = tmp_path / "truth.ndjson", tmp_path / "messages.ndjson"
    with service.running() as process:
        service.publish(example / "scenario.yaml", truth, messages=900, rate=2000, seed=7, faults=FAULTS)
        assert service.score(truth, wait=LONG).wrong == {}
        assert service.end(process) == 0
    published = service.drained("out")
    messages.write_bytes(b"".join(message.data + b"\n" for message in published))
    sent = read_truth(truth).messages.to_pylist()
    answered = sum(each["stage"] is None and not each["rejected_by"] for each in sent)
    score = service.score(truth, messages)
    assert seen(score) == ({}, {place: {"times5": answered, "times10": answered} for place in ("table", "messages")})
    assert [replace(came, place="", predictions={}) for came in score.came] == 2 * [Came("", {})]
    assert set(score.sent.faults) == set(Fault)
    assert sum(score.dead_letters.values()) == sum(1 if each["stage"] else len(each["rejected_by"]) for each in sent)

    rows = {row["prediction_id"]: row for row in service.rows()}
    for message in published:
        body, row = json.loads(message.data), rows[message.attributes["prediction_id"]]
        times = {name: datetime.fromisoformat(body[name]) for name in body if isinstance(row[name], datetime)}
        assert {**body, **times} == row
        assert message.attributes["key"] == row["key"]
        assert message.attributes["model"] == row["model"]
        assert datetime.fromisoformat(message.attributes["event_time"]) == row["event_time"]

    for row in rows.values():
        assert row["publish_time"] <= row["read_at"] <= row["processed_at"]
        assert (row["model_version"], row["job_hash"]) == (
            row["model_fingerprint"],
            load_job(str(service.job_file)).hash,
        )
    assert len({(row["model"], row["model_fingerprint"]) for row in rows.values()}) == 2

    letters = [(m.attributes["error_message_id"], m.attributes["error_stage"], m.data) for m in service.drained("dead")]
    expected = [(row["message_id"], row["stage"], row["payloadBytes"] or b"") for row in service.dead_letters()]
    assert sorted(letters) == sorted(expected)


@pytest.mark.usefixtures("emulators")
def test_a_cascade_on_two_workers(example: Path, tmp_path: Path) -> None:
    service = Service(example / "cascade.yaml")
    truth = tmp_path / "truth.ndjson"
    with service.running("--workers=2") as process:
        await_true(lambda: len(workers(process)) == 2)
        service.publish(example / "scenario.yaml", truth, messages=600, rate=2000, faults={Fault.POISON: 0.0})
        assert service.score(truth, wait=LONG).wrong == {}
        assert service.end(process) == 0


@pytest.mark.usefixtures("emulators")
def test_nothing_is_lost_when_the_worker_is_killed_three_times(example: Path, tmp_path: Path) -> None:
    service = Service(example / "job.yaml")
    truth, stop = tmp_path / "truth.ndjson", threading.Event()
    arguments = {"stop": stop, "rate": 100, "seed": 7}
    publisher = threading.Thread(target=service.publish, args=(example / "scenario.yaml", truth), kwargs=arguments)
    with service.running() as process:
        publisher.start()
        try:
            for _ in range(3):
                before = service.row_count()
                await_true(lambda before=before: service.row_count() > before + 200)
                (worker,) = workers(process)
                worker.kill()
                await_true(lambda worker=worker: worker not in workers(process))
        finally:
            stop.set()
            publisher.join()
        assert service.score(truth, wait=LONG).wrong == {}
        assert service.end(process) == 0
    answers: dict[str, set[float]] = {}
    for row in service.rows():
        answers.setdefault(row["prediction_id"], set()).add(row["prediction"])
    assert all(len(predictions) == 1 for predictions in answers.values())


@pytest.mark.usefixtures("emulators")
def test_sigterm_finishes_what_is_in_hand_and_the_rest_waits(example: Path, tmp_path: Path) -> None:
    service = Service(example / "job.yaml")
    truth = tmp_path / "truth.ndjson"
    with service.running() as process:
        await_true(lambda: bool(workers(process)))
        service.publish(example / "scenario.yaml", truth, messages=8000, rate=8000)
        await_true(lambda: service.row_count() > 500)
        assert service.end(process) == 0
    in_between = service.score(truth)
    assert (in_between.came[0].repeated, in_between.repeated_dead_letters) == (0, 0)
    with service.running() as process:
        assert service.score(truth, wait=LONG).wrong == {}
        assert service.end(process) == 0
    score = service.score(truth)
    assert score.wrong == {}
    assert (score.came[0].repeated, score.repeated_dead_letters) == (0, 0)


@pytest.mark.usefixtures("emulators")
def test_a_missing_subscription_ends_the_command_with_one_line(example: Path) -> None:
    service = Service(example / "job.yaml")
    with subscriber_client() as subscriber:
        subscriber.delete_subscription(subscription=service.subscription("in"))
    with service.running() as process:
        assert process.wait(timeout=90) == 1
    assert [line for line in service.log if service.subscription("in") in line and "input_subscription" in line]
    assert not any("Traceback" in line for line in service.log)


@pytest.mark.usefixtures("emulators")
def test_mistakes_are_reported_together_before_anything_is_read(example: Path) -> None:
    broken = example / "broken.yaml"
    broken.write_text((example / "job.yaml").read_text().replace("models/times5", "models/none"))
    command = [sys.executable, "-m", "streaming", "run", f"--job_file={broken}", "--input_subscription=readings"]
    done = subprocess.run([*command, "--ouput_topic=x"], capture_output=True, text=True, env=os.environ, check=False)
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "--ouput_topic: unknown flag; did you mean --output_topic?",
        "--input_subscription: 'readings' is not of the form projects/PROJECT/subscriptions/SUBSCRIPTION",
        "--output_table: missing; give --output_table=OUTPUT_TABLE",
        f"models.times5.path: no directory {example}/models/none; correct the path",
    ]
