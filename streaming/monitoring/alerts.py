"""The rules as alert policies of Cloud Monitoring.

A policy has one condition in PromQL, the whole rule. Its spans of time are in the query, so that the condition trips as
soon as it holds twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from streaming.monitoring.queries import Scope
from streaming.monitoring.rule import Rule
from streaming.monitoring.target import Target

if TYPE_CHECKING:
    from google.cloud.monitoring_v3 import AlertPolicy

EVALUATION_SECONDS = 60
AUTO_CLOSE_SECONDS = 1800
"""An incident ends so long after the last points of its figures: of a job that was cancelled, say."""


def scope(target: Target) -> Scope:
    """The time series of the job and its subscription alone."""
    return Scope(f'job_name="{target.job}"', f'subscription_id="{target.subscription}"')


def alert_policy(rule: Rule, target: Target, channels: Sequence[str] = ()) -> AlertPolicy:
    """The rule as a policy of a job.

    Args:
        rule: what trips it.
        target: the job, and the subscription that it reads.
        channels: names of notification channels, `projects/P/notificationChannels/N`.
    """
    from google.cloud.monitoring_v3 import AlertPolicy
    from google.protobuf.duration_pb2 import Duration

    title = f"{target.job}: {rule.title}"
    condition = AlertPolicy.Condition.PrometheusQueryLanguageCondition(
        query=rule.promql(scope(target)),
        duration=Duration(seconds=EVALUATION_SECONDS),
        evaluation_interval=Duration(seconds=EVALUATION_SECONDS),
        disable_metric_validation=True,  # a counter is known to Cloud Monitoring once it has counted something
    )
    return AlertPolicy(
        display_name=title,
        documentation=AlertPolicy.Documentation(
            content=runbook_text(rule, target), mime_type="text/markdown", subject=title
        ),
        user_labels={**target.labels, "rule": rule.name},
        conditions=[AlertPolicy.Condition(display_name=rule.title, condition_prometheus_query_language=condition)],
        combiner=AlertPolicy.ConditionCombinerType.OR,
        enabled=True,
        severity=AlertPolicy.Severity[rule.severity.name],
        alert_strategy=AlertPolicy.AlertStrategy(auto_close=Duration(seconds=AUTO_CLOSE_SECONDS)),
        notification_channels=channels,
    )


def runbook_text(rule: Rule, target: Target) -> str:
    """The runbook in Markdown, as the notification shows it."""
    runbook = rule.runbook
    text = (
        f"## What it means\n{runbook.means}\n\n## What to look at\n{runbook.look}\n\n## What to do\n{runbook.do}\n\n"
        f"Job `{target.job}`, subscription `{target.subscription}`, rule `{rule.name}`."
    )
    return text.replace("monitor JOB`", f"monitor {target.job}`")
