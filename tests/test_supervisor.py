"""The supervisor with workers that are real processes: a small program that speaks the events protocol."""

from __future__ import annotations

import io
import os
import re
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from rich.console import Console

from streaming.local.live import Live
from streaming.local.supervisor import Patience, supervise

# Started as `WORKER --events-fd N -- DIRECTORY SCENARIO`. It is numbered by a file it makes in DIRECTORY.
WORKER = """
import json, os, signal, sys, time
_, _, fd, *rest = sys.argv
debug = rest[0] == "--debug"
directory, scenario = rest[-2:]
number = 1
while True:
    try:
        os.close(os.open(f"{directory}/{number}", os.O_CREAT | os.O_EXCL))
        break
    except FileExistsError:
        number += 1

def send(event, **values):
    os.write(int(fd), (json.dumps({"event": event, **values}) + "\\n").encode())

def stats(messages):
    send("stats", counters={"messages_read": messages, "predictions_m": messages}, fine={}, reasons=[])

def stop(*_):
    send("stopped")
    os._exit(0)

def ask(number):
    os.kill(os.getppid(), number)

def wait():
    while True:
        signal.pause()

signal.signal(signal.SIGTERM, stop)
exec(scenario)
"""
QUICK = Patience(restart=0.01, longest_restart=0.02, healthy=60.0, stop=30.0)
READY_THEN_ASK = "send('ready'); stats(10); ask(signal.SIGINT); wait()"
STOPPING = "stopping: finishing what was read; Ctrl-C again kills at once"


Run = Callable[..., tuple[int, list[str], int]]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """Supervises the scenario; gives the exit code, what was shown, and how many processes there were."""

    def run(
        scenario: str, workers: int = 1, patience: Patience = QUICK, *, ends: bool = False, debug: bool = False
    ) -> tuple[int, list[str], int]:
        output = io.StringIO()
        live = Live(Console(file=output, width=200))
        program = [sys.executable, "-c", WORKER]
        arguments = [str(tmp_path), scenario]
        code = supervise(arguments, workers, live, program=program, patience=patience, ends=ends, debug=debug)
        shown = [line for line in output.getvalue().splitlines() if not line.startswith("messages ")]
        return code, shown, len(list(tmp_path.iterdir()))

    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    children = psutil.Process().children()
    yield run
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == handlers
    assert psutil.Process().children() == children  # neither one that runs nor one that is not buried


@pytest.mark.parametrize("asked", ["SIGINT", "SIGTERM"])
def test_workers_stop_when_asked(run: Run, asked: str) -> None:
    assert run(f"send('ready'); ask(signal.{asked}); wait()") == (0, [STOPPING], 1)


def test_a_job_that_is_done_ends_all(run: Run) -> None:
    assert run("send('ready'); stats(10); send('done')", ends=True) == (0, [], 1)


def test_a_job_that_is_stopped_before_it_is_done_has_failed(run: Run) -> None:
    said = "stopping before the end: what is written stays, and the next run repeats prediction_ids"
    assert run(READY_THEN_ASK, ends=True) == (1, [said], 1)


def test_a_worker_that_begins_all_over_counts_from_zero(tmp_path: Path) -> None:
    live = Live(Console(file=io.StringIO()))
    scenario = "send('ready'); stats(10 * number)\nif number == 1: sys.exit(3)\nsend('done')"
    program = [sys.executable, "-c", WORKER]
    assert supervise([str(tmp_path), scenario], 1, live, ends=True, program=program, patience=QUICK) == 0
    assert live.job.totals.counted().counters["messages_read"] == 20


def test_the_others_start_when_the_first_is_ready(run: Run) -> None:
    last_asks = "send('ready')\nif number == 3: ask(signal.SIGINT)\nwait()"
    assert run(last_asks, workers=3) == (0, [STOPPING], 3)


def test_mistakes_are_said_once_and_all_of_them(run: Run) -> None:
    scenario = "send('invalid', mistakes=['--a: wrong', '--b: wrong']); sys.exit(2)"
    assert run(scenario, workers=3) == (2, ["--a: wrong", "--b: wrong"], 1)


