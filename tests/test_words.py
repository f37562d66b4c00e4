"""What the monitor says where figures are missing, or just at a limit; the usual words are in `test_rules`."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from streaming.monitoring import figures, words
from streaming.monitoring.figures import Figure, Figures
from streaming.monitoring.series import Reading
from tests.monitoring_points import NOW

Values = dict[Figure, float | dict[str, float]]


def known(values: Values) -> Figures:
    """Each figure's value, or its values by label."""
    labelled = {each: value if isinstance(value, dict) else {"": value} for each, value in values.items()}
    return Figures(
        NOW,
        {each.name: {label: Reading(one, NOW) for label, one in value.items()} for each, value in labelled.items()},
    )


@pytest.mark.parametrize(
    ("say", "said"),
    [
        (words.failed, "failed: Dataflow has given the job up, see its errors"),
        (words.no_predictions, "stuck: no predictions in 10 minutes, while 0 messages wait"),
        (words.oldest_unacked, "falling behind: for 10 minutes a message has waited for 0 s or longer"),
        (words.freshness, "falling behind: for 10 minutes the watermark has been 0 s or more behind"),
        (words.backlog_growing, "falling behind: the backlog grows by 0.0 messages/s"),
        (words.late_answers, "slow: 0.0 % of the messages take longer than 10 s"),
        (words.dead_letters, "dead letters: 0.0 % of the messages"),
    ],
)
def test_figures_that_are_not_known_are_none(say: Callable[[Figures], str], said: str) -> None:
    assert say(known({})) == said


@pytest.mark.parametrize(
    ("shares", "named"),
    [
        ({"a": 0.499, "b": 0.1}, ""),
        ({"a": 0.2, "b": 0.5}, ": model b takes 50 % of the time"),
        ({"a": 1.25}, ": model a takes 100 % of the time"),
        ({"a": 0.6, "b": 0.6}, ": model a takes 60 % of the time"),
        ({}, ""),
    ],
)
def test_a_model_is_named_that_takes_half_of_the_time(shares: dict[str, float], named: str) -> None:
    figured = known({figures.LATE_SHARE: 0.25, figures.MODEL_SHARE: shares})
    assert words.late_answers(figured) == f"slow: 25.0 % of the messages take longer than 10 s{named}"


def test_all_sinks_in_trouble_are_named_and_one_that_this_version_does_not_know() -> None:
    figured = known(
        {
            figures.BACKLOG_LOWEST: 1_234_567.4,
            figures.SINK_REFUSALS: {"dead_letters": 1.0, "table": 2.0, "topic": 0.0},
            figures.SINK_RETRIES: {"topic": 3.0, "files": 0.5},
        }
    )
    trouble = (
        "the dead letters' table or topic and BigQuery refuses rows, see the dead letters; "
        "requests to Pub/Sub and files are sent again"
    )
    assert words.sink_refusals(figured) == f"refused: {trouble}"
    stuck = "stuck: no predictions in 10 minutes, while 1,234,567 messages wait"
    assert words.no_predictions(figured) == f"{stuck}; {trouble}"


def test_the_stage_with_most_dead_letters_and_none_where_none_had_any_of_late() -> None:
    share: Values = {figures.DEAD_LETTER_SHARE: 0.123}
    most = known({**share, figures.DEAD_LETTER_RATE: {"decode": 0.5, "publish": 2.0}})
    assert words.dead_letters(most) == "dead letters: 12.3 % of the messages, most of stage publish"
    none = known({**share, figures.DEAD_LETTER_RATE: {"decode": 0.0}})
    assert words.dead_letters(none) == "dead letters: 12.3 % of the messages"


def test_the_model_whose_generations_were_refused_most() -> None:
    figured = known({figures.GENERATIONS_REFUSED: {"a": 0.0, "b": 2.0}})
    assert words.generation_refused(figured) == (
        "model b: a new generation was refused, the one before answers; see the dead letters"
    )
