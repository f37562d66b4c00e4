"""A scenario's fleet publishes to a topic: everything is checked first, then sent, and the truth file tells of it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from producers.messages import Fault
from producers.publishing.sending import OnProgress, Totals, send
from producers.publishing.topics import Place, Wanted, check_place, create, find
from producers.scenario import Scenario, load_scenario, with_devices, with_rates, without_faults
from producers.scenario_fit import check_scenario
from producers.scenario_parts import DEVICES
from producers.synthesis.payloads import Encoding
from producers.synthesis.stream import Stream
from producers.target import Target, target_of
from producers.truth import Run, TruthWriter
from streaming.contract.findings import Findings
from streaming.durations import show_duration
from streaming.endpoints import publisher_client
from streaming.errors import Mistakes, PermanentError
from streaming.files import read_file
from streaming.job import load_job
from streaming.pubsub.publish_requests import Requests

RATES = (0.01, 100_000.0)
"""Lowest and highest messages a second."""

RETRY_SECONDS = 30.0
"""How long a request may fail for passing reasons; then nobody knows what came of its messages, and sending ends."""


@dataclass(frozen=True)
class PublishPlan:
    """What is to be published.

    Attributes:
        topic: `projects/P/topics/T`.
        scenario: path of the scenario file.
        job_file: path of the job file that is to read the messages; without it the scenario's.
        devices: how many; without it the scenario says.
        rate: messages a second.
        messages: how many in all; 0 for no end.
        duration: how long at that rate; without it as long as there are messages.
        seed: of everything random.
        start: the time on the fleet's clock at which it starts; without it now.
        encoding: of the payloads; without it the job's.
        create_topic: make the topic if there is none.
        create_schema: make it with the job's schema.
        ordering: give messages their device's name as ordering key.
        truth: where the truth file is written; without it none is.
        faults: rates, in place of the scenario's.
        no_faults: nothing goes wrong.
        retry_for: seconds for which a request is sent again that fails for passing reasons.
    """

    topic: str
    scenario: str
    job_file: str | None = None
    devices: int | None = None
    rate: float = 100.0
    messages: int = 0
    duration: timedelta | None = None
    seed: int = 1
    start: datetime | None = None
    encoding: Encoding | None = None
    create_topic: bool = False
    create_schema: bool = False
    ordering: bool = False
    truth: Path | None = None
    faults: Mapping[Fault, float] = field(default_factory=dict)
    no_faults: bool = False
    retry_for: float = RETRY_SECONDS

    def count(self) -> int | None:
        """How many messages are published; None for no end."""
        lasting = [max(1, round(self.duration.total_seconds() * self.rate))] if self.duration else []
        return min([*([self.messages] if self.messages else []), *lasting], default=None)


def publish(
    plan: PublishPlan, *, stop: threading.Event | None = None, on_progress: OnProgress = lambda _: None
) -> Totals:
    """Publish what the plan says.

    Args:
        plan: what is published.
        stop: ends it between two blocks of messages.
        on_progress: as `producers.publishing.sending.send` takes it.

    Raises:
        Mistakes: all that is wrong with the plan. Nothing has been written or made.
        PermanentError: Pub/Sub does not answer or does not allow it, from the start or half-way.
    """
    ready = _prepare(plan)
    create(ready.place, ready.wanted)
    with publisher_client() as client, TruthWriter(plan.truth, ready.run) if plan.truth else nullcontext() as truth:
        service = Requests(client, retry_for=plan.retry_for, timeout=RETRY_SECONDS)
        messages = ready.stream(plan.count())
        totals = send(messages, plan.topic, plan.rate, service, truth=truth, stop=stop, on_progress=on_progress)
    if totals.failed:
        known = f"{totals.published:,} messages are published, of {totals.unknown:,} it is unknown"
        told = f"; {plan.truth} tells which" if plan.truth else ""
        raise PermanentError(f"{totals.ending}; {known}{told}")
    return totals


@dataclass(frozen=True)
class _Ready:
    """A plan that has been checked."""

    place: Place
    wanted: Wanted
    run: Run
    stream: Stream


def _prepare(plan: PublishPlan) -> _Ready:
    findings = Findings()
    fleet = findings.tried(lambda: _fleet(plan))
    for line in (*_flag_mistakes(plan), *(_start_mistakes(plan.start, fleet) if fleet and plan.start else ())):
        findings.add("", line)
    try:
        place = findings.tried(lambda: find(plan.topic))
    except PermanentError as error:
        if not findings.lines:
            raise
        raise Mistakes([*findings.lines, str(error)]) from error
    for line in check_place(place, fleet.wanted) if fleet and place else ():
        findings.add("", line)
    if findings.lines or fleet is None or place is None:
        raise Mistakes(findings.lines)
    start = plan.start or datetime.now(UTC)
    return _Ready(place, fleet.wanted, _run(plan, fleet, start), _stream(plan, fleet, start))


@dataclass(frozen=True)
class _Fleet:
    """Who publishes, and for which job."""

    scenario: Scenario
    target: Target
    wanted: Wanted


def _fleet(plan: PublishPlan) -> _Fleet:
    scenario = _scenario(plan)
    target = target_of(load_job(scenario.job_path))
    check_scenario(scenario, plan.scenario, target)
    message = target.message
    definition = read_file(message.schema_path, "message.schema").decode()
    encoding = plan.encoding or message.format
    wanted = Wanted(encoding, message.format, definition, plan.create_topic, plan.create_schema)
    return _Fleet(scenario, target, wanted)


def _scenario(plan: PublishPlan) -> Scenario:
    """The scenario file, with what the plan says instead; without what no scenario can have."""
    scenario = load_scenario(plan.scenario)
    if plan.job_file:
        scenario = scenario.model_copy(update={"job_path": plan.job_file})
    if plan.devices is not None and 0 < plan.devices <= DEVICES:
        scenario = with_devices(scenario, plan.devices)
    if plan.no_faults:
        scenario = without_faults(scenario)
    return with_rates(scenario, {fault: rate for fault, rate in plan.faults.items() if _is_share(rate)})


def _stream(plan: PublishPlan, fleet: _Fleet, start: datetime) -> Stream:
    return Stream(
        fleet.scenario,
        fleet.target,
        seed=plan.seed,
        rate=plan.rate,
        start=start,
        encoding=fleet.wanted.encoding,
        ordering=plan.ordering,
    )


def _run(plan: PublishPlan, fleet: _Fleet, start: datetime) -> Run:
    return Run(
        topic=plan.topic,
        scenario=plan.scenario,
        job_file=fleet.scenario.job_path,
        job_hash=fleet.target.job_hash,
        seed=plan.seed,
        rate=plan.rate,
        devices=fleet.scenario.fleet.devices,
        encoding=fleet.wanted.encoding,
        started_at=start,
        schema=json.loads(fleet.wanted.definition),
        quality=fleet.scenario.quality,
    )


def _flag_mistakes(plan: PublishPlan) -> Iterator[str]:
    """What is wrong with the plan whatever the files say."""
    lowest, highest = RATES
    if not lowest <= plan.rate <= highest:
        yield f"--rate: {plan.rate:g} messages a second; write {lowest:g} to {highest:,.0f}"
    if plan.devices is not None and not 0 < plan.devices <= DEVICES:
        yield f"--devices: {plan.devices}; write 1 to {DEVICES:,}"
    if plan.messages < 0:
        yield f"--messages: {plan.messages}; write how many, or 0 for no end"
    if plan.seed < 0:
        yield f"--seed: {plan.seed}; write 0 or more"
    if plan.no_faults and plan.faults:
        yield "--no-faults: goes with no --fault; keep one of them"
    for fault, rate in plan.faults.items():
        if not _is_share(rate):
            yield f"--fault: {fault.value}={rate:g}; a rate is a share of all messages, from 0 to 1"
    if plan.truth is not None and plan.truth.exists():
        yield f"--truth: {plan.truth} exists; name another file, or remove it"
    elif plan.truth is not None and not plan.truth.absolute().parent.is_dir():
        yield f"--truth: no directory {plan.truth.parent}; make it, or name another"


def _is_share(rate: float) -> bool:
    return 0 <= rate <= 1


def _start_mistakes(start: datetime, fleet: _Fleet) -> Iterator[str]:
    """Why a fleet cannot live at this time; or the job could take no message of it."""
    event_time = fleet.target.message.event_time
    if start.tzinfo is None:
        yield f"--start: {start.isoformat()} has no time zone; write {start.isoformat()}Z"
    elif (event_time.field or event_time.attribute) is None:
        return
    elif (age := datetime.now(UTC) - start) > event_time.max_past:
        yield _too_far(start, f"max_past {show_duration(event_time.max_past)} before", "later")
    elif -age > event_time.max_future:
        yield _too_far(start, f"max_future {show_duration(event_time.max_future)} after", "earlier")


def _too_far(start: datetime, limit: str, remedy: str) -> str:
    return f"--start: {start.isoformat()} is more than the job's {limit} the publish time; write a {remedy} one"
