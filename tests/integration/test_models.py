"""Models that change and models that hang, under a running job."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import fastavro
import pytest

from streaming.endpoints import publisher_client
from tests import builders
from tests.integration.service import Service, await_true, workers
from tests.predict_server import PredictServer, Reply

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600), pytest.mark.usefixtures("emulators")]

EXAMPLE = Path(__file__).parents[2] / "examples" / "multiply"
JOB = """
message: {format: json, schema: reading.avsc, key: device_id, event_time: event_time}
window: {fixed: 60s}
features: {x: value}
models:
  m: {MORE, outputs: {output_0: prediction}}
"""
SCHEMA = fastavro.schema.load_schema(str(EXAMPLE / "reading.avsc"))


def service(directory: Path, more: str) -> Service:
    (directory / "reading.avsc").write_bytes((EXAMPLE / "reading.avsc").read_bytes())
    (directory / "job.yaml").write_text(JOB.replace("MORE", more))
    return Service(directory / "job.yaml")


def reading(value: float) -> dict[str, bytes]:
    event_time = int(datetime.now(UTC).timestamp() * 1e6)
    return {"data": json.dumps({"device_id": "pump", "event_time": event_time, "value": value}).encode()}


def publish(topic: str, values: list[float]) -> None:
    with publisher_client() as publisher:
        publisher.publish(topic=topic, messages=[reading(value) for value in values])


@contextmanager
def publishing(topic: str) -> Iterator[None]:
    """Twenty messages ten times a second, meanwhile."""
    stop = threading.Event()

    def go_on() -> None:
        while not stop.wait(0.1):
            publish(topic, [float(n) for n in range(1, 21)])

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def add_version(directory: Path, version: str, save: Callable[[Path], None]) -> None:
    """A version that is there all at once, as it should be uploaded."""
    save(directory / "new")
    (directory / "new").rename(directory / "versions" / version)


def save_truncated(directory: Path) -> None:
    builders.save_multiplier(directory, 7.0)
    (data,) = (directory / "variables").glob("variables.data*")
    data.write_bytes(data.read_bytes()[:-2])


def test_generations_are_swapped_refused_and_rolled_back_without_a_restart(tmp_path: Path) -> None:
    (tmp_path / "versions").mkdir()
    add_version(tmp_path, "1", lambda path: builders.save_multiplier(path, 5.0))
    running = service(tmp_path, "path: versions, watch: 1s")
    with running.running() as process, publishing(running.topic("in")):

        def rows_of(version: str, after: datetime | None = None) -> list[dict[str, Any]]:
            rows = [row for row in running.rows() if row["model_version"] == version]
            return [row for row in rows if after is None or row["processed_at"] > after]

        await_true(lambda: bool(rows_of("1")))
        (worker,) = workers(process)
        add_version(tmp_path, "2", lambda path: builders.save_multiplier(path, 10.0))
        await_true(lambda: bool(rows_of("2")))
        add_version(tmp_path, "3", save_truncated)
        await_true(lambda: any(letter["stage"] == "generation" for letter in running.dead_letters()))
        (tmp_path / "versions" / "manifest.json").write_text('{"current": "1"}')
        last = max(row["processed_at"] for row in rows_of("2"))
        await_true(lambda: bool(rows_of("1", last)))
        assert workers(process) == [worker]
    rows = running.rows()
    factors = {"1": 5.0, "2": 10.0}
    assert {row["model_version"] for row in rows} == factors.keys()
    values = {number * factor for number in range(1, 21) for factor in factors.values()}
    assert {row["prediction"] for row in rows} == values
    of_batch = {row["processed_at"]: row["model_version"] for row in rows}
    assert [row for row in rows if of_batch[row["processed_at"]] != row["model_version"]] == []
    fingerprints = {(row["model_version"], row["model_fingerprint"]) for row in rows}
    assert len(fingerprints) == len({fingerprint for _, fingerprint in fingerprints}) == 2
    (letter,) = running.dead_letters()
    assert {name: letter[name] for name in ("stage", "error_class", "model", "message_id", "key")} == {
        "stage": "generation",
        "error_class": "GenerationRefusedError",
        "model": "m",
        "message_id": None,
        "key": None,
    }
    assert letter["errorMessage"].startswith("generation 3: ")


def test_a_message_that_makes_the_model_hang_costs_some_dead_letters_and_a_restart(tmp_path: Path) -> None:
    (tmp_path / "versions").mkdir()
    add_version(tmp_path, "1", lambda path: builders.save_looping(path, 13.0))
    running = service(tmp_path, "path: versions, timeout: 500ms")
    values = [float(n) for n in range(100, 300)]
    with running.running() as process:
        await_true(lambda: bool(workers(process)))
        first = workers(process)
        publish(running.topic("in"), [*values[:100], 13.0, *values[100:]])
        await_true(lambda: len(running.rows()) + len(running.dead_letters()) >= 201)
        await_true(lambda: bool(workers(process)) and workers(process) != first)
        assert any("3 calls of models hang" in line for line in running.log), running.log
        publish(running.topic("in"), [1.0])
        await_true(lambda: any(row["prediction"] == 1.0 for row in running.rows()))
        assert running.end(process) == 0
    letters = running.dead_letters()
    assert {(letter["stage"], letter["error_class"], letter["errorMessage"]) for letter in letters} == {
        ("infer:m", "ModelTimeoutError", "no answer within 0.5 s")
    }
    dead = [json.loads(letter["payloadBytes"])["value"] for letter in letters]
    predicted = [row["prediction"] for row in running.rows()]
    assert 13.0 in dead
    assert {*predicted, *dead} == {*values, 13.0, 1.0}  # what had no time to be acknowledged comes again
    assert len({*dead}) <= 51


def test_what_an_unavailable_service_has_not_answered_comes_again_when_the_job_is_started_again(tmp_path: Path) -> None:
    with PredictServer() as server:
        running = service(tmp_path, f'url: "{server.url}"')
        server.script.extend([Reply(status=503)] * 1000)
        with running.running() as process:
            await_true(lambda: bool(workers(process)))
            publish(running.topic("in"), [float(n) for n in range(1, 31)])
            await_true(lambda: any("trying again for up to 60 s" in line for line in running.log))
            assert running.end(process) == 0
            await_true(
                lambda: any("some messages were not answered and will come again" in each for each in running.log)
            )
        assert (running.rows(), running.dead_letters()) == ([], [])
        server.script.clear()
        with running.running() as process:
            await_true(lambda: len(running.rows()) >= 30)
            assert running.end(process) == 0
    assert sorted(row["prediction"] for row in running.rows()) == [5.0 * n for n in range(1, 31)]
    assert running.dead_letters() == []
