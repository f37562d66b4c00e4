"""What counting costs: CPU a message of all that the line counts of a batch, for batches of several sizes.

    python -m benchmarks.metrics --models 2

The functions that the steps call are called as they call them, in a bundle of Beam's Fn API runner, on one batch over
and over. Each batch has message ids of its own, without redeliveries. What the runner does with
counters once a bundle is left out.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from statistics import median

import apache_beam as beam
import pyarrow as pa
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from streaming import counting, metrics
from streaming.batches import ENVELOPE, TIMESTAMP, Batch, answer_type
from streaming.wiring import ModelPlan, SavedModelCall

SIZES = (1, 10, 100, 1000)
ROUNDS = 5


class Measure(beam.DoFn):
    """Prints the microseconds a message, for batches of each size."""

    def __init__(self, models: int, messages: int) -> None:
        self._plans = [ModelPlan(f"m{number}", SavedModelCall("."), ()) for number in range(models)]
        self._messages = messages

    def process(self, _element: None) -> Iterator[None]:
        print(f"us of CPU a message, with {len(self._plans)} models")
        print("batch size  when read   of models    at sinks   when done        all")
        for size in SIZES:
            batches = [batch(size, start, self._plans) for start in range(0, min(self._messages, 500 * size), size)]
            steps: list[Callable[[Batch], None]] = [
                _read,
                partial(_models, self._plans),
                _sinks,
                partial(_done, self._plans),
            ]
            figures = [median(_cost(step, batches) for _ in range(ROUNDS)) / size for step in steps]
            print(f"{size:10} {' '.join(f'{figure:11.3f}' for figure in (*figures, sum(figures)))}")
        yield None


def batch(size: int, start: int, plans: Sequence[ModelPlan]) -> Batch:
    """A batch that all models have answered."""
    row = dict.fromkeys(ENVELOPE.names) | {"publish_time": datetime.now(UTC), "event_time": datetime.now(UTC)}
    ids = [f"{10**16 + start + number}" for number in range(size)]
    rows = [row | {"message_id": each, "payload": b"x" * 100} for each in ids]
    built = Batch(pa.RecordBatch.from_pylist(rows, schema=ENVELOPE))
    built = built.with_column("read_at", pa.array([datetime.now(UTC)] * size, TIMESTAMP))
    for plan in plans:
        built = built.with_column(plan.column, pa.array([{}] * size, answer_type(())))
    return built


def _cost(step: Callable[[Batch], None], batches: Sequence[Batch]) -> float:
    start = time.thread_time()
    for each in batches:
        step(each)
    return (time.thread_time() - start) / len(batches) * 1_000_000


def _read(each: Batch) -> None:
    metrics.count(metrics.READ, len(each))
    metrics.observe(metrics.BATCH_SIZE, [len(each)])
    counting.came_in(each)


def _models(plans: Sequence[ModelPlan], _each: Batch) -> None:
    for plan in plans:
        metrics.observe(metrics.MODEL_MS, [1.5], plan.name)
        metrics.count(metrics.MODEL_CALLS, 1)
        metrics.count(metrics.MODEL_HALVINGS, 0)
        metrics.count(metrics.MODEL_FAILURES, 0)
        metrics.count(metrics.BLAMED_ROWS, 0)
        metrics.count(metrics.GENERATIONS_REFUSED, 0, plan.name)
        metrics.count(metrics.GENERATION_SWAPS, 0)


def _sinks(_each: Batch) -> None:
    metrics.count(metrics.UNTAKEN, 0)
    metrics.count(metrics.SINK_REFUSALS, 0, "table")
    metrics.count(metrics.SINK_REFUSALS, 0, "topic")


def _done(plans: Sequence[ModelPlan], each: Batch) -> None:
    counting.taken(each, plans)


def main() -> None:
    """Run the benchmark that the command line describes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=int, default=2)
    parser.add_argument("--messages", type=int, default=200_000, help="most of a round")
    arguments = parser.parse_args()
    pipeline = beam.Pipeline(runner=FnApiRunner())
    measure = beam.ParDo(Measure(arguments.models, arguments.messages))
    _ = pipeline | beam.Create([None], reshuffle=False) | measure
    pipeline.run().wait_until_finish()


if __name__ == "__main__":
    main()
