"""Running the job in the foreground: what is announced, what is served, and who can find it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from streaming.errors import Mistakes
from streaming.local import foreground
from streaming.local.attach import attach
from streaming.local.foreground import MetricsAddress, run_in_foreground
from streaming.local.live import Live
from streaming.monitoring.report import Report
from tests.local_snapshots import snapshot

JOB = str(Path(__file__).parents[1] / "examples" / "multiply" / "job.yaml")
ARGUMENTS = [f"--job_file={JOB}", "--input_subscription=projects/p/subscriptions/s", "--output_table=p:d.t"]
BANNER = """\
reads         projects/p/subscriptions/s
models        times5, times10
writes        p.d.t
dead letters  p.d.t_error_records
workers       2
"""


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    for name in ("PUBSUB_EMULATOR_HOST", "BIGQUERY_EMULATOR_HOST"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def supervised(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[Live], None]], list[Any]]:
    """Puts a function in the supervisor's place, which starts processes; gives the arguments that it gets."""

    def supervised(look: Callable[[Live], None]) -> list[Any]:
        got: list[Any] = []

        def supervise(argv: Sequence[str], workers: int, live: Live, *, ends: bool, debug: bool) -> int:
            got.extend([argv, workers, ends, debug])
            look(live)
            return 7

        monkeypatch.setattr(foreground, "supervise", supervise)
        return got

    return supervised


def test_what_is_run_is_announced(supervised: Any, capsys: pytest.CaptureFixture[str]) -> None:
    got = supervised(lambda live: None)
    assert run_in_foreground(ARGUMENTS, ["--runner=PrismRunner"], workers=2, debug=True) == 7
    assert got == [[*ARGUMENTS, "--runner=PrismRunner"], 2, False, True]
    assert capsys.readouterr().err == BANNER


def test_what_a_job_over_files_has_done_is_said(capsys: pytest.CaptureFixture[str], monkeypatch: Any) -> None:
    def supervise(argv: Sequence[str], workers: int, live: Live, *, ends: bool, debug: bool) -> int:
        assert (ends, workers) == (True, 1)
        live.update(1, {**snapshot(1200), "parts": [1, 2]})
        assert live.progress() == "1 of 2 parts read"
        return 0

    monkeypatch.setattr(foreground, "supervise", supervise)
    monkeypatch.setattr("time.monotonic", lambda: 5.0)
    arguments = [f"--job_file={JOB}", "--input_files=data/*.avro", "--output_table=p:d.t", "--output_files=out/"]
    assert run_in_foreground(arguments, [], workers=1) == 0
    predictions = sum(count for name, count in snapshot(1200)["counters"].items() if name.startswith("predictions_"))
    letters = sum(count for name, count in snapshot(1200)["counters"].items() if name.startswith("dead_letters_"))
    assert capsys.readouterr().err == (
        "reads         data/*.avro\n"
        "models        times5, times10\n"
        "writes        p.d.t, out/\n"
        "dead letters  p.d.t_error_records, out/error_records\n"
        "workers       1\n"
        f"done: 1,200 messages, {predictions:,} predictions, {letters:,} dead letters in 0 s\n"
        "predictions   p.d.t, out/\n" + ("dead letters  p.d.t_error_records, out/error_records\n" if letters else "")
    )


def test_files_are_read_by_one_process(supervised: Any) -> None:
    with pytest.raises(Mistakes, match=r"^--workers: a job over stored data runs in one process on this machine"):
        run_in_foreground([f"--job_file={JOB}", "--input_files=a.avro", "--output_files=out"], [], workers=2)


def test_the_job_can_be_found_and_is_what_prometheus_sees(
    supervised: Any, capsys: pytest.CaptureFixture[str], directory: Path
) -> None:
    seen: list[Report | str] = []

    def look(live: Live) -> None:
        live.update(1, snapshot(100))
        live.tick(datetime.now(UTC))
        address = capsys.readouterr().err.splitlines()[len(BANNER.splitlines())].split()[1]
        with urlopen(address, timeout=10) as answer:
            seen.extend([attach()(), *answer.read().decode().splitlines()])

    supervised(look)
    assert run_in_foreground(ARGUMENTS, [], workers=2, metrics_at=MetricsAddress("127.0.0.1", 0)) == 7
    report, *lines = seen
    assert isinstance(report, Report)
    assert (report.job.name, report.job.identifier, report.job.models) == (JOB, str(os.getpid()), ("times5", "times10"))
    assert 'pubsub_inference_predictions_total{model="times10"} 150.0' in lines
    assert [*directory.rglob("*.*")] == []


def test_a_machine_without_a_place_for_reports_runs_the_job_all_the_same(
    supervised: Any, capsys: pytest.CaptureFixture[str], directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(directory / "none"))
    monkeypatch.setattr("tempfile.tempdir", str(directory / "none"))
    supervised(lambda live: live.tick(datetime.now(UTC)))
    assert run_in_foreground(ARGUMENTS, [], workers=2) == 7
    place = directory / "none" / f"pubsub-inference-{os.getuid()}"
    assert capsys.readouterr().err.splitlines()[len(BANNER.splitlines())] == (
        f"pubsub-inference monitor --local will not find this job: {place} is not a directory of this user alone"
    )


def test_a_port_in_use_is_a_mistake_before_anything_is_started(supervised: Any) -> None:
    def look(live: Live) -> None:
        raise AssertionError("it was started")

    supervised(look)
    with pytest.raises(Mistakes, match=r"^--metrics-port: cannot serve on 256\.0\.0\.1:0"):
        run_in_foreground(ARGUMENTS, [], workers=1, metrics_at=MetricsAddress("256.0.0.1", 0))
