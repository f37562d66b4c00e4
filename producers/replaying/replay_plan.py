"""What is to be replayed, from where to where: the command's flags, checked together."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import TypeAdapter, ValidationError

from producers.replaying.letters import EVERYTHING, Selection
from streaming import parameter_forms
from streaming.bigquery.table_ids import TableId, parse_table_id
from streaming.durations import parse_duration
from streaming.errors import Mistakes
from streaming.formats.rfc3339 import parse

_STAGES = ("decode", "event_time", "to_example", "write_table", "publish", "generation")
_INFER = "infer:"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class ReplayPlan:
    """A replay.

    Attributes:
        topic: `projects/P/topics/T`, where the messages go.
        table: the dead-letter table; or
        subscription: `projects/P/subscriptions/S`, of the dead-letter topic.
        selection: which letters.
        output_table: the predictions; what it answers by now is left out.
        job_file: of the job that wrote them, if it names a `message.id`.
        limit: the most messages.
        rate: the most messages a second.
        dry_run: nothing is published, and nothing acknowledged.
    """

    topic: str
    table: TableId | None = None
    subscription: str | None = None
    selection: Selection = EVERYTHING
    output_table: TableId | None = None
    job_file: str | None = None
    limit: int | None = None
    rate: float | None = None
    dry_run: bool = False


@dataclass(frozen=True)
class ReplayFlags:
    """The command's flags as they were written; numbers are checked by the parser."""

    topic: str
    table: str | None = None
    subscription: str | None = None
    stages: Sequence[str] = ()
    error_classes: Sequence[str] = ()
    model: str | None = None
    since: str | None = None
    until: str | None = None
    output_table: str | None = None
    job_file: str | None = None
    limit: int | None = None
    rate: float | None = None
    dry_run: bool = False


def to_plan(flags: ReplayFlags, now: datetime) -> ReplayPlan:
    """The plan that the flags make.

    Args:
        flags: of the command.
        now: what durations are counted back from; with a time zone.

    Raises:
        Mistakes: all that is wrong with them.
    """
    mistakes = list(_mistakes(flags, now))
    if mistakes:
        raise Mistakes(mistakes)
    return ReplayPlan(
        topic=flags.topic,
        table=parse_table_id(flags.table) if flags.table else None,
        subscription=flags.subscription,
        selection=_selection(flags, now),
        output_table=parse_table_id(flags.output_table) if flags.output_table else None,
        job_file=flags.job_file,
        limit=flags.limit,
        rate=flags.rate,
        dry_run=flags.dry_run,
    )


def _selection(flags: ReplayFlags, now: datetime) -> Selection:
    since = _moment(flags.since, now) if flags.since else None
    until = _moment(flags.until, now) if flags.until else None
    return Selection(tuple(flags.stages), tuple(flags.error_classes), flags.model, since, until)


def _mistakes(flags: ReplayFlags, now: datetime) -> Iterator[str]:
    if (flags.table is None) == (flags.subscription is None):
        yield "--table, --subscription: give one of them; the dead letters come from there"
    if not _fits(parameter_forms.Topic, flags.topic):
        yield f"--topic: {flags.topic!r} is not of the form projects/PROJECT/topics/TOPIC"
    if flags.subscription is not None and not _fits(parameter_forms.Subscription, flags.subscription):
        yield f"--subscription: {flags.subscription!r} is not of the form projects/PROJECT/subscriptions/SUBSCRIPTION"
    for flag, table in (("--table", flags.table), ("--output-table", flags.output_table)):
        if table is not None and not _fits(parameter_forms.Table, table):
            yield f"{flag}: {table!r} is not a table; write PROJECT.DATASET.TABLE"
    if flags.table and flags.output_table and flags.table.replace(":", ".") == flags.output_table.replace(":", "."):
        yield "--output-table: is the --table; give the table of predictions"
    if flags.job_file and not flags.output_table:
        yield "--job-file: tells how to look into the --output-table; give that, too"
    for stage in flags.stages:
        yield from _wrong_stage(stage)
    yield from _wrong_times(flags, now)


def _wrong_stage(stage: str) -> Iterator[str]:
    if stage in _STAGES or (stage.startswith(_INFER) and stage != _INFER):
        return
    stages = [*_STAGES, f"{_INFER}MODEL"]
    near = difflib.get_close_matches(stage, stages, n=1)
    remedy = f"did you mean {near[0]}?" if near else f"there are {', '.join(stages)}"
    yield f"--stage: no stage {stage!r}; {remedy}"


def _wrong_times(flags: ReplayFlags, now: datetime) -> Iterator[str]:
    moments = []
    for flag, text in (("--since", flags.since), ("--until", flags.until)):
        if text is None:
            continue
        try:
            moments.append(_moment(text, now))
        except ValueError:
            yield f"{flag}: {text!r} is neither a time, as 2026-01-01T00:00:00Z, nor a time ago, as 1h"
    if len(moments) == 2 and moments[0] >= moments[1]:
        yield f"--until: {flags.until} is not after --since {flags.since}; nothing lies between"


def _moment(text: str, now: datetime) -> datetime:
    """The time that `text` names, or the one so long ago.

    Raises:
        ValueError: it names neither, or one that no calendar has.
    """
    microseconds = parse(text)
    try:
        return now - parse_duration(text) if microseconds is None else _EPOCH + timedelta(microseconds=microseconds)
    except OverflowError as error:
        raise ValueError(f"{text!r} is out of reach") from error


def _fits(form: Any, text: str) -> bool:
    try:
        TypeAdapter(form).validate_python(text)
    except ValidationError:
        return False
    return True
