"""The verdict on a job: healthy; unhealthy, and by which rule; or not known."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from streaming.monitoring import figures
from streaming.monitoring.figures import Figures
from streaming.monitoring.limits import MINUTES, STARTING_SECONDS
from streaming.monitoring.rules import RULES


class Health(Enum):
    """What the verdict is; the values are the exit codes of the monitor."""

    HEALTHY = 0
    UNHEALTHY = 1
    UNKNOWN = 2


@dataclass(frozen=True)
class Verdict:
    """The verdict in words, and the name of the rule that gave it."""

    health: Health
    words: str
    rule: str = ""


def judge(known: Figures) -> tuple[Verdict, ...]:
    """All verdicts, the worst first; there is always one.

    A job that has just started is not judged by its flow: it is healthy so far once it predicts, and before that nobody
    can tell. Neither can they of a job whose input is not known, whatever else is.
    """
    tripped = tuple(Verdict(Health.UNHEALTHY, rule.words(known), rule.name) for rule in RULES if rule.trips(known))
    if tripped:
        return tripped
    elapsed = known.value(figures.ELAPSED)
    if elapsed is not None and elapsed <= STARTING_SECONDS:
        return (_starting(known, elapsed),)
    if not known.of(figures.INPUT_RATE):
        return (Verdict(Health.UNKNOWN, f"cannot tell: {_why_input_is_unknown(known)}"),)
    unknown = [rule.name for rule in RULES if not rule.is_known(known)]
    reservation = f" as far as is known; not judged: {', '.join(unknown)}" if unknown else ""
    return (Verdict(Health.HEALTHY, f"healthy{reservation}"),)


def _starting(known: Figures, elapsed: float) -> Verdict:
    since = f"the job has run for {elapsed:,.0f} s, and its flow is judged after {MINUTES}"
    if (known.value(figures.ALL_PREDICTIONS) or 0) > 0:
        return Verdict(Health.HEALTHY, f"healthy so far: {since}")
    return Verdict(Health.UNKNOWN, f"starting: no predictions yet; {since}")


def _why_input_is_unknown(known: Figures) -> str:
    return known.unavailable.get(
        figures.INPUT_RATE.name, f"the job has counted no messages in {MINUTES}; it has read none yet, or is another's"
    )
