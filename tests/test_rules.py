"""Each rule with figures that trip it and figures that just do not, from both sides of every limit."""

from __future__ import annotations

import re

import promql_parser
import pytest

from streaming.monitoring.queries import Scope
from streaming.monitoring.rule import Rule
from streaming.monitoring.rules import RULES
from streaming.monitoring.verdict import judge
from tests.monitoring_points import JOB, OLDEST, UNACKED, HandMade, Values, known_of, steady

ELAPSED = f"{JOB}/elapsed_time"
AGE = f"{JOB}/data_watermark_age"
FAILED = f"{JOB}/is_failed"
BUSY = {"model_ms_times10_sum": steady(55_200.0), "batch_ms_sum": steady(60_000.0)}
MODEL = ": model times10 takes 92 % of the time"

Laid = dict[str, Values]


def held(value: float) -> Values:
    return steady(0.0, value)


def grown(by: float) -> Values:
    """A counter that has grown by so much in ten minutes."""
    return [(15, 1000.0), (4, 1000.0 + by)]


HEALTHY: Laid = {
    ELAPSED: held(7200),
    FAILED: held(0),
    AGE: held(5),
    UNACKED: held(0),
    OLDEST: held(0),
    "messages_read": steady(600.0),
    "predictions_times10": steady(600.0),
}
"""A job that does well."""


def tripped(laid: Laid) -> dict[str, str]:
    """The words of each rule that trips, by its name."""
    source = HandMade()
    for name, values in {**HEALTHY, **laid}.items():
        source.add(name, values)
    return {verdict.rule: verdict.words for verdict in judge(known_of(source)) if verdict.rule}


TRIPPING: dict[str, list[tuple[Laid, str]]] = {
    "job_failed": [({FAILED: held(1)}, "failed: Dataflow has given the job up, see its errors")],
    "no_predictions": [
        (
            {"predictions_times10": held(9), UNACKED: held(1)},
            "stuck: no predictions in 10 minutes, while 1 messages wait",
        ),
        (
            {"predictions_times10": [], UNACKED: held(4321), ELAPSED: held(601)},
            "stuck: no predictions in 10 minutes, while 4,321 messages wait",
        ),
        (
            {"predictions_times10": [], UNACKED: held(12), "sink_retries_table": grown(40)},
            "stuck: no predictions in 10 minutes, while 12 messages wait; requests to BigQuery are sent again",
        ),
    ],
    "oldest_unacked": [
        (
            {OLDEST: held(301)},
            "falling behind: for 10 minutes a message has waited for 301 s or longer",
        ),
        (
            {OLDEST: held(301), **BUSY},
            f"falling behind: for 10 minutes a message has waited for 301 s or longer{MODEL}",
        ),
    ],
    "backlog_growing": [
        (
            {UNACKED: steady(66.0, 1000.0)},
            "falling behind: the backlog grows by 1.1 messages/s",
        ),
        (
            {UNACKED: steady(66.0, 1000.0), **BUSY},
            f"falling behind: the backlog grows by 1.1 messages/s{MODEL}",
        ),
    ],
    "freshness": [
        (
            {AGE: held(301), **BUSY},
            f"falling behind: for 10 minutes the watermark has been 301 s or more behind{MODEL}",
        ),
    ],
    "late_answers": [
        (
            {
                "latency_ms_bucket_10000": grown(98.9),
                "latency_ms_bucket_30000": grown(0.5),
                "latency_ms_bucket_above": grown(0.6),
            },
            "slow: 1.1 % of the messages take longer than 10 s",
        ),
    ],
    "sink_refusals": [
        ({"sink_refusals_table": [(3, 1.0)]}, "refused: BigQuery refuses rows, see the dead letters"),
        (
            {"sink_refusals_topic": grown(1), "sink_retries_table": grown(3)},
            "refused: Pub/Sub refuses rows, see the dead letters; requests to BigQuery are sent again",
        ),
    ],
    "dead_letters": [
        (
            {"messages_read": grown(1000), "dead_letters_decode": grown(11)},
            "dead letters: 1.1 % of the messages",
        ),
        (
            {"dead_letters_decode": steady(3.0), "dead_letters_infer_times10": steady(9.0)},
            "dead letters: 2.0 % of the messages, most of stage infer_times10",
        ),
    ],
    "generation_refused": [
        (
            {"generations_refused_times10": [(3, 1.0)]},
            "model times10: a new generation was refused, the one before answers; see the dead letters",
        ),
    ],
}

