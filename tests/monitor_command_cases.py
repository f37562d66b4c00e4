"""What `monitor` shows of a healthy job."""

from __future__ import annotations

import re

import pytest

from tests.monitor_cases import Cloud, counter, reasons

HEALTHY = """\
HEALTHY
readings  JOB_ID  my-project, europe-west4
running (since TIME); seen at TIME UTC
LINK

input        100/s, 10.0 kB/s  latency p50  ≤ 1.0 s
backlog      40 → 0/s          latency p99  ≤ 1.0 s
oldest wait  2.0 s             queue p99    ≤ 1.0 s
watermark    4.0 s behind      batch size   100
workers      3, 12 vCPUs

model           predictions  call p50  call p99  time  refused
times5                100/s   ≤ 10 ms   ≤ 10 ms   1 %        0
times10               100/s  ≤ 100 ms  ≤ 100 ms   8 %        0

dead letters     rate  total
decode          0.1/s      5
  TIME decode: ValueError: 3 bytes are left over
"""


def with_dead_letter(services: Cloud, monkeypatch: pytest.MonkeyPatch) -> Cloud:
    """The services with a dead letter to tell of, and a screen of whole lines."""
    monkeypatch.setenv("COLUMNS", "400")
    services.bigquery.otherwise = reasons((services.now, "decode", "ValueError", "3 bytes are left over"))
    return services


def plain(screen: str) -> str:
    """The screen without what is another at every time."""
    for pattern, name in (
        (r"https://\S+", "LINK"),
        (r"\d{4}-\d\d-\d\d_\S+", "JOB_ID"),
        (r"(\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d", "TIME"),
    ):
        screen = re.sub(pattern, name, screen)
    return "".join(f"{line.rstrip()}\n" for line in screen.splitlines())


def healthy_job(services: Cloud) -> str:
    job_id = services.add(metrics=[[counter("dead_letters_decode", 5)]])
    services.write_healthy(job_id)
    return job_id
