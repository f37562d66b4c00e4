"""Which figures of a job on this machine are of seconds, and which of minutes."""

from __future__ import annotations

from collections import Counter

from streaming.local.history import History
from streaming.local.recent import read_recent
from streaming.local.totals import Counted
from streaming.monitoring import figures
from tests.local_snapshots import START, after


def test_rates_and_quantiles_are_of_ten_seconds_and_what_rules_judge_of_ten_minutes() -> None:
    history = History(START)
    for second in range(121):
        late = max(0, second - 100)  # from then on twice as many come, and take long
        counters = Counter(
            messages_read=100 * (second + late),
            batch_ms_sum=1000 * second,
            model_ms_m_sum=500 * second + 300 * late,
            predictions_m=100 * second,
            dead_letters_decode=second,
        )
        fine = Counter(latency_ms_bucket_101=100 * (second - late), latency_ms_bucket_5001=200 * late)
        history.add(after(second), Counted(counters, fine))
    known = read_recent(history, after(120))
    assert known.value(figures.INPUT_RATE) == 200.0
    assert known.value(figures.LATENCY_P50) == 5.001
    assert known.of(figures.MODEL_SHARE)["m"].value == 0.8
    assert known.value(figures.ALL_PREDICTIONS) == 12_000
    assert known.value(figures.DEAD_LETTER_SHARE) == 120 / 14_000
    assert {*known.known} | {*known.unavailable} == {figure.name for figure in figures.FIGURES}


def test_what_is_not_known_here_is_said_once() -> None:
    history = History(START)
    history.add(after(0), Counted())
    assert {*read_recent(history, after(0)).unavailable.values()} == {
        "backlog, oldest wait and watermark are not known on this machine"
    }
