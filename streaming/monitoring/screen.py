"""A look at a job as one screen of 80 columns; narrower, wider, in few rows and without a terminal, too."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from streaming.monitoring import figures
from streaming.monitoring.amounts import UNKNOWN, show_count, show_rate, show_share, show_time
from streaming.monitoring.cells import ASIDE, Cells
from streaming.monitoring.figures import Figure
from streaming.monitoring.limits import MINUTES
from streaming.monitoring.report import Report
from streaming.monitoring.stages import stage_of
from streaming.monitoring.verdict import Health, Verdict
from streaming.monitoring.whole_job import WholeJob

TWO_COLUMNS = 78
"""From this width on the figures of the whole job stand in two columns, and of each model all are shown."""

MOST_MODELS = 8
MOST_LINES = 3
"""Models, and of the reasons of dead letters and of what the job has said, that are shown."""

MOST_SAID = 300
"""Characters of what the job has said: it may be a stack trace."""

_STYLES = {Health.HEALTHY: "bold green", Health.UNHEALTHY: "bold red", Health.UNKNOWN: "bold yellow"}
_TITLE = "bold"


def render(report: Report, rows: int | None = None) -> RenderableType:
    """The report for a `rich` console: without colours and signs where that has none.

    Args:
        report: what is shown.
        rows: how many there are, where what exceeds them is not seen; what matters least is left out then.
    """
    return _Screen(report, rows)


@dataclass(frozen=True)
class _Screen:
    report: Report
    rows: int | None

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        whole = _Sections(self.report, Cells(self.report.figures, options.ascii_only), options.max_width)
        lines = console.render_lines(Group(*whole.all()), options, pad=False)
        if self.rows is not None and len(lines) > self.rows:
            lines = console.render_lines(Group(*replace(whole, is_brief=True).all()), options, pad=False)
        for line in lines:
            yield from (*line, Segment.line())


@dataclass(frozen=True)
class _Sections:
    """The screen's parts, from top to bottom.

    Attributes:
        report: what they show.
        cells: how its figures are written.
        width: columns of the console.
        is_brief: without blank lines and link, with one reason of dead letters and one thing that the job has said,
            and with one line for each further verdict and for each thing that is not known.
    """

    report: Report
    cells: Cells
    width: int
    is_brief: bool = False

    def all(self) -> Iterator[RenderableType]:
        worst, *others = self.report.verdicts
        yield self._verdict(worst)
        for other in others:
            yield self._in_full(self._verdict(other))
        yield from self._header()
        whole_job = WholeJob(self.report, self.cells).table(in_two_columns=self.width >= TWO_COLUMNS)
        for part in (whole_job, self._models()):
            yield from self._gap()
            yield part
        yield from self._gap()
        yield from self._dead_letters()
        yield from self._titled("sinks", self._sinks())
        for title, lines in (("the job says", self._said()), ("not known", self._missing())):
            yield from map(self._in_full, self._titled(title, lines))

    @property
    def _most_lines(self) -> int:
        return 1 if self.is_brief else MOST_LINES

    def _gap(self) -> list[Text]:
        return [] if self.is_brief else [Text()]

    def _in_full(self, line: Text) -> Text:
        """To the end, where there is room: it says why, and what to do."""
        line.no_wrap, line.overflow = (True, self.cells.overflow) if self.is_brief else (False, None)
        return line

    def _verdict(self, verdict: Verdict) -> Text:
        word = verdict.health.name
        rule = f" [{verdict.rule}]" if verdict.rule else ""
        words = verdict.words.removeprefix(word.lower()).strip()
        return Text.assemble((word + rule, _STYLES[verdict.health]), self.cells.printable(f" {words}" if words else ""))

    def _header(self) -> Iterator[Text]:
        job, now = self.report.job, self.report.figures.at
        yield Text(self.cells.printable("  ".join([job.name, job.identifier, job.place])))
        since = f" (since {show_time(job.since, now)})" if job.since else ""
        yield Text(self.cells.printable(f"{job.state}{since}; seen at {show_time(now, now)} UTC"))
        if job.link and not self.is_brief:
            yield Text(self.cells.printable(job.link), ASIDE)

    def _models(self) -> Table:
        shown = self._of_a_model()
        table = self._table("model", *shown)
        names = self._model_names()
        for name in names[:MOST_MODELS]:
            readings = [self.cells.reading(figure, name) for figure, _ in shown.values()]
            pairs = zip(readings, shown.values(), strict=True)
            values = [UNKNOWN if each is None else show(each.value) for each, (_, show) in pairs]
            age = self.cells.age(each for each in readings if each is not None)
            table.add_row(Text(self.cells.printable(name)), *values, age)
        if not names:
            table.add_row(UNKNOWN)
        if names[MOST_MODELS:]:
            table.add_row(f"and {len(names) - MOST_MODELS} more")
        return table

    def _of_a_model(self) -> Mapping[str, tuple[Figure, Callable[[float], str]]]:
        """What is shown of each model: its heads, figures, and how they are written."""
        shown: dict[str, tuple[Figure, Callable[[float], str]]] = {
            "predictions": (figures.PREDICTION_RATE, show_rate),
            "call p50": (figures.MODEL_P50, partial(self.cells.bound, figures.MODEL_P50)),
            "call p99": (figures.MODEL_P99, partial(self.cells.bound, figures.MODEL_P99)),
            "time": (figures.MODEL_SHARE, lambda share: show_share(min(1.0, share))),  # batches that overlap take more
            "refused": (figures.GENERATIONS_REFUSED, show_count),
        }
        narrow = ("predictions", "call p99")
        return shown if self.width >= TWO_COLUMNS else {name: shown[name] for name in narrow}

    def _model_names(self) -> list[str]:
        known = self.report.figures
        counted = {*known.of(figures.PREDICTION_RATE), *known.of(figures.MODEL_P99)}
        return [*self.report.job.models, *sorted(counted - {*self.report.job.models})]

    def _dead_letters(self) -> Iterator[RenderableType]:
        totals = {stage_of(label): total for label, total in (self.report.dead_letters or {}).items()}
        rates = {stage_of(label): each for label, each in self.report.figures.of(figures.DEAD_LETTER_RATE).items()}
        counted = [
            stage for stage in {**totals, **rates} if totals.get(stage) or (stage in rates and rates[stage].value)
        ]
        if counted:
            table = self._table("dead letters", "rate", "total")
            for stage in sorted(counted):
                rate = rates.get(stage)
                values = show_rate(rate.value if rate else None), show_count(totals.get(stage))
                table.add_row(Text(self.cells.printable(stage)), *values, self.cells.age([rate] if rate else []))
            yield table
        else:
            is_known = self.report.dead_letters is not None or rates
            others = " counted; the latest of a day in their table:" if self.report.reasons else ""
            yield Text("dead letters", _TITLE).append(f"  none{others}" if is_known else f"  {UNKNOWN}", "not bold")
        for reason in self.report.reasons[: self._most_lines]:
            time = show_time(reason.at, self.report.figures.at)
            yield self.cells.line(f"  {time} {reason.stage}: {reason.error_class}: {reason.message}")

    def _sinks(self) -> Iterator[str]:
        retries = self.report.figures.of(figures.SINK_RETRIES)
        refusals = self.report.figures.of(figures.SINK_REFUSALS)
        for sink in sorted({*retries, *refusals}):
            counts = (retries.get(sink), "requests sent again"), (refusals.get(sink), "rows or messages refused")
            said = [f"{show_count(each.value)} {words}" for each, words in counts if each and each.value]
            if said:
                yield f"{sink.replace('_', ' ')}: {', '.join(said)} in {MINUTES}"

    def _said(self) -> Iterator[str]:
        for said in self.report.said[: self._most_lines]:
            kind = "error" if said.is_error else "warning"
            line = f"{show_time(said.at, self.report.figures.at)} {kind}: {said.text}"
            yield line if len(line) <= MOST_SAID else f"{line[:MOST_SAID]}..."

    def _missing(self) -> Iterator[str]:
        for missing in self.report.missing:
            since = f" since {show_time(missing.since, self.report.figures.at)}" if missing.since else ""
            yield f"{missing.source}: no data{since}: {missing.words}"
        told = " ".join(missing.words for missing in self.report.missing)
        yield from dict.fromkeys(why for why in self.report.figures.unavailable.values() if why not in told)

    def _titled(self, title: str, lines: Iterable[str]) -> Iterator[Text]:
        """The lines under their title; nothing where there are none."""
        for position, line in enumerate(lines):
            if not position:
                yield Text(title, _TITLE)
            yield self.cells.line(f"  {line}")

    def _table(self, *names: str) -> Table:
        """A first column of names, columns of numbers, and one without a head for their age."""
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style=_TITLE)
        table.add_column(
            names[0], no_wrap=True, min_width=14 if self.width >= TWO_COLUMNS else None, overflow=self.cells.overflow
        )
        for name in names[1:]:
            table.add_column(name, justify="right", no_wrap=True)
        table.add_column("", style=ASIDE, no_wrap=True)
        return table
