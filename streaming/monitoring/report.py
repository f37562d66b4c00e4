"""All that one look at a job gives: what a screen shows, and a script reads."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from streaming.monitoring.figures import Figures
from streaming.monitoring.verdict import Verdict


@dataclass(frozen=True)
class JobHeader:
    """Which job it is, and its state.

    Attributes:
        name: as it was launched; of a local job, its job file's.
        identifier: Dataflow's job id; of a local job, its process's number.
        place: `PROJECT, REGION`, or `this machine`.
        state: `running`, `draining`, ...
        since: when it came into that state.
        link: its page in the console; empty where there is none.
        models: their names, in the job's order; empty where they are not known.
    """

    name: str
    identifier: str
    place: str
    state: str
    since: datetime | None
    link: str = ""
    models: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reason:
    """One of the latest dead letters: why."""

    at: datetime
    stage: str
    error_class: str
    message: str


@dataclass(frozen=True)
class Said:
    """What the job has said of itself: a warning, or an error."""

    at: datetime
    is_error: bool
    text: str


@dataclass(frozen=True)
class Missing:
    """A source of figures that does not answer.

    Attributes:
        source: as in `Cloud Monitoring`.
        words: why, and what to do.
        since: when it last answered; None if it never has.
    """

    source: str
    words: str
    since: datetime | None = None


@dataclass(frozen=True)
class Report:
    """One look at a job.

    Attributes:
        verdicts: the worst first; there is one at least.
        workers: how many run; None where nobody knows.
        dead_letters: how many there were since the start, by stage.
        reasons: of the latest dead letters, the latest first.
        said: the latest warnings and errors, the latest first.
        missing: what is not known, and why.
    """

    job: JobHeader
    figures: Figures
    verdicts: tuple[Verdict, ...]
    workers: int | None = None
    dead_letters: dict[str, int] | None = None
    reasons: tuple[Reason, ...] = ()
    said: tuple[Said, ...] = ()
    missing: tuple[Missing, ...] = ()
