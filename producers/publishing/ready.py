"""A plan is checked against its files and its topic; every mistake is found before anything is made."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from producers.publishing.plan import PublishPlan, is_fleet, is_share, plan_mistakes
from producers.publishing.topics import Place, Wanted, check_place, find
from producers.scenario import Scenario, load_scenario, with_devices, with_rates
from producers.scenario_fit import check_scenario
from producers.synthesis.stream import Stream
from producers.target import Target, target_of
from producers.truth import Run
from streaming.contract.findings import Findings
from streaming.durations import show_duration
from streaming.errors import Mistakes, PermanentError
from streaming.files import read_file
from streaming.job import load_job


@dataclass(frozen=True)
class Ready:
    """A plan that has been checked.

    Attributes:
        place: where is published.
        wanted: what must be there.
        run: how is published, for the truth file.
        stream: the messages.
    """

    place: Place
    wanted: Wanted
    run: Run
    stream: Stream


def prepare(plan: PublishPlan) -> Ready:
    """Check everything, and make nothing.

    Raises:
        Mistakes: all that is wrong with the plan; and that Pub/Sub does not answer, if something is.
        PermanentError: Pub/Sub does not answer, or there are no credentials.
    """
    found = Findings()
    fleet = _fleet(found, plan)
    for line in (*plan_mistakes(plan), *(_start_mistakes(plan.start, fleet.target) if fleet and plan.start else ())):
        found.add("", line)
    place = _place(found, plan.topic)
    for line in check_place(place, fleet.wanted) if fleet and place else ():
        found.add("", line)
    if found.lines or fleet is None or place is None:
        raise Mistakes(found.lines)
    start = plan.start or datetime.now(UTC)
    return Ready(place, fleet.wanted, _run(plan, fleet, start), _stream(plan, fleet, start))


@dataclass(frozen=True)
class _Fleet:
    """Who publishes, and for which job."""

    scenario: Scenario
    target: Target
    wanted: Wanted


def _fleet(found: Findings, plan: PublishPlan) -> _Fleet | None:
    """What the files say; None where that cannot be told."""
    scenario = found.tried(lambda: _scenario(plan))
    target = found.tried(lambda: _target(plan, scenario))
    if scenario is None or target is None:
        return None
    rated = found.tried(lambda: _rated(plan, scenario)) or scenario
    found.tried(lambda: check_scenario(rated, plan.scenario, target))
    return _Fleet(rated, target, _wanted(plan, target))


def _scenario(plan: PublishPlan) -> Scenario:
    """The scenario file, with the plan's devices if a fleet can have so many."""
    scenario = load_scenario(plan.scenario)
    if plan.devices is not None and is_fleet(plan.devices):
        return with_devices(scenario, plan.devices)
    return scenario


def _rated(plan: PublishPlan, scenario: Scenario) -> Scenario:
    """The scenario with the plan's rates, as far as they are any."""
    rates = {fault: rate for fault, rate in plan.faults.items() if is_share(rate)}
    return with_rates(scenario, rates, alone=plan.no_faults)


def _target(plan: PublishPlan, scenario: Scenario | None) -> Target | None:
    """The job, as far as anything names its file; each mistake in that begins with the file's path."""
    if plan.job_file is not None:
        path, place = plan.job_file, "--job-file"
    elif scenario is not None:
        path, place = scenario.job_path, f"{plan.scenario}: job"
    else:
        return None
    job = load_job(path, place)
    try:
        return target_of(job)
    except Mistakes as error:
        raise Mistakes(f"{path}: {line}" for line in error.lines) from error


def _wanted(plan: PublishPlan, target: Target) -> Wanted:
    message = target.message
    definition = read_file(message.schema_path, "message.schema").decode("utf-8", errors="replace")
    return Wanted(plan.encoding or message.format, message.format, definition, plan.create_topic, plan.create_schema)


def _place(found: Findings, topic: str) -> Place | None:
    """The topic; that it cannot be looked up is one mistake more, if there are some."""
    try:
        return found.tried(lambda: find(topic))
    except PermanentError as error:
        if not found.lines:
            raise
        raise Mistakes([*found.lines, str(error)]) from error


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
        job_file=plan.job_file or fleet.scenario.job_path,
        job_hash=fleet.target.job_hash,
        seed=plan.seed,
        rate=plan.rate,
        devices=fleet.scenario.fleet.devices,
        encoding=fleet.wanted.encoding,
        started_at=start,
        schema=json.loads(fleet.wanted.definition),
        quality=fleet.scenario.quality,
    )


def _start_mistakes(start: datetime, target: Target) -> Iterator[str]:
    """Why a fleet cannot live at this time; or the job could take no message of it."""
    event_time = target.message.event_time
    if start.tzinfo is None:
        yield f"--start: {start.isoformat()} has no time zone; write {start.isoformat()}Z"
    elif (event_time.field or event_time.attribute) is None:
        return
    elif (age := datetime.now(UTC) - start) > event_time.max_past:
        yield _too_far(start, f"max_past {show_duration(event_time.max_past)} before", "a later")
    elif -age > event_time.max_future:
        yield _too_far(start, f"max_future {show_duration(event_time.max_future)} after", "an earlier")


def _too_far(start: datetime, limit: str, remedy: str) -> str:
    return f"--start: {start.isoformat()} is more than the job's {limit} the publish time; write {remedy} one"
