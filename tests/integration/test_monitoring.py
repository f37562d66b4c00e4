"""A job on this machine as others see it while messages flow: Prometheus, and the monitor that is attached to it."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path
from urllib.request import urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families

from producers import multiply
from producers.messages import Fault
from tests.integration.service import Service, await_true

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

EXAMPLE = Path(__file__).parents[2] / "examples" / "multiply"
MONITOR = [sys.executable, "-m", "streaming", "monitor", "--local"]


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, emulators: None) -> Service:
    """The multiply example, among no other jobs of this user."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    for name in ("job.yaml", "scenario.yaml", "reading.avsc", "reading_v2.avsc"):
        (tmp_path / name).write_bytes((EXAMPLE / name).read_bytes())
    multiply.train(tmp_path / "models")
    return Service(tmp_path / "job.yaml")


def metrics(address: str) -> dict[str, float]:
    """Counters and sums by the sample's name, all labels together."""
    totals: dict[str, float] = {}
    with urlopen(address, timeout=10) as answer:
        for family in text_string_to_metric_families(answer.read().decode()):
            for sample in family.samples:
                totals[sample.name] = totals.get(sample.name, 0) + sample.value
    return totals


def monitored(*flags: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*MONITOR, *flags], capture_output=True, text=True, check=False, timeout=60)


def reported(pid: int) -> subprocess.CompletedProcess[str]:
    """What the monitor says once the job's report, which is written every second, has messages from end to end."""
    said: list[subprocess.CompletedProcess[str]] = []

    def has_latency() -> bool:
        said.append(monitored(str(pid), "--once", "--json"))
        return json.loads(said[-1].stdout)["figures"]["latency_p99"]["value"] is not None

    await_true(has_latency)
    return said[-1]


def test_a_running_job_is_scraped_and_looked_at(service: Service, tmp_path: Path) -> None:
    stop = threading.Event()
    plan = {"rate": 100, "seed": 7, "faults": dict.fromkeys(Fault, 0.0)}
    arguments = (tmp_path / "scenario.yaml", tmp_path / "truth.ndjson", stop)
    publisher = threading.Thread(target=service.publish, args=arguments, kwargs=plan)
    nobody = monitored("--once")
    assert (nobody.returncode, nobody.stdout) == (2, "")
    assert nobody.stderr == "--local: no job runs on this machine; start one with pubsub-inference run\n"
    with service.running("--metrics-port=0", "--workers=2") as process:
        await_true(lambda: any(line.startswith("metrics ") for line in service.log))
        address = next(line.split()[1] for line in service.log if line.startswith("metrics "))
        publisher.start()
        try:
            await_true(lambda: metrics(address)["pubsub_inference_predictions_total"] > 500)
            seen = reported(process.pid)
            screen = monitored("--once")
        finally:
            stop.set()
            publisher.join()
        counted = metrics(address)
        assert service.end(process) == 0
    assert counted["pubsub_inference_messages_read_total"] >= 250
    assert counted["pubsub_inference_latency_seconds_count"] > 0
    assert counted["pubsub_inference_model_seconds_sum"] > 0

    report = json.loads(seen.stdout)
    assert (seen.returncode, report["health"], seen.stderr) == (0, "healthy", "")
    job = report["job"]
    assert (job["name"], job["id"]) == (str(service.job_file), str(process.pid))
    assert (job["place"], job["models"]) == ("this machine", ["times5", "times10"])
    figures = report["figures"]
    assert 10 < figures["input_rate"]["value"] < 1000
    assert {*figures["prediction_rate"]["values"]} == {*figures["model_p99"]["values"]} == {"times5", "times10"}
    assert 0 < figures["latency_p50"]["value"] <= figures["latency_p99"]["value"] < 60
    assert figures["backlog"]["unavailable"] == "backlog, oldest wait and watermark are not known on this machine"

    assert screen.returncode == 0
    assert screen.stdout.startswith("HEALTHY so far: the job has run for ")
    assert f"{service.job_file} {process.pid} this machine running" in " ".join(screen.stdout.split())
    assert [*tmp_path.rglob("*.lock")] == []
