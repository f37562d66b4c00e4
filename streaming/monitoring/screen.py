"""A look at a job as one screen of 80 columns and some thirty rows; narrower, wider and without a terminal, too."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from streaming.monitoring import figures
from streaming.monitoring.amounts import (
    UNKNOWN,
    show_byte_rate,
    show_count,
    show_rate,
    show_seconds,
    show_share,
    show_time,
)
from streaming.monitoring.cells import ASIDE, Cells
from streaming.monitoring.figures import Figure
from streaming.monitoring.limits import MINUTES
from streaming.monitoring.report import Report
from streaming.monitoring.stages import stage_of
from streaming.monitoring.verdict import Health, Verdict

TWO_COLUMNS = 78
"""From this width on the figures of the whole job stand in two columns, and of each model all are shown."""

MOST_MODELS = 8
MOST_LINES = 3
"""Models, and of the reasons of dead letters and of what the job has said, that are shown."""

_STYLES = {Health.HEALTHY: "bold green", Health.UNHEALTHY: "bold red", Health.UNKNOWN: "bold yellow"}
_TITLE = "bold"


def render(report: Report) -> RenderableType:
    """The report for a `rich` console: without colours and signs where that has none."""
    return _Screen(report)


@dataclass(frozen=True)
class _Screen:
    report: Report

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        cells = Cells(self.report.figures, options.ascii_only)
        yield from _Sections(self.report, cells, options.max_width).all()


@dataclass(frozen=True)
class _Sections:
    """The screen's parts, from top to bottom."""

    report: Report
    cells: Cells
    width: int

    def all(self) -> Iterator[RenderableType]:
        worst, *others = self.report.verdicts
        yield self._verdict(worst)
        for other in others:
            further = self._verdict(other)
            further.no_wrap, further.overflow = True, self.cells.overflow
            yield further
        yield from self._header()
        yield Text()
        yield self._whole_job()
        yield Text()
        yield self._models()
        yield Text()
        yield from self._dead_letters()
        yield from self._titled("sinks", self._sinks())
        yield from self._titled("the job says", self._said())
        for line in self._titled("not known", self._missing()):
            line.no_wrap, line.overflow = False, None  # it says what to do, to the end
            yield line

    def _verdict(self, verdict: Verdict) -> Text:
        word = verdict.health.name
        rule = f" [{verdict.rule}]" if verdict.rule else ""
        words = "" if verdict.words == word.lower() else f" {verdict.words}"
        return Text.assemble((word + rule, _STYLES[verdict.health]), self.cells.printable(words))

    def _header(self) -> Iterator[Text]:
        job, now = self.report.job, self.report.figures.at
        yield Text(self.cells.printable("  ".join([job.name, job.identifier, job.place])))
        since = f" (since {show_time(job.since, now)})" if job.since else ""
        yield Text(self.cells.printable(f"{job.state}{since}; seen at {show_time(now, now)} UTC"))
        if job.link:
            yield Text(self.cells.printable(job.link), ASIDE)

    def _whole_job(self) -> Table:
        left, right = self._flow(), self._times()
        grid = Table.grid(padding=(0, 2, 0, 0))
        for _ in range(4):
            grid.add_column(no_wrap=True)
        if self.width < TWO_COLUMNS:
            left, right = [*left, *right], []
        right += [("", Text())] * (len(left) - len(right))
        for (name, value), (other_name, other) in zip(left, right, strict=True):
            grid.add_row(Text(name, ASIDE), value, Text(other_name, ASIDE), other)
        return grid

    def _flow(self) -> list[tuple[str, Text]]:
        """What comes in, what waits, and who works."""
        value = self.cells.value
        return [
            ("input", value(figures.INPUT_RATE, self._input)),
            ("backlog", value(figures.BACKLOG, self._backlog)),
            ("oldest wait", value(figures.OLDEST_UNACKED, show_seconds)),
            ("watermark", value(figures.FRESHNESS, lambda seconds: f"{show_seconds(seconds)} behind")),
            ("workers", self._workers()),
        ]

    def _times(self) -> list[tuple[str, Text]]:
        """How long it takes, and the batches."""
        return [
            ("latency p50", self.cells.quantile(figures.LATENCY_P50)),
            ("latency p99", self.cells.quantile(figures.LATENCY_P99)),
            ("queue p99", self.cells.quantile(figures.QUEUE_P99)),
            ("batch size", self.cells.value(figures.BATCH_SIZE, show_count)),
        ]

    def _input(self, rate: float) -> str:
        byte_rate = self.report.figures.value(figures.BYTE_RATE)
        return show_rate(rate) + (f", {show_byte_rate(byte_rate)}" if byte_rate is not None else "")

    def _backlog(self, backlog: float) -> str:
        growth = self.report.figures.value(figures.BACKLOG_GROWTH)
        return show_count(backlog) + (f" {self.cells.trend(growth)}" if growth is not None else "")

    def _workers(self) -> Text:
        workers = Text(show_count(self.report.workers))
        if not self.report.figures.of(figures.VCPUS):
            return workers
        return workers.append(", ").append_text(
            self.cells.value(figures.VCPUS, lambda count: f"{show_count(count)} vCPUs")
        )

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
            yield Text("dead letters", _TITLE).append("  none" if is_known else f"  {UNKNOWN}", "not bold")
        for reason in self.report.reasons[:MOST_LINES]:
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
        for said in self.report.said[:MOST_LINES]:
            kind = "error" if said.is_error else "warning"
            yield f"{show_time(said.at, self.report.figures.at)} {kind}: {said.text}"

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
