"""What is to be published, and what is wrong with that whatever the files say."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from producers.messages import Fault
from producers.scenario_parts import DEVICES
from producers.synthesis.payloads import Encoding

RATES = (0.01, 100_000.0)
"""Lowest and highest messages a second."""

LARGEST_SEED = 2**63 - 1
"""Whole numbers in JSON are signed and of 64 bits, for most who read the truth file."""

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
        create_schema: make the topic with the job's schema if there is no topic.
        ordering: give messages their device's name as ordering key.
        truth: where the truth file is written; without it none is.
        faults: rates, in place of the scenario's.
        no_faults: nothing goes wrong but these faults.
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
        """How many messages are published; None for no end, or where the rate is none."""
        seconds = self.duration.total_seconds() if self.duration and is_rate(self.rate) else 0.0
        lasting = [max(1, round(seconds * self.rate))] if seconds else []
        return min([*([self.messages] if self.messages else []), *lasting], default=None)


def plan_mistakes(plan: PublishPlan) -> Iterator[str]:
    """What is wrong with the plan whatever the files say: a line each."""
    lowest, highest = RATES
    if not is_rate(plan.rate):
        yield f"--rate: {plan.rate:g} messages a second; write {lowest:g} to {highest:,.0f}"
    if plan.devices is not None and not is_fleet(plan.devices):
        yield f"--devices: {plan.devices}; write 1 to {DEVICES:,}"
    if plan.messages < 0:
        yield f"--messages: {plan.messages}; write how many, or 0 for no end"
    if not 0 <= plan.seed <= LARGEST_SEED:
        yield f"--seed: {plan.seed}; write 0 to {LARGEST_SEED}"
    for fault, rate in plan.faults.items():
        if not is_share(rate):
            yield f"--fault: {fault.value}={rate:g}; a rate is a share of all messages, from 0 to 1"
    if plan.truth is not None:
        yield from _truth_mistakes(plan.truth)


def is_rate(rate: float) -> bool:
    """Whether a fleet can send so many messages a second."""
    lowest, highest = RATES
    return lowest <= rate <= highest


def is_fleet(devices: int) -> bool:
    """Whether a fleet can have so many devices."""
    return 0 < devices <= DEVICES


def is_share(rate: float) -> bool:
    """Whether a fault can have this rate."""
    return 0 <= rate <= 1


def _truth_mistakes(path: Path) -> Iterator[str]:
    directory = path.absolute().parent
    try:
        exists = path.exists()
    except OSError as error:  # a directory that may not be searched, a name that is too long
        yield f"--truth: {path} cannot be written: {error.strerror}; name another"
        return
    if exists:
        yield f"--truth: {path} exists; name another file, or remove it"
    elif not directory.is_dir():
        yield f"--truth: no directory {path.parent}; make it, or name another"
    elif not os.access(directory, os.W_OK | os.X_OK):
        yield f"--truth: nothing can be written to the directory {path.parent}; name another"
