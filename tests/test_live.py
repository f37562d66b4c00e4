"""What a running job shows, to the letter."""

from __future__ import annotations

import io
import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from rich.console import Console

from streaming.local.live import Figures, Live, Meter, Stats, banner, percentile, show, show_idle


def stats(messages: int, latency: dict[float, int] | None = None) -> Stats:
    return Stats(messages, 2 * messages, messages // 100, Counter(latency or {}))


def snapshot(messages: int, latency: Sequence[list[float | int | None]] = ()) -> dict[str, Any]:
    return {
        "event": "stats",
        "messages_read": messages,
        "predictions": 2 * messages,
        "dead_letters": messages // 100,
        "latency": list(latency),
    }


def test_stats_of_a_snapshot() -> None:
    assert Stats.of(snapshot(100, [[0.1, 98], [None, 2]])) == Stats(100, 200, 1, Counter({0.1: 98, math.inf: 2}))


def test_stats_add_up() -> None:
    assert stats(100, {0.1: 90, 0.2: 10}) + stats(200, {0.2: 200}) == Stats(300, 600, 3, Counter({0.1: 90, 0.2: 210}))


@pytest.mark.parametrize(
    ("stats", "in_hand"),
    [
        (Stats(), 0),
        (Stats(10, 0, 0), 10),
        (Stats(10, 6, 0, Counter({0.1: 4, 0.2: 2})), 4),
        (Stats(10, 0, 3), 7),
        (Stats(10, 6, 8, Counter({0.1: 6})), 0),
    ],
)
def test_messages_are_in_hand_that_have_neither_a_latency_nor_a_dead_letter(stats: Stats, in_hand: int) -> None:
    assert stats.in_hand() == in_hand


def test_nothing_is_known_at_first() -> None:
    assert Meter().figures(now=7.0) == Figures(0, 0, Stats(), None, None, None, None, None)


def test_rates_are_those_of_the_last_five_seconds() -> None:
    meter = Meter()
    for second, messages in enumerate([0, 1000, 1000, 1000, 1100, 1200, 1300, 1400]):
        meter.update(1, stats(messages))
        figures = meter.figures(now=100.0 + second)
    assert figures == Figures(1, 1386, Stats(1400, 2800, 14), 80.0, 160.0, 0.8, None, None)


def test_percentiles_are_those_of_the_last_ten_seconds() -> None:
    meter = Meter()
    meter.update(1, stats(100, {5.0: 100}))
    meter.figures(now=100.0)
    meter.update(1, stats(200, {5.0: 100, 0.2: 98, 0.4: 2}))
    assert _percentiles(meter.figures(now=109.0)) == (0.2, 0.4)
    assert _percentiles(meter.figures(now=119.0)) == (None, None)


def _percentiles(figures: Figures) -> tuple[float | None, float | None]:
    return figures.p50, figures.p99


def test_workers_add_up_and_a_restart_takes_nothing_away() -> None:
    meter = Meter()
    meter.update(1, stats(1000, {0.1: 1000}))
    meter.update(2, stats(500, {0.1: 500}))
    assert meter.figures(now=0.0).totals == Stats(1500, 3000, 15, Counter({0.1: 1500}))
    meter.end(1)
    assert meter.figures(now=1.0) == Figures(
        1, 0, Stats(1500, 3000, 15, Counter({0.1: 1500})), 0.0, 0.0, 0.0, None, None
    )
    meter.update(1, stats(100, {0.1: 100}))
    assert meter.figures(now=2.0).totals == Stats(1600, 3200, 16, Counter({0.1: 1600}))


def test_a_worker_that_never_reported_may_end() -> None:
    meter = Meter()
    meter.end(1)
    assert meter.figures(now=0.0).totals == Stats()


@pytest.mark.parametrize(
    ("latency", "share", "bound"),
    [
        ({}, 0.5, None),
        ({0.2: 1}, 0.5, 0.2),
        ({0.1: 50, 0.2: 49, 0.4: 1}, 0.50, 0.1),
        ({0.1: 49, 0.2: 50, 0.4: 1}, 0.50, 0.2),
        ({0.1: 98, 0.2: 1, 0.4: 1}, 0.99, 0.2),
        ({0.1: 9, math.inf: 1}, 0.99, math.inf),
    ],
)
def test_percentile(latency: dict[float, int], share: float, bound: float | None) -> None:
    assert percentile(Counter(latency), share) == bound


@pytest.mark.parametrize(
    ("figures", "line"),
    [
        (
            Figures(0, 0, Stats(), None, None, None, None, None),
            "messages 0 (-) | predictions 0 (-) | dead letters 0 (-) | latency p50 - p99 - | starting",
        ),
        (
            Figures(1, 0, Stats(0, 0, 0), 0.0, 0.0, 0.0, None, None),
            "messages 0 (0/s) | predictions 0 (0/s) | dead letters 0 (0/s) | latency p50 - p99 -"
            " | no messages are coming in",
        ),
        (
            Figures(1, 7, Stats(7, 0, 0), 0.0, 0.0, 0.0, None, None),
            "messages 7 (0/s) | predictions 0 (0/s) | dead letters 0 (0/s) | latency p50 - p99 -"
            " | messages in hand are not answered yet",
        ),
        (
            Figures(2, 12, Stats(12345, 24690, 7), 1234.4, 2468.8, 0.25, 0.0124, 0.999),
            "messages 12,345 (1,234/s) | predictions 24,690 (2,469/s) | dead letters 7 (0.2/s)"
            " | latency p50 12 ms p99 999 ms",
        ),
        (
            Figures(1, 0, Stats(10, 20, 0), 9.95, 19.9, 0.0, 1.0, math.inf),
            "messages 10 (9.9/s) | predictions 20 (20/s) | dead letters 0 (0/s) | latency p50 1.0 s p99 over 1 h",
        ),
    ],
)
def test_the_line(figures: Figures, line: str) -> None:
    assert show(figures) + show_idle(figures) == line


def test_the_banner_says_all_that_is_set() -> None:
    assert banner(
        subscription="projects/p/subscriptions/s",
        table="p.d.t",
        models=["times5", "times10"],
        workers=2,
        topic="projects/p/topics/out",
        deadletter_table="p.d.t_error_records",
        deadletter_topic="projects/p/topics/dead",
        emulators={"PUBSUB_EMULATOR_HOST": "localhost:8085"},
    ).splitlines() == [
        "reads         projects/p/subscriptions/s",
        "models        times5, times10",
        "writes        p.d.t, projects/p/topics/out",
        "dead letters  p.d.t_error_records, projects/p/topics/dead",
        "workers       2",
        "emulators     PUBSUB_EMULATOR_HOST=localhost:8085",
    ]


def test_the_banner_leaves_out_what_is_not_set() -> None:
    assert banner(subscription="projects/p/subscriptions/s", table="p.d.t", models=["m"], workers=1).splitlines() == [
        "reads         projects/p/subscriptions/s",
        "models        m",
        "writes        p.d.t",
        "workers       1",
    ]


def test_without_a_terminal_a_line_every_ten_seconds_and_the_last_one() -> None:
    output = io.StringIO()
    with Live(Console(file=output, width=40)) as live:
        live.say("[starting] 2 workers")
        for second in range(12):
            live.update(1, snapshot(100 * second, [[0.1, 100 * second]] if second else []))
            live.tick(now=50.0 + second)
        live.end(1)
        live.finish(now=62.0)
    assert output.getvalue().splitlines() == [
        "[starting] 2 workers",
        "messages 0 (-) | predictions 0 (-) | dead letters 0 (-) | latency p50 - p99 -",
        "messages 1,000 (100/s) | predictions 2,000 (200/s) | dead letters 10 (1.0/s) | latency p50 100 ms p99 100 ms",
        "messages 1,100 (80/s) | predictions 2,200 (160/s) | dead letters 11 (0.8/s) | latency p50 100 ms p99 100 ms",
    ]


def test_nothing_is_waited_for_once_the_workers_are_to_stop() -> None:
    output = io.StringIO()
    with Live(Console(file=output, width=40)) as live:
        live.update(1, snapshot(0))
        for second in range(21):
            if second == 11:
                live.stop()
            live.tick(now=50.0 + second)
    figures = "messages 0 (0/s) | predictions 0 (0/s) | dead letters 0 (0/s) | latency p50 - p99 -"
    assert output.getvalue().splitlines() == [
        "messages 0 (-) | predictions 0 (-) | dead letters 0 (-) | latency p50 - p99 -",
        f"{figures} | no messages are coming in",
        f"{figures} | stopping",
    ]


def test_on_a_terminal_one_line_is_redrawn_below_what_is_said() -> None:
    output = io.StringIO()
    with Live(Console(file=output, force_terminal=True, color_system=None, width=200)) as live:
        live.tick(now=1.0)
        live.say("worker 1: gone")
        live.update(1, snapshot(100))
        live.tick(now=2.0)
        live.finish(now=3.0)
    first = "messages 0 (-) | predictions 0 (-) | dead letters 0 (-) | latency p50 - p99 - | starting"
    last = "messages 100 (50/s) | predictions 200 (100/s) | dead letters 1 (0.5/s) | latency p50 - p99 -"
    redraw = "\r\x1b[2K"
    shown = output.getvalue()
    assert shown.index(first) < shown.index(f"{redraw}worker 1: gone\n") < shown.index(last)
    assert shown.endswith(f"{redraw}{last}\n\x1b[?25h")