NOT_TRIPPING: dict[str, list[Laid]] = {
    "job_failed": [{FAILED: [(11, 1.0)]}],
    "no_predictions": [
        {"predictions_times10": grown(1), UNACKED: held(4321)},
        {"predictions_times10": [(3, 1.0)], UNACKED: held(4321)},
        {"predictions_times10": held(9)},
        {"predictions_times10": held(9), UNACKED: [(9, 4321.0), (5, 0.0), (1, 4321.0)]},
        {"predictions_times10": [], UNACKED: held(4321), ELAPSED: held(600)},
    ],
    "oldest_unacked": [
        {OLDEST: held(300)},
        {OLDEST: [(9, 900.0), (5, 300.0), (1, 900.0)]},
        {OLDEST: held(301), ELAPSED: held(600)},
        {OLDEST: [(11, 900.0)]},
    ],
    "backlog_growing": [
        {UNACKED: steady(60.0, 5000.0)},
        {UNACKED: steady(66.0, -386.0)},
        {UNACKED: steady(66.0, 5000.0), ELAPSED: held(600)},
    ],
    "freshness": [{AGE: held(300)}, {AGE: [(9, 900.0), (5, 3.0)]}, {AGE: held(301), ELAPSED: held(600)}],
    "late_answers": [
        {"latency_ms_bucket_10000": grown(99), "latency_ms_bucket_above": grown(1)},
        {"latency_ms_bucket_above": held(50)},
        {"latency_ms_bucket_above": grown(50), ELAPSED: held(600)},
    ],
    "sink_refusals": [{"sink_refusals_table": held(7)}, {"sink_retries_table": grown(3)}],
    "dead_letters": [
        {"messages_read": grown(1000), "dead_letters_decode": grown(10)},
        {"messages_read": held(5), "dead_letters_decode": grown(10)},
    ],
    "generation_refused": [{"generations_refused_times10": held(1)}],
}


def cases(laid: dict[str, list[tuple[Laid, str]]]) -> list[object]:
    return [pytest.param(rule, *case, id=f"{rule}-{number}") for rule in laid for number, case in enumerate(laid[rule])]


def test_every_rule_has_its_cases() -> None:
    names = [rule.name for rule in RULES]
    assert names == list(TRIPPING) == list(NOT_TRIPPING)


@pytest.mark.parametrize(("rule", "laid", "words"), cases(TRIPPING))
def test_a_rule_trips_alone_and_says_why(rule: str, laid: Laid, words: str) -> None:
    assert tripped(laid) == {rule: words}


@pytest.mark.parametrize(
    ("rule", "laid"),
    [
        pytest.param(rule, laid, id=f"{rule}-{number}")
        for rule in NOT_TRIPPING
        for number, laid in enumerate(NOT_TRIPPING[rule])
    ],
)
def test_a_rule_just_does_not_trip(rule: str, laid: Laid) -> None:
    assert tripped(laid) == {}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_is_one_expression_in_promql(rule: Rule) -> None:
    promql_parser.parse(rule.promql(Scope('job_name="readings"')))


LIMITS = {
    "job_failed": "> 0.5",
    "no_predictions": "or on() vector(0)) < 0.5; > 0.5; > 600",
    "oldest_unacked": "> 300; > 600",
    "backlog_growing": "> 1; > 1000; > 600",
    "freshness": "> 300; > 600",
    "late_answers": "> 0.01; > 600",
    "sink_refusals": "> 0.5",
    "dead_letters": "> 0.01",
    "generation_refused": "> 0.5",
}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_the_alert_has_the_limits_of_the_rule(rule: Rule) -> None:
    said = [condition.promql(Scope()) for condition in rule.conditions]
    ends = [re.search(r"(or on\(\) vector\(0\)\) )?[<>] [0-9.]+$", text) for text in said]
    assert "; ".join(found[0] for found in ends if found) == LIMITS[rule.name]


RUNBOOKS = {
    "job_failed": "given the job up",
    "no_predictions": "for 10 minutes no model has answered",
    "oldest_unacked": "older than 300 s",
    "backlog_growing": "more than 1,000 messages have waited, and they become more by more than 1 a second",
    "freshness": "more than 300 s behind the clock",
    "late_answers": "above 10 s: in 10 minutes more than 1% of the messages took longer",
    "sink_refusals": "refused rows or messages",
    "dead_letters": "more dead letters than 1% of the messages read",
    "generation_refused": "found and not taken up",
}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_runbook_says_what_it_means_and_what_to_do(rule: Rule) -> None:
    assert RUNBOOKS[rule.name] in rule.runbook.means
    assert all(text.endswith(".") for text in (rule.runbook.means, rule.runbook.look, rule.runbook.do))
