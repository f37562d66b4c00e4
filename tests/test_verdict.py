"""The verdict: healthy, unhealthy with the worst first, starting, or not known."""

from __future__ import annotations

import pytest

from streaming.monitoring.rules import RULES
from streaming.monitoring.series import USER_COUNTER
from streaming.monitoring.verdict import Health, Verdict, judge
from tests.monitoring_points import JOB, OLDEST, UNACKED, HandMade, Values, known_of, steady

ELAPSED = f"{JOB}/elapsed_time"
AGE = f"{JOB}/data_watermark_age"
FLOWING: dict[str, Values] = {"messages_read": steady(600.0), "predictions_times10": steady(600.0)}
QUIET: dict[str, Values] = {
    name: steady(0.0, value) for name, value in ((f"{JOB}/is_failed", 0.0), (AGE, 5.0), (UNACKED, 0.0), (OLDEST, 0.0))
}
RUNNING: dict[str, Values] = {ELAPSED: steady(0.0, 7200.0)}


def verdicts(laid: dict[str, Values], silent: dict[str, str] | None = None) -> tuple[Verdict, ...]:
    source = HandMade(silent)
    for name, values in laid.items():
        source.add(name, values)
    return judge(known_of(source))


def test_the_values_are_exit_codes() -> None:
    assert [(health.name, health.value) for health in Health] == [("HEALTHY", 0), ("UNHEALTHY", 1), ("UNKNOWN", 2)]


def test_a_job_is_healthy_when_no_rule_trips() -> None:
    assert verdicts({**RUNNING, **QUIET, **FLOWING}) == (Verdict(Health.HEALTHY, "healthy"),)


def test_all_that_trips_is_told_the_worst_first() -> None:
    laid = {**RUNNING, **QUIET, **FLOWING, AGE: steady(0.0, 900.0), f"{JOB}/is_failed": steady(0.0, 1.0)}
    assert verdicts(laid) == (
        Verdict(Health.UNHEALTHY, "failed: Dataflow has given the job up, see its errors", "job_failed"),
        Verdict(
            Health.UNHEALTHY,
            "falling behind: for 10 minutes the watermark has been 900 s or more behind",
            "freshness",
        ),
    )
    severities = [rule.severity.value for rule in RULES]
    assert severities == sorted(severities)


def test_what_cannot_be_judged_is_named() -> None:
    silent = dict.fromkeys((UNACKED, OLDEST), "permission denied")
    assert verdicts({**RUNNING, **QUIET, **FLOWING}, silent) == (
        Verdict(Health.HEALTHY, "healthy as far as is known; not judged: oldest_unacked, backlog_growing"),
    )


def test_an_unknown_figure_does_not_hide_what_trips() -> None:
    laid = {**RUNNING, **FLOWING, AGE: steady(0.0, 900.0)}
    (verdict,) = verdicts(laid, {UNACKED: "permission denied"})
    assert (verdict.health, verdict.rule) == (Health.UNHEALTHY, "freshness")


NOTHING = "the job has counted no messages in 10 minutes; it has read none yet, or is another's"


@pytest.mark.parametrize(
    ("laid", "silent", "words"),
    [
        pytest.param({}, {}, NOTHING, id="nothing is there"),
        pytest.param({**RUNNING, **QUIET}, {}, NOTHING, id="a job without our counters"),
        pytest.param({**RUNNING, **QUIET, "messages_read": [(40, 1.0), (25, 9.0)]}, {}, NOTHING, id="stale counters"),
        pytest.param({**RUNNING, **QUIET}, {USER_COUNTER: "no answer in time"}, "no answer in time", id="no answer"),
    ],
)
def test_without_the_input_nobody_can_tell(laid: dict[str, Values], silent: dict[str, str], words: str) -> None:
    assert verdicts(laid, silent) == (Verdict(Health.UNKNOWN, f"cannot tell: {words}"),)


def test_a_job_that_never_counted_while_messages_wait_is_stuck() -> None:
    (verdict,) = verdicts({**RUNNING, **QUIET, UNACKED: steady(0.0, 40.0)})
    assert (verdict.health, verdict.rule) == (Health.UNHEALTHY, "no_predictions")


STARTING = {
    **QUIET,
    ELAPSED: [(1, 90.0)],
    UNACKED: steady(600.0, 5000.0),
    OLDEST: steady(60.0),
    AGE: steady(0.0, 900.0),
}
SINCE = "the job has run for 90 s, and its flow is judged after 10 minutes"


def test_a_job_that_starts_is_not_judged_by_its_flow() -> None:
    assert verdicts(STARTING) == (Verdict(Health.UNKNOWN, f"starting: no predictions yet; {SINCE}"),)
    predicting = {**STARTING, "messages_read": [(2, 5.0), (1, 50.0)], "predictions_times10": [(1, 5.0)]}
    assert verdicts(predicting) == (Verdict(Health.HEALTHY, f"healthy so far: {SINCE}"),)


def test_a_job_that_starts_is_judged_by_what_is_refused() -> None:
    (verdict,) = verdicts({**STARTING, "sink_refusals_table": [(1, 5.0)]})
    assert (verdict.health, verdict.rule) == (Health.UNHEALTHY, "sink_refusals")


def test_a_job_that_was_replaced_starts_anew() -> None:
    source = HandMade().add(ELAPSED, [(2, 86_400.0)]).add(ELAPSED, [(1, 90.0)])
    assert judge(known_of(source))[0].words == f"starting: no predictions yet; {SINCE}"
