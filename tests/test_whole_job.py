"""The whole job's figures in one pair of columns or two, old ones with their age, and those that nobody knows."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from rich.console import Console

from streaming.monitoring import figures
from streaming.monitoring.cells import Cells
from streaming.monitoring.figures import Figure, Figures
from streaming.monitoring.report import Report
from streaming.monitoring.series import Reading
from streaming.monitoring.whole_job import WholeJob
from tests.monitoring_points import NOW
from tests.monitoring_reports import HEADER, healthy, unknown


def lines(report: Report, *, in_two_columns: bool, is_ascii: bool = False) -> list[str]:
    console = Console(file=io.StringIO(), width=80)
    with console.capture() as shown:
        console.print(WholeJob(report, Cells(report.figures, is_ascii)).table(in_two_columns=in_two_columns))
    return [line.rstrip() for line in shown.get().splitlines()]


def of(values: dict[Figure, Reading], workers: int | None = None) -> Report:
    return Report(HEADER, Figures(NOW, {each.name: {"": reading} for each, reading in values.items()}), (), workers)


def test_one_below_the_other() -> None:
    assert lines(healthy(), in_two_columns=False, is_ascii=True) == [
        "input        100/s, 12.3 kB/s",
        "backlog      42 +/-0/s",
        "oldest wait  1.5 s",
        "watermark    12 s behind",
        "workers      3, 12 vCPUs",
        "latency p50  <= 1.0 s",
        "latency p99  <= 1.0 s",
        "queue p99    <= 1.0 s",
        "batch size   100",
    ]


def test_side_by_side_where_nothing_is_known() -> None:
    assert lines(unknown(), in_two_columns=True) == [
        "input        -  latency p50  -",
        "backlog      -  latency p99  -",
        "oldest wait  -  queue p99    -",
        "watermark    -  batch size   -",
        "workers      -",
    ]


@pytest.mark.parametrize(
    ("values", "workers", "line"),
    [
        ({figures.INPUT_RATE: Reading(2.5, NOW)}, None, "input        2.5/s"),
        ({figures.BYTE_RATE: Reading(100.0, NOW)}, None, "input        -"),
        (
            {figures.INPUT_RATE: Reading(0.0, NOW), figures.BYTE_RATE: Reading(0.0, NOW)},
            None,
            "input        0/s, 0 B/s",
        ),
        (
            {figures.BACKLOG: Reading(1234.0, NOW), figures.BACKLOG_GROWTH: Reading(-12.0, NOW)},
            None,
            "backlog      1,234 ↓ 12/s",
        ),
        ({figures.BACKLOG: Reading(1234.0, NOW)}, None, "backlog      1,234"),
        ({figures.BACKLOG_GROWTH: Reading(5.0, NOW)}, None, "backlog      -"),
        (
            {figures.FRESHNESS: Reading(600.0, NOW - timedelta(minutes=5))},
            None,
            "watermark    10 min behind (5 min old)",
        ),
        ({}, 0, "workers      0"),
        ({figures.VCPUS: Reading(8.0, NOW)}, None, "workers      -, 8 vCPUs"),
        (
            {figures.VCPUS: Reading(8.0, NOW - timedelta(seconds=91))},
            2,
            "workers      2, 8 vCPUs (2 min old)",
        ),
        ({figures.LATENCY_P50: Reading(float("inf"), NOW)}, None, "latency p50  > 30 s"),
    ],
)
def test_a_line(values: dict[Figure, Reading], workers: int | None, line: str) -> None:
    assert line in lines(of(values, workers), in_two_columns=False)
