"""How exactly `publish` keeps its rate, and what a message costs: against the Pub/Sub emulator, on this machine.

    python -m benchmarks.publish --seconds 10

Prints, for each rate, messages a second asked and achieved, the deviation, and CPU microseconds a message of this
process: making, writing down and publishing it. The emulator shares this machine's cores.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from producers.publishing.plan import PublishPlan
from producers.publishing.publish import publish
from streaming.endpoints import publisher_client
from streaming.local.emulators import PubSubEmulator

TOPIC = "projects/benchmark/topics/readings"
SCENARIO = Path(__file__).parent.parent / "examples/multiply/scenario.yaml"
RATES = (1.0, 100.0, 1000.0, 20_000.0)


@dataclass(frozen=True)
class Sample:
    """One run; CPU in seconds, from the first message on."""

    asked: float
    achieved: float
    messages: int
    cpu: float


def measure(rate: float, seconds: float, scenario: Path, truth: Path) -> Sample:
    """Publish for so long at this rate."""
    started: list[float] = []  # when the first block is out: checking the job is no cost of a message

    def begin(_: object) -> None:
        if not started:
            started.append(time.process_time())

    plan = PublishPlan(TOPIC, str(scenario), rate=rate, duration=timedelta(seconds=seconds), truth=truth)
    totals = publish(plan, on_progress=begin)
    return Sample(rate, totals.rate, totals.messages, time.process_time() - started[0])


def main() -> None:
    """Run the benchmark that the command line describes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10.0, help="of each rate")
    parser.add_argument("--scenario", type=Path, default=SCENARIO)
    arguments = parser.parse_args()
    with PubSubEmulator() as emulator, tempfile.TemporaryDirectory() as directory:
        os.environ.update(emulator.environment())
        publisher_client().create_topic(name=TOPIC)
        print(f"{'asked/s':>10} {'achieved/s':>12} {'deviation':>10} {'CPU us/message':>15}")
        for rate in RATES:
            sample = measure(rate, arguments.seconds, arguments.scenario, Path(directory) / f"{rate:g}.ndjson")
            deviation, cpu = sample.achieved / sample.asked - 1, sample.cpu / sample.messages * 1e6
            print(f"{rate:>10,.0f} {sample.achieved:>12,.2f} {deviation:>10.2%} {cpu:>15,.0f}")


if __name__ == "__main__":
    main()