def test_a_permanent_fault_ends_all(run: Run) -> None:
    scenario = (
        "send('ready')\n"
        "if number == 2:\n"
        "    send('failed', error='subscription gone; make it', permanent=True); sys.exit(1)\n"
        "wait()"
    )
    assert run(scenario, workers=2) == (1, ["worker 2: subscription gone; make it"], 2)


def test_failed_and_killed_workers_start_again_after_growing_delays(run: Run) -> None:
    scenario = (
        "if number == 1: send('failed', error='ValueError: odd', permanent=False); sys.exit(1)\n"
        "if number == 2: os.kill(os.getpid(), signal.SIGKILL)\n"
        "if number == 3: sys.exit(3)\n"
        "if number == 4: stop()\n" + READY_THEN_ASK
    )
    patience = Patience(restart=0.01, longest_restart=0.03, stop=30.0)
    assert run(scenario, patience=patience) == (
        0,
        [
            "worker 1: ValueError: odd; restarting in 0.01 s",
            "worker 1: signal 9 (Killed); restarting in 0.02 s",
            "worker 1: exit code 3; restarting in 0.03 s",
            "worker 1: exit code 0; restarting in 0.03 s",
            STOPPING,
        ],
        5,
    )


def test_health_resets_the_delay(run: Run) -> None:
    scenario = "if number < 4: send('ready'); sys.exit(1)\n" + READY_THEN_ASK
    patience = Patience(restart=0.01, longest_restart=1.0, healthy=0.0, stop=30.0)
    restart = "worker 1: exit code 1; restarting in 0.01 s"
    assert run(scenario, patience=patience) == (0, [restart, restart, restart, STOPPING], 4)


@pytest.mark.parametrize("healthy", [0.0, 60.0])
def test_a_job_that_ends_is_given_up_after_four_tries(run: Run, healthy: float) -> None:
    scenario = "send('ready'); send('failed', error='ValueError: odd', permanent=False); sys.exit(1)"
    patience = Patience(restart=0.01, longest_restart=0.02, healthy=healthy, stop=30.0)
    assert run(scenario, patience=patience, ends=True) == (
        1,
        [
            "worker 1: ValueError: odd; restarting in 0.01 s",
            "worker 1: ValueError: odd; restarting in 0.02 s",
            "worker 1: ValueError: odd; restarting in 0.02 s",
            "worker 1: ValueError: odd; given up after 4 tries",
        ],
        4,
    )


def test_a_worker_that_does_not_stop_is_killed(run: Run) -> None:
    scenario = "signal.signal(signal.SIGTERM, signal.SIG_IGN); " + READY_THEN_ASK
    assert run(scenario, patience=Patience(stop=0.05)) == (
        1,
        [
            STOPPING,
            "killing the workers that have not stopped after 0.05 s",
            "worker 1 did not stop as asked: signal 9 (Killed)",
        ],
        1,
    )


def test_a_second_ctrl_c_kills_at_once(run: Run) -> None:
    scenario = "signal.signal(signal.SIGTERM, lambda *_: ask(signal.SIGINT)); " + READY_THEN_ASK
    assert run(scenario) == (1, [STOPPING, "worker 1 did not stop as asked: signal 9 (Killed)"], 1)


def test_a_second_sigterm_changes_nothing(run: Run) -> None:
    scenario = "signal.signal(signal.SIGTERM, lambda *_: (ask(signal.SIGTERM), stop())); " + READY_THEN_ASK
    assert run(scenario) == (0, [STOPPING], 1)


def test_a_failure_while_stopping_shows_in_the_exit_code(run: Run) -> None:
    failing = "lambda *_: (send('failed', error='RuntimeError: late', permanent=False), os._exit(1))"
    scenario = f"signal.signal(signal.SIGTERM, {failing}); " + READY_THEN_ASK
    assert run(scenario) == (1, [STOPPING, "worker 1 did not stop as asked: RuntimeError: late"], 1)


