"""The findings of an account: what went in, what came out and what is wrong, to compare and to show."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text


class Kind(StrEnum):
    """What can be wrong with what came out."""

    LOST = "lost"
    NEVER_PUBLISHED = "never published"
    UNEXPECTED_ROW = "unexpected row"
    UNEXPECTED_DEAD_LETTER = "unexpected dead letter"
    WRONG_ID = "wrong prediction_id"
    WRONG_KEY = "wrong key"
    WRONG_EVENT_TIME = "wrong event time"
    WRONG_WINDOW = "wrong window"
    WRONG_PREDICTION = "wrong prediction"
    WRONG_STAGE = "wrong stage"
    WRONG_PAYLOAD = "wrong payload"


@dataclass(frozen=True)
class Finding:
    """Something wrong with one message, or with one model's answer to it."""

    kind: Kind
    message_id: str
    model: str | None = None
    detail: str = ""

    def __str__(self) -> str:
        model = f", model {self.model}" if self.model else ""
        detail = f": {self.detail}" if self.detail else ""
        return f"{self.kind}: message {self.message_id}{model}{detail}"


@dataclass(frozen=True)
class Sample:
    """One model's answer to one message."""

    key: str
    value: float
    model: str
    prediction: float

    def __str__(self) -> str:
        return f"{self.key}: {self.value:g} -> {self.model} {self.prediction:g}"


@dataclass(frozen=True)
class Findings:
    """What went in and what came out.

    Attributes:
        wrong: everything that is wrong.
        messages: how many messages were sent.
        bad_messages: how many of them must not be answered.
        rows: model -> rows, with their repetitions.
        dead_letters: (stage, error class) -> dead letters, with their repetitions, and events that are of no message.
        repeated_rows: rows beyond the first of their `prediction_id`; at-least-once allows them.
        repeated_dead_letters: dead letters beyond the first of their message, stage and model; allowed likewise.
        latencies: percentile -> seconds from a message's publish time to its prediction; empty without rows.
        samples: the answers to the first messages.
    """

    wrong: Sequence[Finding]
    messages: int
    bad_messages: int
    rows: Mapping[str, int]
    dead_letters: Mapping[tuple[str, str], int]
    repeated_rows: int
    repeated_dead_letters: int
    latencies: Mapping[int, float]
    samples: Sequence[Sample]

    @property
    def ok(self) -> bool:
        """Whether everything that went in came out as it must, at least once."""
        return not self.wrong

    @property
    def verdict(self) -> str:
        """The outcome on one line."""
        if self.ok:
            return "Every message is accounted for."
        return f"Not every message is accounted for: {_counted(self.wrong)}."

    def lines(self, most: int = 10) -> list[str]:
        """A summary to print. Of what is wrong it shows the `most` first in full."""
        rows = ", ".join(f"{count} {model}" for model, count in sorted(self.rows.items()))
        letters = ", ".join(f"{count} {' '.join(reason)}" for reason, count in sorted(self.dead_letters.items()))
        latencies = ", ".join(f"p{percentile} {seconds:.3f} s" for percentile, seconds in self.latencies.items())
        return [
            f"messages      {self.messages}, {self.bad_messages} of them bad",
            f"rows          {rows or 'none'}; {self.repeated_rows} repeated",
            f"dead letters  {letters or 'none'}; {self.repeated_dead_letters} repeated",
            f"latency       {latencies or 'none'}",
            *(f"sample        {sample}" for sample in self.samples),
            f"wrong         {_counted(self.wrong) or 'nothing'}",
            *(f"              {finding}" for finding in self.wrong[:most]),
        ]

    def report(self, most: int = 10) -> Group:
        """The same as tables, for those who see it for the first time; the verdict has a line of its own."""
        wrong = [Text(str(finding)) for finding in self.wrong[:most]]
        return Group(*_tables(self), Text(self.verdict, style="bold green" if self.ok else "bold red"), *wrong)


def _counted(wrong: Iterable[Finding]) -> str:
    counts = Counter(finding.kind for finding in wrong)
    return ", ".join(f"{count} {kind}" for kind, count in counts.items())


def _tables(findings: Findings) -> Iterator[RenderableType]:
    parts = {
        "What went in and what came out": _totals(findings),
        "Dead letters: one for a message, or one for each model that rejects it": _dead_letters(findings),
        "The first answers": _answers(findings),
        "Seconds from publishing to prediction": _latencies(findings),
    }
    for title, table in parts.items():
        if table.row_count:
            yield Text(title, style="bold")
            yield table
            yield Text()


def _totals(findings: Findings) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 2))
    repeated = findings.repeated_rows + findings.repeated_dead_letters
    for where, count, what in (
        ("in", findings.messages, f"messages, {findings.bad_messages:,} of them bad on purpose"),
        *(("out", count, f"predictions of the model {model}") for model, count in sorted(findings.rows.items())),
        ("out", sum(findings.dead_letters.values()), "dead letters"),
        ("", repeated, "of these repeated; delivery is at least once"),
    ):
        table.add_row(where, Text(f"{count:,}", justify="right"), Text(what))
    return table


def _dead_letters(findings: Findings) -> Table:
    table = _table("stage", "error class", "dead letters", numbers_from=2)
    for (stage, error_class), count in sorted(findings.dead_letters.items()):
        table.add_row(Text(stage), Text(error_class), f"{count:,}")
    return table


def _answers(findings: Findings) -> Table:
    models = list(dict.fromkeys(sample.model for sample in findings.samples))
    table = _table("key", "value", *models, numbers_from=1)
    messages: dict[tuple[str, float], dict[str, float]] = defaultdict(dict)
    for sample in findings.samples:
        messages[sample.key, sample.value][sample.model] = sample.prediction
    for (key, value), answers in messages.items():
        table.add_row(Text(key), f"{value:g}", *(f"{answers[m]:g}" if m in answers else "-" for m in models))
    return table


def _latencies(findings: Findings) -> Table:
    names = ["slowest" if percentile == 100 else f"p{percentile}" for percentile in findings.latencies]
    table = _table(*names, numbers_from=0)
    if findings.latencies:
        table.add_row(*(f"{seconds:.3f}" for seconds in findings.latencies.values()))
    return table


def _table(*columns: str, numbers_from: int) -> Table:
    """An empty table whose columns from that number on hold figures."""
    table = Table(box=None, padding=(0, 2))
    for position, column in enumerate(columns):
        table.add_column(Text(column), justify="right" if position >= numbers_from else "left")
    return table
