"""The alert policies: one for each rule, which says the rule and its runbook."""

from __future__ import annotations

import promql_parser
import pytest
from google.cloud.monitoring_v3 import AlertPolicy

from streaming.monitoring.alerts import alert_policy, runbook_text, scope
from streaming.monitoring.rule import Rule
from streaming.monitoring.rules import RULES
from streaming.monitoring.target import Target

READINGS = Target("readings", "readings-sub")
CHANNEL = "projects/p/notificationChannels/7"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_policy_is_the_whole_rule(rule: Rule) -> None:
    policy = alert_policy(rule, READINGS, [CHANNEL])
    title = f"readings: {rule.title}"
    query = rule.promql(scope(READINGS))
    promql_parser.parse(query)
    assert AlertPolicy.to_dict(policy, use_integers_for_enums=False, always_print_fields_with_no_presence=False) == {
        "display_name": title,
        "documentation": {"content": runbook_text(rule, READINGS), "mime_type": "text/markdown", "subject": title},
        "user_labels": {"managed-by": "pubsub-inference", "job": "readings", "rule": rule.name},
        "conditions": [
            {
                "display_name": rule.title,
                "condition_prometheus_query_language": {
                    "query": query,
                    "duration": "60s",
                    "evaluation_interval": "60s",
                    "disable_metric_validation": True,
                },
            }
        ],
        "combiner": "OR",
        "enabled": True,
        "severity": rule.severity.name,
        "alert_strategy": {"auto_close": "1800s"},
        "notification_channels": [CHANNEL],
    }


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_query_takes_one_job_and_its_subscription(rule: Rule) -> None:
    query = rule.promql(scope(READINGS))
    selectors = query.count("{")
    assert selectors == query.count('job_name="readings"') + query.count('subscription_id="readings-sub"')


def test_the_runbook_is_markdown_that_names_the_job() -> None:
    rule = next(each for each in RULES if each.name == "backlog_growing")
    assert runbook_text(rule, READINGS) == (
        "## What it means\nFor 10 minutes more than 1,000 messages have waited, and they become more by more than 1 a "
        "second: more come than are acknowledged.\n\n"
        "## What to look at\nWhich model takes the time, and the number of workers, in `pubsub-inference monitor "
        "readings`.\n\n"
        "## What to do\nLet the job have more workers: `pubsub-inference update` with a greater --max-workers. After a "
        "peak the backlog shrinks by itself.\n\n"
        "Job `readings`, subscription `readings-sub`, rule `backlog_growing`."
    )


@pytest.mark.parametrize(
    ("job", "value"), [("readings", "readings"), ("JOB_NAME", "job_name"), ("a" * 80, "a" * 63), ("a.b", "a_b")]
)
def test_labels_hold_what_labels_can(job: str, value: str) -> None:
    assert Target(job, "s").labels == {"managed-by": "pubsub-inference", "job": value}
