"""The command `pubsub-inference publish`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streaming.command_options import Debug
from streaming.errors import JobError, Mistakes

if TYPE_CHECKING:
    from producers.messages import Fault
    from producers.publishing.plan import PublishPlan
    from producers.publishing.sending import Totals

FAULTS = (
    "late, out_of_order, clock_skew, duplicated, truncated, wrong_schema, schema_change, missing_key, "
    "out_of_range_event_time, poison"
)
"""As `producers.messages.Fault` has them, which costs time to import."""

EPILOG = (
    f"Faults: {FAULTS}. late, out_of_order, clock_skew, schema_change and poison must be described in the scenario.\n\n"
    "Example: pubsub-inference publish --topic projects/P/topics/readings "
    "--scenario examples/multiply/scenario.yaml --rate 1000 --duration 60s --truth truth.ndjson"
)

ENOUGH = 0.95
"""A rate below this share of what was asked is worth a warning."""

LONG_ENOUGH = 2.0
"""Seconds; in less, one slow answer says nothing of the rate."""


class EncodingName(StrEnum):
    """How payloads are encoded."""

    avro = "avro"
    avro_json = "avro_json"
    json = "json"


def publish(
    topic: Annotated[str, typer.Option(metavar="NAME", help="The topic, as projects/P/topics/T.")],
    scenario: Annotated[
        str, typer.Option(metavar="FILE", help="What the devices measure and what goes wrong; local or gs://.")
    ],
    job_file: Annotated[
        str | None, typer.Option(metavar="FILE", help="The job that reads the messages; by default the scenario's.")
    ] = None,
    devices: Annotated[
        int | None, typer.Option(metavar="COUNT", help="How many devices, 1 to 100,000; by default the scenario's.")
    ] = None,
    rate: Annotated[
        float, typer.Option(metavar="RATE", help="Messages a second, of all devices together, 0.01 to 100,000.")
    ] = 100.0,
    messages: Annotated[int, typer.Option(metavar="COUNT", help="How many messages in all; 0 for no end.")] = 0,
    duration: Annotated[
        str | None, typer.Option(metavar="TIME", help="How long, as in 500ms, 60s or 2h; by default without end.")
    ] = None,
    seed: Annotated[
        int, typer.Option(metavar="NUMBER", help="The same seed gives the same messages; 0 to 2^63 - 1.")
    ] = 1,
    start: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="When the fleet starts, as in 2026-01-31T12:00:00Z; by default now."),
    ] = None,
    encoding: Annotated[
        EncodingName | None,
        typer.Option(metavar="NAME", help="Of the payloads: avro, avro_json or json; by default the job's."),
    ] = None,
    create_topic: Annotated[
        bool, typer.Option("--create-topic", help="Make the topic, without a schema, if there is none.")
    ] = False,
    create_schema: Annotated[
        bool,
        typer.Option("--create-schema", help="Make it with the job's schema as the topic's; implies --create-topic."),
    ] = False,
    ordering: Annotated[
        bool, typer.Option("--ordering", help="Give each message its device's name as ordering key.")
    ] = False,
    truth: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A new file for the truth; by default truth-<UTC start>.ndjson, here."),
    ] = None,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=RATE",
            help="Another share of messages for a fault, 0 to 1, as in late=0.05; may be repeated. "
            "The faults are listed below.",
        ),
    ] = None,
    no_faults: Annotated[
        bool, typer.Option("--no-faults", help="None of the scenario's faults; only those of --fault, if any.")
    ] = False,
    _debug: Debug = False,
) -> None:
    """Publish what a fleet of devices measures, and write down what must come of each message.

    It ends after --messages or --duration, whichever comes first, or with Ctrl-C.
    """
    mistakes: list[str] = []
    lasting = _duration(duration, mistakes)
    started = _start(start, mistakes)
    rates = _rates(fault or (), mistakes)
    from producers.interruption import stop_on_signal
    from producers.publishing.plan import PublishPlan
    from producers.publishing.progress import PublishProgress
    from producers.publishing.publish import publish as publish_plan

    plan = PublishPlan(
        topic=topic,
        scenario=scenario,
        job_file=job_file,
        devices=devices,
        rate=rate,
        messages=messages,
        duration=lasting,
        seed=seed,
        start=started,
        encoding=encoding.value if encoding else None,
        create_topic=create_topic,
        create_schema=create_schema,
        ordering=ordering,
        truth=truth or Path(f"truth-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.ndjson"),
        faults=rates,
        no_faults=no_faults,
    )
    if mistakes:
        raise Mistakes([*mistakes, *_also_wrong(plan)])
    with PublishProgress(plan.count()) as progress, stop_on_signal(progress.say) as stop:
        totals = publish_plan(plan, stop=stop, on_progress=progress.update)
    if totals.seconds >= LONG_ENOUGH and totals.rate < ENOUGH * rate:
        progress.say(_too_slow(totals.rate, rate))
    typer.echo(summary(totals, plan.truth))


def _also_wrong(plan: PublishPlan) -> list[str]:
    """What else is wrong, beside what cannot be read."""
    from producers.publishing.ready import prepare

    try:
        prepare(plan)
    except JobError as error:
        return str(error).splitlines()
    return []


def _duration(text: str | None, mistakes: list[str]) -> timedelta | None:
    from streaming.durations import parse_duration

    if text is None:
        return None
    try:
        return parse_duration(text)
    except ValueError as error:
        mistakes.append(f"--duration: {error}")
        return None


def _start(text: str | None, mistakes: list[str]) -> datetime | None:
    from streaming.formats.rfc3339 import parse

    if text is None:
        return None
    micros = parse(text)
    try:
        if micros is not None:
            return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=micros)
    except OverflowError:  # it is a time in its own zone, and in UTC before the first year or after the last
        pass
    mistakes.append(f"--start: {text!r} is not a time; write one such as 2026-01-31T12:00:00Z")
    return None


def _rates(texts: Sequence[str], mistakes: list[str]) -> Mapping[Fault, float]:
    """The faults and rates of texts such as `late=0.1`."""
    from producers.messages import Fault

    known = {fault.value: fault for fault in Fault}
    rates: dict[Fault, float] = {}
    for text in texts:
        name, _, rate = text.partition("=")
        fault = known.get(name.strip().replace("-", "_"))
        try:
            value = float(rate)
        except ValueError:
            mistakes.append(f"--fault: {text!r} is not a fault and its rate; write one such as late=0.01")
            continue
        if fault is None:
            mistakes.append(f"--fault: there is no {name}; write one of {', '.join(known)}")
        else:
            rates[fault] = value
    return rates


def _too_slow(achieved: float, asked: float) -> str:
    from producers.publishing.progress import show_rate

    return (
        f"warning: {show_rate(achieved)} instead of the {show_rate(asked)} that was asked: "
        "Pub/Sub or this machine cannot keep up; ask for less"
    )


def summary(totals: Totals, truth: Path | None) -> str:
    """The last line: how it ended, what came of the messages, and where the truth is."""
    from producers.publishing.progress import show_rate

    published = "1 message" if totals.published == 1 else f"{totals.published:,} messages"
    counts = [f"{published} published in {totals.seconds:,.1f} s ({show_rate(totals.rate)})"]
    counts += [_refused(totals)] if totals.refused else []
    return f"{totals.ending}: {', '.join(counts)}; truth: {truth}"


def _refused(totals: Totals) -> str:
    """How many were refused and why; a topic's schema refuses what a fault has spoilt."""
    planted = "all" if totals.planted == totals.refused else f"{totals.planted:,}"
    return f"{totals.refused:,} refused ({totals.reason}; {planted} of them for a planted fault)"
