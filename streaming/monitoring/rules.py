"""When a job is not healthy: the rules, for the monitor's verdict and for the alerts, the worst first."""

from __future__ import annotations

from streaming.monitoring import figures, limits, runbooks, words
from streaming.monitoring.rule import Condition, Rule, Severity

HAS_STARTED = Condition(figures.ELAPSED, over=limits.STARTING_SECONDS)
"""The rules about a job's flow hold their tongue until then."""

RULES = (
    Rule(
        "job_failed",
        "The job has failed",
        Severity.CRITICAL,
        (Condition(figures.FAILED, over=0.5),),
        words.failed,
        runbooks.JOB_FAILED,
    ),
    Rule(
        "no_predictions",
        "No predictions while messages arrive",
        Severity.CRITICAL,
        (
            Condition(figures.ALL_PREDICTIONS, under=0.5, absent=0.0),
            Condition(figures.BACKLOG_LOWEST, over=0.5),
            HAS_STARTED,
        ),
        words.no_predictions,
        runbooks.NO_PREDICTIONS,
    ),
    Rule(
        "oldest_unacked",
        "Messages wait too long",
        Severity.CRITICAL,
        (Condition(figures.OLDEST_UNACKED_LOWEST, over=limits.MOST_UNACKED_SECONDS), HAS_STARTED),
        words.oldest_unacked,
        runbooks.OLDEST_UNACKED,
    ),
    Rule(
        "backlog_growing",
        "The backlog grows",
        Severity.WARNING,
        (
            Condition(figures.BACKLOG_GROWTH, over=limits.MOST_GROWTH),
            Condition(figures.BACKLOG_LOWEST, over=limits.LARGE_BACKLOG),
            HAS_STARTED,
        ),
        words.backlog_growing,
        runbooks.BACKLOG_GROWING,
    ),
    Rule(
        "freshness",
        "The data is not fresh",
        Severity.WARNING,
        (Condition(figures.FRESHNESS_LOWEST, over=limits.MOST_BEHIND_SECONDS), HAS_STARTED),
        words.freshness,
        runbooks.FRESHNESS,
    ),
    Rule(
        "late_answers",
        f"One message in a hundred takes longer than {limits.LATE_SECONDS:g} s",
        Severity.WARNING,
        (Condition(figures.LATE_SHARE, over=limits.MOST_LATE_SHARE, absent=0.0), HAS_STARTED),
        words.late_answers,
        runbooks.LATE_ANSWERS,
    ),
    Rule(
        "sink_refusals",
        "A sink refuses rows",
        Severity.WARNING,
        (Condition(figures.SINK_REFUSALS, over=0.5, absent=0.0),),
        words.sink_refusals,
        runbooks.SINK_REFUSALS,
    ),
    Rule(
        "dead_letters",
        "Too many dead letters",
        Severity.WARNING,
        (Condition(figures.DEAD_LETTER_SHARE, over=limits.MOST_DEAD_LETTER_SHARE, absent=0.0),),
        words.dead_letters,
        runbooks.DEAD_LETTERS,
    ),
    Rule(
        "generation_refused",
        "A new generation of a model was refused",
        Severity.WARNING,
        (Condition(figures.GENERATIONS_REFUSED, over=0.5, absent=0.0),),
        words.generation_refused,
        runbooks.GENERATION_REFUSED,
    ),
)
