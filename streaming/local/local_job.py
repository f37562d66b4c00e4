"""A job on this machine as the screen shows it: what its workers have counted, its state, and what it has said."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from streaming import metrics
from streaming.local.history import History
from streaming.local.recent import read_recent
from streaming.local.totals import Totals
from streaming.monitoring import figures
from streaming.monitoring.amounts import show_seconds
from streaming.monitoring.figures import Figures
from streaming.monitoring.report import JobHeader, Missing, Report, Said
from streaming.monitoring.verdict import Health, Verdict, judge

SILENT = timedelta(seconds=10)
"""A worker reports every second; one that has not for so long is told of."""

UNANSWERED_FOR = timedelta(minutes=1)
"""So long messages in hand may be unanswered while no others come in: then nobody can tell what becomes of them."""

MOST_SAID = 10

STARTING, RUNNING, STOPPING = "starting", "running", "stopping"
IDLE = "running, no messages are coming in"
UNANSWERED = "running, messages in hand are not answered yet"
"""The states of a job."""


_READS_STORED = Verdict(Health.HEALTHY, "healthy: it reads stored data, which has no flow that could be judged")


class LocalJob:
    """The job of this process.

    Args:
        name: the job file.
        models: their names.
        started: when it was.
        ends: whether it is done some time: of stored data nobody waits for the next message.

    Attributes:
        totals: what its workers have counted; other threads may read it.
    """

    def __init__(self, name: str, models: Sequence[str], started: datetime, *, ends: bool = False) -> None:
        self.totals = Totals(_names(models))
        self._name = name
        self._models = tuple(models)
        self._ends = ends
        self._history = History(started)
        self._said: deque[Said] = deque(maxlen=MOST_SAID)
        self._state, self._since = STARTING, started
        self._is_stopping = False

    def say(self, said: Said) -> None:
        """Keep a warning or an error of the job."""
        self._said.appendleft(said)

    def stop(self) -> None:
        """All workers are asked to stop: from now on nothing is waited for."""
        self._is_stopping = True

    def look(self, now: datetime) -> Report:
        """The job now. Rates need a look a second."""
        counted = self.totals.counted()
        self._history.add(now, counted)
        known = read_recent(self._history, now)
        self._note_state(known, now)
        silent = tuple(self._silent(now))
        return Report(
            self._header(),
            known,
            self._judged(known, silent),
            workers=len(self.totals.heard()),
            dead_letters=counted.beginning("dead_letters_"),
            reasons=self.totals.reasons(),
            said=tuple(self._said),
            missing=silent,
        )

    def _header(self) -> JobHeader:
        state, since, models = self._state, self._since, self._models
        return JobHeader(self._name, str(os.getpid()), "this machine", state, since, models=models)

    def _judged(self, known: Figures, silent: Sequence[Missing]) -> tuple[Verdict, ...]:
        """The rules' verdicts; but what no worker tells of is not healthy for want of figures."""
        verdicts = judge(known)
        if self._ends and verdicts[0].health is not Health.UNHEALTHY:
            verdicts = (_READS_STORED,)
        doubt = self._doubt(known.at, silent)
        if doubt and verdicts[0].health is Health.HEALTHY:
            return (Verdict(Health.UNKNOWN, f"cannot tell: {doubt}"),)
        return verdicts

    def _doubt(self, now: datetime, silent: Sequence[Missing]) -> str:
        if silent:
            return f"{silent[0].source} does not report"
        if self._state == STARTING:
            return "no worker runs; it is being started"
        if self._state == UNANSWERED and now - self._since > UNANSWERED_FOR:
            return f"messages in hand have not been answered for {show_seconds((now - self._since).total_seconds())}"
        return ""

    def _note_state(self, known: Figures, now: datetime) -> None:
        state = self._state_of(known)
        if state != self._state:
            self._state, self._since = state, now

    def _state_of(self, known: Figures) -> str:
        if self._is_stopping:
            return STOPPING
        if not self.totals.heard():
            return STARTING
        if known.value(figures.INPUT_RATE) != 0:
            return RUNNING
        return UNANSWERED if self.totals.in_hand() else IDLE

    def _silent(self, now: datetime) -> Iterator[Missing]:
        for worker, at in self.totals.heard().items():
            if now - at > SILENT:
                yield Missing(f"worker {worker}", "it runs and does not report; it may hang", at)


def _names(models: Sequence[str]) -> Iterator[str]:
    """All counters that a job with these models may have."""
    labels: Mapping[str | None, Sequence[str | None]] = {
        None: [None],
        "model": models,
        "stage": [*metrics.STAGES, *(f"infer:{model}" for model in models)],
        "sink": metrics.SINKS,
    }
    for metric in metrics.METRICS:
        for label in labels[metric.per]:
            yield from metric.counters(label)
