"""What the monitor says when a rule trips: the figures that tell why, on one line."""

from __future__ import annotations

from streaming.monitoring import figures
from streaming.monitoring.figures import Figure, Figures
from streaming.monitoring.limits import BUSY_SHARE, LATE_SECONDS, MINUTES

_SINKS = {"table": "BigQuery", "topic": "Pub/Sub", "dead_letters": "the dead letters' table or topic"}


def failed(_: Figures) -> str:
    """Of a job that Dataflow has given up."""
    return "failed: Dataflow has given the job up, see its errors"


def no_predictions(known: Figures) -> str:
    """Of a job that stands still: how much waits, and which sinks give trouble."""
    waiting = _number(known, figures.BACKLOG_LOWEST)
    return "; ".join([f"stuck: no predictions in {MINUTES}, while {waiting} messages wait", *_trouble(known)])


def oldest_unacked(known: Figures) -> str:
    """Of messages that wait: for how long, and for which model."""
    age = _number(known, figures.OLDEST_UNACKED_LOWEST)
    return f"falling behind: for {MINUTES} a message has waited for {age} s or longer{_slowest(known)}"


def freshness(known: Figures) -> str:
    """Of a watermark that stands back: by how much, and for which model."""
    behind = _number(known, figures.FRESHNESS_LOWEST)
    return f"falling behind: for {MINUTES} the watermark has been {behind} s or more behind{_slowest(known)}"


def backlog_growing(known: Figures) -> str:
    """Of a backlog that grows: by how much, and for which model."""
    growth = known.value(figures.BACKLOG_GROWTH) or 0.0
    return f"falling behind: the backlog grows by {growth:,.1f} messages/s{_slowest(known)}"


def late_answers(known: Figures) -> str:
    """Of answers that come late: how many, and for which model."""
    late = _share(known, figures.LATE_SHARE)
    return f"slow: {late} of the messages take longer than {LATE_SECONDS:g} s{_slowest(known)}"


def dead_letters(known: Figures) -> str:
    """Of dead letters: how many, and from which stage most of them are."""
    stage = _greatest(known, figures.DEAD_LETTER_RATE)
    most = f", most of stage {stage}" if stage else ""
    return f"dead letters: {_share(known, figures.DEAD_LETTER_SHARE)} of the messages{most}"


def sink_refusals(known: Figures) -> str:
    """Of sinks that refuse: which."""
    return f"refused: {'; '.join(_trouble(known))}"


def generation_refused(known: Figures) -> str:
    """Of a generation that was not taken up: of which model."""
    model = _greatest(known, figures.GENERATIONS_REFUSED)
    return f"model {model}: a new generation was refused, the one before answers; see the dead letters"


def _number(known: Figures, figure: Figure) -> str:
    return f"{known.value(figure) or 0.0:,.0f}"


def _share(known: Figures, figure: Figure) -> str:
    return f"{100 * (known.value(figure) or 0.0):.1f} %"


def _greatest(known: Figures, figure: Figure) -> str:
    """The model, stage or sink with the greatest value, if that is more than nothing."""
    readings = known.of(figure)
    label = max(readings, key=lambda each: readings[each].value, default="")
    return label if label and readings[label].value > 0 else ""


def _slowest(known: Figures) -> str:
    model = _greatest(known, figures.MODEL_SHARE)
    share = known.of(figures.MODEL_SHARE)[model].value if model else 0.0
    return f": model {model} takes {100 * min(1.0, share):.0f} % of the time" if share >= BUSY_SHARE else ""


def _trouble(known: Figures) -> list[str]:
    """Which sinks' services refuse, and which are asked again."""
    refused, retried = _sinks(known, figures.SINK_REFUSALS), _sinks(known, figures.SINK_RETRIES)
    lines = [f"{refused} refuses rows, see the dead letters"] if refused else []
    return lines + ([f"requests to {retried} are sent again"] if retried else [])


def _sinks(known: Figures, figure: Figure) -> str:
    labels = [label for label, reading in known.of(figure).items() if reading.value > 0]
    return " and ".join(_SINKS.get(label, label) for label in labels)
