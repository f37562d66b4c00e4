"""What workers report, made by hand; and another process that publishes a report."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def snapshot(
    messages: int, latency: Mapping[str, int] | None = None, reasons: Sequence[Mapping[str, Any]] = ()
) -> dict[str, Any]:
    """Of a worker that has read so many messages, with two predictions of each, and a dead letter in a hundred."""
    dead_letters = messages // 100
    return {
        "counters": {
            "messages_read": messages,
            "predictions_times5": messages // 2,
            "predictions_times10": 2 * messages - messages // 2,
            "dead_letters_decode": dead_letters // 2,
            "dead_letters_infer_times5": dead_letters - dead_letters // 2,
            "latency_ms_bucket_1000": messages,
        },
        "fine": {
            "queue_ms_bucket_1": messages,
            **{f"latency_ms_bucket_{bound}": count for bound, count in (latency or {}).items()},
        },
        "reasons": list(reasons),
    }


def reason(message: str, seconds: float, stage: str = "decode") -> dict[str, Any]:
    return {"stage": stage, "error_class": "AvroError", "message": message, "at": after(seconds).timestamp()}


PUBLISHING = """
import sys
from streaming.local.published import published
from tests.monitoring_reports import healthy
with published() as publish:
    publish(healthy())
    print("published", flush=True)
    sys.stdin.read()
"""


@contextmanager
def publishing() -> Iterator[subprocess.Popen[str]]:
    """Another process with a job, which is killed in the end."""
    command = [sys.executable, "-c", PUBLISHING]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "published\n"
        yield process
        process.kill()
