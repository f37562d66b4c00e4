"""What a running job shows, to the letter: the banner, lines without a terminal, and a screen on one."""

from __future__ import annotations

import io
import os

from rich.console import Console

from streaming.local.live import Live, banner
from streaming.local.local_job import LocalJob
from streaming.monitoring.report import Report
from tests.local_snapshots import START, after, snapshot


def test_the_banner_says_all_that_is_set() -> None:
    assert banner(
        source="projects/p/subscriptions/s",
        writes=["p.d.t", "projects/p/topics/out"],
        models=["times5", "times10"],
        workers=2,
        dead_letters=["p.d.t_error_records", "projects/p/topics/dead"],
        emulators={"PUBSUB_EMULATOR_HOST": "localhost:8085"},
        metrics="http://127.0.0.1:9100/metrics",
    ).splitlines() == [
        "reads         projects/p/subscriptions/s",
        "models        times5, times10",
        "writes        p.d.t, projects/p/topics/out",
        "dead letters  p.d.t_error_records, projects/p/topics/dead",
        "workers       2",
        "emulators     PUBSUB_EMULATOR_HOST=localhost:8085",
        "metrics       http://127.0.0.1:9100/metrics",
    ]


def test_the_banner_leaves_out_what_is_not_set() -> None:
    assert banner(
        source="projects/p/subscriptions/s", writes=["p.d.t", None], models=["m"], workers=1, dead_letters=[None]
    ).splitlines() == [
        "reads         projects/p/subscriptions/s",
        "models        m",
        "writes        p.d.t",
        "workers       1",
    ]


class Live9(Live):
    """Which knows how far it is."""

    def progress(self) -> str:
        return "published 9 of 10"


def test_without_a_terminal_a_line_every_ten_seconds_and_the_last_one() -> None:
    output = io.StringIO()
    with Live(Console(file=output, width=40)) as live:
        live.say("[starting] 2 workers")
        for second in range(12):
            live.update(1, snapshot(100 * second, {"100": 100 * second} if second else {}))
            live.tick(after(second))
        live.end(1)
        live.finish(after(12))
    assert output.getvalue().splitlines() == [
        "[starting] 2 workers",
        "messages 0 (-) | predictions 0 (-) | dead letters 0 (-) | latency p50 - p99 -",
        "messages 1,000 (100/s) | predictions 2,000 (200/s) | dead letters 10 (1.0/s) | latency p50 100 ms p99 100 ms",
        "messages 1,100 (89/s) | predictions 2,200 (178/s) | dead letters 11 (0.9/s) | latency p50 100 ms p99 100 ms",
    ]


def test_nothing_is_waited_for_once_the_workers_are_to_stop() -> None:
    output = io.StringIO()
    with Live(Console(file=output, width=40)) as live:
        live.update(1, snapshot(0))
        for second in range(21):
            if second == 11:
                live.stop()
            live.tick(after(second))
    figures = "messages 0 (0/s) | predictions 0 (0/s) | dead letters 0 (0/s) | latency p50 - p99 -"
    assert output.getvalue().splitlines() == [
        "messages 0 (-) | predictions 0 (-) | dead letters 0 (-) | latency p50 - p99 -",
        f"{figures} | no messages are coming in",
        f"{figures} | stopping",
    ]


def test_progress_comes_first() -> None:
    output = io.StringIO()
    with Live9(Console(file=output, width=40)) as live:
        live.tick(after(0))
    assert output.getvalue() == (
        "published 9 of 10 | messages 0 (-) | predictions 0 (-) | dead letters 0 (-) | latency p50 - p99 - | starting\n"
    )


SCREEN = f"""\
published 9 of 10
UNKNOWN starting: no predictions yet; the job has run for 2 s, and its flow is judged after 10 minutes
examples/multiply/job.yaml  {os.getpid()}  this machine
running (since 12:00:01); seen at 12:00:02 UTC
"""


def test_on_a_terminal_the_screen_is_redrawn_below_what_is_said_and_a_line_is_left() -> None:
    output = io.StringIO()
    console = Console(file=output, force_terminal=True, color_system=None, width=150, height=40)
    with Live9(console, LocalJob("examples/multiply/job.yaml", ["times5"], START)) as live:
        live.tick(after(0))
        live.say("worker 1: gone")
        live.update(1, {**snapshot(100), "counters": {"messages_read": 100}})
        live.tick(after(1))
        live.tick(after(2))
        live.finish(after(3))
    shown = output.getvalue()
    first, last = shown.index("UNKNOWN starting"), shown.rindex("UNKNOWN starting")
    assert first < shown.index("worker 1: gone\n") < last
    lines = [line.rstrip() for line in shown[shown.rindex("published 9 of 10") :].splitlines()]
    assert "".join(f"{line}\n" for line in lines[:4]) == SCREEN
    line = "messages 100 (33/s) | predictions 0 (0/s) | dead letters 0 (0/s) | latency p50 - p99 -"
    assert shown.endswith(f"\x1b[2K{line}\n\x1b[?25h")


def test_errors_of_the_job_are_said_and_kept() -> None:
    output = io.StringIO()
    with Live(Console(file=output, width=40)) as live:
        live.say("stopping")
        live.complain("worker 1: ValueError: odd; restarting in 1 s")
        live.relay("WARNING streaming.sinks: table p.d.t: answers 503")
        live.relay("ERROR streaming.sinks: worse")
        live.relay("ERRORS of no level")
    assert output.getvalue().splitlines() == [
        "stopping",
        "worker 1: ValueError: odd; restarting in 1 s",
        "WARNING streaming.sinks: table p.d.t: answers 503",
        "ERROR streaming.sinks: worse",
        "ERRORS of no level",
    ]
    assert [(each.is_error, each.text) for each in live.job.look(after(0)).said] == [
        (True, "ERROR streaming.sinks: worse"),
        (False, "WARNING streaming.sinks: table p.d.t: answers 503"),
        (True, "worker 1: ValueError: odd; restarting in 1 s"),
    ]


def test_each_look_is_told_to_who_wants_it() -> None:
    looks: list[Report] = []
    with Live(Console(file=io.StringIO())) as live:
        live.on_look = looks.append
        live.tick(after(0))
        live.tick(after(1))
    assert [look.figures.at for look in looks] == [after(0), after(1)]
