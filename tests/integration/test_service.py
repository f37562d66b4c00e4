"""`pubsub-inference run` on the emulators and Prism, as a user starts it: from end to end, killed, and ended."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from producers import multiply
from producers.accounts import CASCADE, PARALLEL
from producers.readings import Account, publish, readings
from streaming.endpoints import subscriber_client
from streaming.job import load_job
from tests.integration.service import Service, await_true, workers

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

EXAMPLE = Path(__file__).parents[2] / "examples" / "multiply"


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The multiply example, with trained models."""
    directory = tmp_path_factory.mktemp("multiply")
    for name in ("job.yaml", "cascade.yaml", "reading.avsc"):
        (directory / name).write_bytes((EXAMPLE / name).read_bytes())
    multiply.train(directory / "models")
    return directory


def stream(count: int) -> Iterator[Any]:
    return readings(seed=7, start=datetime.now(UTC), count=count)


@pytest.mark.usefixtures("emulators")
def test_every_message_becomes_its_predictions_or_its_dead_letter(example: Path) -> None:
    service = Service(example / "job.yaml")
    with service.running() as process:
        account = publish(service.topic("in"), stream(900), rate=2000)
        await_true(lambda: service.findings(account, PARALLEL).ok)
        assert service.end(process) == 0
    findings = service.findings(account, PARALLEL)
    assert findings.wrong == []
    assert (findings.repeated_rows, findings.repeated_dead_letters) == (0, 0)

    rows = {row["prediction_id"]: row for row in service.rows()}
    published = {message.attributes["prediction_id"]: message for message in service.drained("out")}
    assert published.keys() == rows.keys()
    for prediction_id, message in published.items():
        body, row = json.loads(message.data), rows[prediction_id]
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
    assert len({(row["model"], row["model_fingerprint"]) for row in rows.values()}) == len(PARALLEL)

    letters = [(m.attributes["error_message_id"], m.attributes["error_stage"], m.data) for m in service.drained("dead")]
    expected = [(row["message_id"], row["stage"], row["payloadBytes"] or b"") for row in service.dead_letters()]
    assert sorted(letters) == sorted(expected)


@pytest.mark.usefixtures("emulators")
def test_a_cascade_on_two_workers(example: Path) -> None:
    service = Service(example / "cascade.yaml")
    with service.running("--workers=2") as process:
        await_true(lambda: len(workers(process)) == 2)
        account = publish(service.topic("in"), stream(600), rate=2000)
        await_true(lambda: service.findings(account, CASCADE).ok)
        assert service.end(process) == 0
    assert service.findings(account, CASCADE).wrong == []


@pytest.mark.usefixtures("emulators")
def test_nothing_is_lost_when_the_worker_is_killed_three_times(example: Path) -> None:
    service = Service(example / "job.yaml")
    account, stop = Account(), threading.Event()
    arguments = {"account": account, "stop": stop}
    publisher = threading.Thread(target=publish, args=(service.topic("in"), stream(20_000), 400), kwargs=arguments)
    with service.running() as process:
        publisher.start()
        try:
            for _ in range(3):
                before = len(service.rows())
                await_true(lambda before=before: len(service.rows()) > before + 200)
                (worker,) = workers(process)
                worker.kill()
                await_true(lambda worker=worker: worker not in workers(process))
        finally:
            stop.set()
            publisher.join()
        await_true(lambda: service.findings(account, PARALLEL).ok)
        assert service.end(process) == 0
    findings = service.findings(account, PARALLEL)
    assert findings.wrong == []
    answers: dict[str, set[float]] = {}
    for row in service.rows():
        answers.setdefault(row["prediction_id"], set()).add(row["prediction"])
    assert len(answers) == 2 * (findings.messages - findings.bad_messages)
    assert all(len(predictions) == 1 for predictions in answers.values())


@pytest.mark.usefixtures("emulators")
def test_sigterm_finishes_what_is_in_hand_and_the_rest_waits(example: Path) -> None:
    service = Service(example / "job.yaml")
    with service.running() as process:
        await_true(lambda: bool(workers(process)))
        account = publish(service.topic("in"), stream(8000), rate=8000)
        await_true(lambda: len(service.rows()) > 500)
        assert service.end(process) == 0
    in_between = service.findings(account, PARALLEL)
    assert (in_between.repeated_rows, in_between.repeated_dead_letters) == (0, 0)
    with service.running() as process:
        await_true(lambda: service.findings(account, PARALLEL).ok)
        assert service.end(process) == 0
    findings = service.findings(account, PARALLEL)
    assert findings.wrong == []
    assert (findings.repeated_rows, findings.repeated_dead_letters) == (0, 0)


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
