"""The command `pubsub-inference publish`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streaming.errors import Mistakes

if TYPE_CHECKING:
    from producers.messages import Fault
    from producers.publishing.sending import Totals

EPILOG = (
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
    topic: Annotated[str, typer.Option(help="projects/P/topics/T, published to.")],
    scenario: Annotated[str, typer.Option(help="The scenario file: devices, signals, faults; local or gs://.")],
    job_file: Annotated[str | None, typer.Option(help="The job that reads them; default the scenario's.")] = None,
    devices: Annotated[int | None, typer.Option(help="How many devices; default the scenario's.")] = None,
    rate: Annotated[float, typer.Option(help="Messages a second, of all devices.")] = 100.0,
    messages: Annotated[int, typer.Option(help="How many in all; 0 for no end.")] = 0,
    duration: Annotated[str | None, typer.Option(help="How long at that rate, as in 60s; default no end.")] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same messages.")] = 1,
    start: Annotated[str | None, typer.Option(help="The fleet's time at the start, RFC 3339; default now.")] = None,
    encoding: Annotated[EncodingName | None, typer.Option(help="Of the payloads; default the job's.")] = None,
    create_topic: Annotated[bool, typer.Option("--create-topic", help="Make the topic if there is none.")] = False,
    create_schema: Annotated[bool, typer.Option("--create-schema", help="Make it with the job's schema.")] = False,
    ordering: Annotated[bool, typer.Option("--ordering", help="Ordering keys: the devices' names.")] = False,
    truth: Annotated[Path | None, typer.Option(help="The truth file; default truth-<UTC start>.ndjson here.")] = None,
    fault: Annotated[list[str] | None, typer.Option(metavar="NAME=RATE", help="Another rate; repeatable.")] = None,
    no_faults: Annotated[bool, typer.Option("--no-faults", help="Nothing goes wrong.")] = False,
    _debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
) -> None:
    """Publish what a fleet of devices measures, and write down what must come of each message.

    It ends after --messages or --duration, or with Ctrl-C.
    """
    mistakes: list[str] = []
    lasting = _duration(duration, mistakes)
    started = _start(start, mistakes)
    rates = _rates(fault or (), mistakes)
    if mistakes:
        raise Mistakes(mistakes)
    from producers.publishing.interruption import stop_on_signal
    from producers.publishing.progress import PublishProgress
    from producers.publishing.publish import PublishPlan
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
    with PublishProgress(plan.count()) as progress, stop_on_signal(progress.say) as stop:
        totals = publish_plan(plan, stop=stop, on_progress=progress.update)
    if totals.seconds >= LONG_ENOUGH and totals.rate < ENOUGH * rate:
        progress.say(_too_slow(totals.rate, rate))
    typer.echo(_summary(totals, plan.truth))


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
    if micros is None:
        mistakes.append(f"--start: {text!r} is not a time; write one such as 2026-01-31T12:00:00Z")
        return None
    return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=micros)


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


def _summary(totals: Totals, truth: Path | None) -> str:
    from producers.publishing.progress import show_rate

    counts = [f"{totals.published:,} messages published in {totals.seconds:,.1f} s ({show_rate(totals.rate)})"]
    counts += [f"{totals.refused:,} refused"] if totals.refused else []
    return f"{totals.ending}: {', '.join(counts)}; truth: {truth}"
