"""In-memory ends of the line: real implementations of the seams, kept by name in this process."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import apache_beam as beam
import pyarrow as pa

from streaming import metrics
from streaming.refusals import Refusal

ROWS: dict[str, list[dict[str, Any]]] = defaultdict(list)
MESSAGES: dict[str, list[tuple[bytes, dict[str, str], str]]] = defaultdict(list)
FAILURES: dict[str, list[dict[str, Any]]] = defaultdict(list)

Refuses = Callable[[dict[str, Any]], bool]


def accepts(_row: dict[str, Any]) -> bool:
    return False


def _answered(refusals: list[Refusal]) -> Future[list[Refusal]]:
    future: Future[list[Refusal]] = Future()
    future.set_result(refusals)
    return future


@dataclass(frozen=True)
class MemoryTable:
    name: str
    refuses: Refuses = accepts

    def append(self, rows: pa.RecordBatch) -> Future[list[Refusal]]:
        refused = []
        for number, row in enumerate(rows.to_pylist()):
            if self.refuses(row):
                refused.append(Refusal(number, "INVALID", f"no row for {row['key']}"))
            else:
                ROWS[self.name].append(row)
        return _answered(refused)


@dataclass(frozen=True)
class MemoryTopic:
    name: str

    def publish(
        self, data: Sequence[bytes], attributes: Sequence[dict[str, str]], keys: Sequence[str]
    ) -> Future[list[Refusal]]:
        MESSAGES[self.name] += zip(data, attributes, keys, strict=True)
        return _answered([])


@dataclass(frozen=True)
class MemoryDeadLetters:
    name: str

    def write(self, failures: pa.RecordBatch) -> None:
        FAILURES[self.name] += failures.to_pylist()


def counters(result: beam.runners.runner.PipelineResult, namespace: str = metrics.NAMESPACE) -> dict[str, int]:
    """The counters of a pipeline that has ended, over all steps."""
    counted: Counter[str] = Counter()
    for each in result.metrics().query(beam.metrics.MetricsFilter().with_namespace(namespace))["counters"]:
        counted[each.key.metric.name] += each.committed
    return counted


class Messages(beam.PTransform):
    """A bounded reader: each list of serialized PubsubMessages is one element."""

    def __init__(self, *lists: list[bytes]) -> None:
        super().__init__()
        self._lists = lists

    def expand(self, pipeline: beam.Pipeline) -> beam.PCollection[list[bytes]]:
        return pipeline | beam.Create(self._lists, reshuffle=False).with_output_types(list[bytes])
