"""The figures of the whole job as a part of the screen."""

from __future__ import annotations

from dataclasses import dataclass

from rich.table import Table
from rich.text import Text

from streaming.monitoring import figures
from streaming.monitoring.amounts import show_byte_rate, show_count, show_rate, show_seconds
from streaming.monitoring.cells import ASIDE, Cells
from streaming.monitoring.report import Report


@dataclass(frozen=True)
class WholeJob:
    """What comes in, what waits, who works, and how long it takes."""

    report: Report
    cells: Cells

    def table(self, *, in_two_columns: bool) -> Table:
        """Names and values: what flows on the left, or above, and what takes time on the right, or below."""
        left, right = self._flow(), self._times()
        grid = Table.grid(padding=(0, 2, 0, 0))
        for _ in range(4):
            grid.add_column(no_wrap=True)
        if not in_two_columns:
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
