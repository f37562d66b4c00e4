"""What a report for people says, as tables of texts: the terminal and the page show the same."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from producers.report.meanings import FIGURES, LATENCY, PLANTED, PREDICTIONS, fault, truth
from producers.report.words import number, percentile, period, printable
from producers.scoring.scores import Came, Finding, Kind, Quality, Score, Sent


@dataclass(frozen=True)
class Section:
    """A table under a title.

    Attributes:
        title: one line.
        head: the columns' names; none of a table that explains itself.
        rows: of as many printable texts as every other.
        numbers: the columns that hold numbers, from 0.
        note: a sentence below the table, or nothing.
    """

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    numbers: frozenset[int]
    note: str = ""


def run(sent: Sent) -> Section:
    """Which run the report is about."""
    rows = [
        ("topic", sent.topic),
        ("scenario", sent.scenario),
        ("seed", str(sent.seed)),
        ("published", period(sent.started_at, sent.ended_at)),
        ("ending", _ending(sent.ending)),
    ]
    return Section("The run", (), [(name, printable(value)) for name, value in rows], frozenset())


def totals(score: Score) -> list[Section]:
    """What was sent, what came out, and how fast; sections that would say nothing are left out."""
    sections = [_sent(score.sent), _came(score.came), _dead_letters(score), _latency(score), _throughput(score)]
    return [section for section in sections if section.rows or section.note]


def quality(score: Score) -> list[Section]:
    """A section for each model that is held against the fleet's state."""
    return [_quality(each) for each in score.quality]


def findings(score: Score, most: int) -> list[Section]:
    """A section for each kind of what is wrong, with at most so many examples."""
    return [_findings(kind, score, most) for kind in Kind if kind in score.wrong]


def mean_and_peak(figures: Sequence[float]) -> tuple[float, float]:
    """The mean of a series from its first to its last figure above zero, and its highest; zeros of an empty one."""
    above = [position for position, figure in enumerate(figures) if figure > 0]
    if not above:
        return 0.0, 0.0
    lasted = figures[above[0] : above[-1] + 1]
    return float(sum(lasted) / len(lasted)), float(max(lasted))


def _sent(sent: Sent) -> Section:
    sound = sent.confirmed - sum(sent.faults.values())
    rows = _counted(
        (sound if sent.faults else 0, "without a fault"),
        *((count, printable(fault(name))) for name, count in sent.faults.items()),
        (sent.unknown, "messages of which nobody knows whether they were sent: they may come out or not"),
        (sent.refused, "messages that Pub/Sub has refused: they must not come out"),
    )
    confirmed = (f"{sent.confirmed:,}", f"messages that Pub/Sub has taken{', of these' if sent.faults else ''}")
    return Section("What was sent", (), [confirmed, *rows], frozenset({0}), PLANTED if sent.faults else "")


def _ending(ending: str) -> str:
    words = {"stopped": "stopped before all was sent", "cut off": "cut off: the truth file has no end"}
    return words.get(ending, ending).rstrip(".")


def _came(came: Iterable[Came]) -> Section:
    rows = [row for each in came for row in _once((each.place,), _of_place(each))]
    return Section("What came out", (), rows, frozenset({1}))


def _of_place(came: Came) -> list[tuple[str, str]]:
    predictions = [
        (f"{count:,}", printable(f"predictions of {model}")) for model, count in sorted(came.predictions.items())
    ]
    return (predictions or [("0", "predictions")]) + _counted(
        (came.repeated, "repeated with the same prediction_id, as delivery at least once allows"),
        (came.unconfirmed, "of messages of which nobody knows whether they were sent"),
        (came.replayed, "answers to dead letters that were published anew"),
        (came.not_compared, "not compared: offline, the model has another generation or no such answer"),
        (came.foreign, "of messages published before or after the run"),
    )


def _dead_letters(score: Score) -> Section:
    rows = [
        (printable(stage), printable(error_class), f"{count:,}")
        for (stage, error_class), count in sorted(score.dead_letters.items())
    ]
    more = _counted(
        (score.repeated_dead_letters, "repeated, as delivery at least once allows"),
        (score.unconfirmed_dead_letters, "of messages of which nobody knows whether they were sent"),
        (score.foreign_dead_letters, "of messages published before or after the run"),
        (score.events, "of no message, as of a refused generation of a model"),
    )
    note = "; ".join(f"{count} {'dead letter' if count == '1' else 'dead letters'} {what}" for count, what in more)
    if not score.knows_dead_letters:
        note = "Not looked at: no table of dead letters was named."
    return Section("Dead letters", ("stage", "error class", "count"), rows, frozenset({2}), note)


def _latency(score: Score) -> Section:
    percentiles = score.latency.percentiles
    rows = [[f"{seconds:,.3f}" for seconds in percentiles.values()]] if percentiles else []
    names = [percentile(percent) for percent in percentiles]
    return Section(
        "Latency: seconds from publishing to prediction",
        names,
        rows,
        frozenset(range(len(names))),
        LATENCY if rows else "",
    )


def _throughput(score: Score) -> Section:
    series = score.series
    rows = []
    for name, figures in (
        ("published", series.published),
        ("predictions", series.predicted),
        ("dead letters", series.dead_letters),
    ):
        mean, peak = mean_and_peak(figures)
        if peak:
            rows.append((name, number(mean), number(peak)))
    title = f"Throughput: messages a second, in steps of {number(series.step)} s"
    return Section(title, ("", "mean", "peak"), rows, frozenset({1, 2}), PREDICTIONS if rows else "")


def _quality(quality: Quality) -> Section:
    unknown = any(math.isnan(figure) for figure in quality.figures.values())
    said = f"Truth: {truth(quality.state)}."
    return Section(
        title=printable(f"How right {quality.model} is: {quality.column} against {quality.state}"),
        head=(),
        rows=[("predictions", f"{quality.count:,}", "held against the truth"), *_figures(quality)],
        numbers=frozenset({1}),
        note=printable(f"{said} A dash: nothing to compute it from." if unknown else said),
    )


def _figures(quality: Quality) -> list[tuple[str, str, str]]:
    return [(printable(name), number(value, 4), FIGURES.get(name, "")) for name, value in quality.figures.items()]


def _once(first: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """The rows with the same first cells, which only the first row says."""
    return [(*(first if position == 0 else ("",) * len(first)), *row) for position, row in enumerate(rows)]


def _findings(kind: Kind, score: Score, most: int) -> Section:
    shown = [finding for finding in score.findings if finding.kind is kind][:most]
    more = score.wrong[kind] - len(shown)
    return _without_empty_columns(
        Section(
            title=f"{score.wrong[kind]:,} {kind}",
            head=("place", "message", "model", "what is wrong"),
            rows=[_finding(finding) for finding in shown],
            numbers=frozenset(),
            note=f"and {more:,} more" if shown and more else "",
        )
    )


def _finding(finding: Finding) -> tuple[str, ...]:
    place = "" if finding.place == "-" else finding.place
    return tuple(map(printable, (place, finding.message_id or "", finding.model or "", finding.detail)))


def _without_empty_columns(section: Section) -> Section:
    kept = [position for position in range(len(section.head)) if any(row[position] for row in section.rows)]
    return Section(
        title=section.title,
        head=[section.head[position] for position in kept],
        rows=[[row[position] for position in kept] for row in section.rows],
        numbers=frozenset(new for new, old in enumerate(kept) if old in section.numbers),
        note=section.note,
    )


def _counted(*lines: tuple[int, str]) -> list[tuple[str, str]]:
    """The lines that count something."""
    return [(f"{count:,}", what) for count, what in lines if count]
