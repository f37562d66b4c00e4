"""The whole line on in-memory ends, run on messages that are known beforehand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import apache_beam as beam
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from streaming.pipeline import Ends, build
from streaming.wiring import Contract
from tests import memory


@dataclass(frozen=True)
class Outcome:
    rows: list[dict[str, Any]]
    messages: list[tuple[bytes, dict[str, str], str]]
    failures: list[dict[str, Any]]
    counters: Mapping[str, int]

    def predictions(self) -> dict[str, float]:
        return {row["prediction_id"]: row["prediction"] for row in self.rows}

    def reasons(self) -> list[tuple[str, str, str, str | None]]:
        return [(each["message_id"], each["stage"], each["error_class"], each["model"]) for each in self.failures]


def run(job: Contract, *lists: list[bytes], refuses: memory.Refuses = memory.accepts) -> Outcome:
    name = uuid4().hex
    ends = Ends(
        memory.Messages(*lists),
        memory.MemoryTable(name, refuses),
        memory.MemoryTopic(name),
        memory.MemoryDeadLetters(name),
    )
    pipeline = beam.Pipeline(runner=FnApiRunner())
    build(pipeline, job, ends)
    result = pipeline.run()
    result.wait_until_finish()
    return Outcome(memory.ROWS[name], memory.MESSAGES[name], memory.FAILURES[name], memory.counters(result))