def test_messages_that_come_again_are_said_and_are_no_failure(run: Run) -> None:
    stopping = "lambda *_: (send('unanswered', error='rem answers 503'), stop())"
    scenario = f"signal.signal(signal.SIGTERM, {stopping}); " + READY_THEN_ASK
    said = "worker 1 stopped; some messages were not answered and will come again: rem answers 503"
    assert run(scenario) == (0, [STOPPING, said], 1)


def test_a_worker_that_has_not_begun_dies_by_the_signal_and_that_is_no_failure(run: Run) -> None:
    assert run("signal.signal(signal.SIGTERM, signal.SIG_DFL); ask(signal.SIGINT); wait()") == (0, [STOPPING], 1)


class Impatient(Live):
    """The user presses Ctrl-C when a restart is announced."""

    def say(self, text: str) -> None:
        super().say(text)
        if "restarting" in text:
            os.kill(os.getpid(), signal.SIGINT)


def test_a_worker_in_its_pause_is_not_started_again(tmp_path: Path) -> None:
    output = io.StringIO()
    program = [sys.executable, "-c", WORKER]
    live = Impatient(Console(file=output, width=200))
    assert supervise([str(tmp_path), "sys.exit(1)"], 1, live, program=program, patience=Patience(restart=30.0)) == 0
    assert output.getvalue().splitlines()[1:-1] == ["worker 1: exit code 1; restarting in 30 s", STOPPING]
    assert len(list(tmp_path.iterdir())) == 1


def test_what_workers_log_is_shown_to_the_last_line(run: Run) -> None:
    scenario = "print('out', flush=True); print('[err]', file=sys.stderr); os.write(2, b'caf\\xe9'); " + READY_THEN_ASK
    code, shown, _ = run(scenario)
    assert (code, sorted(shown)) == (0, sorted(["out", "[err]", "caf\ufffd", STOPPING]))


def test_a_cut_off_event_is_left_out(run: Run) -> None:
    assert run('ask(signal.SIGINT); os.write(int(fd), b\'{"event": "fai\'); os._exit(0)') == (0, [STOPPING], 1)


ABSL = [
    "WARNING: All log messages before absl::InitializeLog() is called are written to STDERR",
    "I0000 00:00:1795404756.952366    7153 port.cc:153] oneDNN custom operations are on.",
    "E1123 03:12:11.123456 7153 cuda_platform.cc:52] failed call to cuInit",
    "F0000 00:00:1795404756.952366    7153 tensor.cc:9] Check failed: dims == 1",
]


@pytest.mark.parametrize(("debug", "seen"), [(False, ["3 ERROR False", ABSL[-1]]), (True, ["None None True", *ABSL])])
def test_libraries_are_quiet_unless_debugging(
    run: Run, monkeypatch: pytest.MonkeyPatch, debug: bool, seen: list[str]
) -> None:
    monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL", raising=False)
    monkeypatch.delenv("GRPC_VERBOSITY", raising=False)
    variables = "print(os.environ.get('TF_CPP_MIN_LOG_LEVEL'), os.environ.get('GRPC_VERBOSITY'), debug)"
    code, shown, _ = run(f"{variables}\nprint({chr(10).join(ABSL)!r})\n{READY_THEN_ASK}", debug=debug)
    assert (code, sorted(shown)) == (0, sorted([*seen, STOPPING]))


def test_totals_survive_a_restart(tmp_path: Path) -> None:
    output = io.StringIO()
    scenario = "if number == 1: stats(10); sys.exit(1)\n" + READY_THEN_ASK
    program = [sys.executable, "-c", WORKER]
    live = Live(Console(file=output, width=200))
    assert supervise([str(tmp_path), scenario], 1, live, program=program, patience=QUICK) == 0
    last = output.getvalue().splitlines()[-1]
    assert re.fullmatch(
        r"messages 20 \(.*\) \| predictions 20 \(.*\) \| dead letters 0 \(.*\) \| latency p50 - p99 -", last
    )


@pytest.mark.parametrize(("failures", "seconds"), [(1, 1.0), (2, 2.0), (5, 16.0), (6, 30.0), (1000, 30.0)])
def test_pauses_double_up_to_half_a_minute(failures: int, seconds: float) -> None:
    assert Patience().before_restart(failures) == seconds
