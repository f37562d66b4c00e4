"""The scenario file: which devices there are, what they measure, and what goes wrong on the way; typed and frozen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import Field, model_validator

from producers.messages import Fault
from producers.scenario_parts import DEVICES, Devices, Many, Number, Pair, Share, Signal
from streaming.durations import Duration, parse_duration
from streaming.errors import Mistakes
from streaming.files import read_file
from streaming.job_mistakes import validated
from streaming.job_parts import ModelName, Part
from streaming.yaml_documents import beside, parse_document

FieldName = Annotated[str, Field(min_length=1)]


class Rated(Part):
    """A fault that needs nothing but its rate."""

    rate: Share = Field(description="share of all messages")


class Shifted(Rated):
    """A fault that shifts the event time by something between two durations."""

    by: Pair[Duration] = Field(description="the shortest and the longest shift of the event time, as in [1m, 1h]")

    @model_validator(mode="after")
    def _rising(self) -> Shifted:
        if self.by[0] > self.by[1]:
            raise ValueError("the shorter duration comes first")
        return self


class SchemaChange(Rated):
    """From a moment on, a share of all messages is written with a newer schema than the job's."""

    schema_path: str = Field(alias="schema", min_length=1, description="Avro schema (.avsc), relative to this file")
    after: Duration = Field(parse_duration("1ms"), description="how long after the start")


class Poison(Rated):
    """Fields that can be decoded, and make models fail."""

    set: dict[FieldName, bool | int | float | str] = Field(min_length=1, description="field: value")
    rejected_by: Many[ModelName] = Field(min_length=1, description="the models that must reject such a message")


class Faults(Part):
    """What goes wrong; a message has at most one fault."""

    late: Shifted | None = Field(None, description="sent long after it was measured")
    out_of_order: Shifted | None = Field(None, description="sent after later readings of the same device")
    clock_skew: Shifted | None = Field(None, description="the device's clock is fast or slow")
    duplicated: Rated | None = Field(None, description="the message before it, once more")
    truncated: Rated | None = Field(None, description="the end of the payload is missing")
    wrong_schema: Rated | None = Field(None, description="a record of quite another schema")
    schema_change: SchemaChange | None = Field(None, description="written with a newer schema than the job's")
    missing_key: Rated | None = Field(None, description="without the key")
    out_of_range_event_time: Rated | None = Field(None, description="years before or after its sending")
    poison: Poison | None = Field(None, description="can be decoded, and makes models fail")

    @model_validator(mode="after")
    def _at_most_all(self) -> Faults:
        if (total := sum(self.rates().values())) > 1:
            raise ValueError(f"the rates add up to {total:g}; a message has one fault at most, so make it 1 or less")
        return self

    def rates(self) -> dict[Fault, float]:
        """The share of messages that each fault has, of those that the file names."""
        return {fault: part.rate for fault in Fault if (part := getattr(self, fault.value)) is not None}


class QualityCheck(Part):
    """A model whose predictions are to be held against the fleet's real state."""

    model: ModelName = Field(description="of the job file")
    column: str = Field(min_length=1, description="that its output fills")
    state: Literal["hours_to_failure", "wear"] = Field(description="hours_to_failure, or wear from 0 to 1")
    below: Number | None = Field(None, description="the prediction is the risk that the state is below this")
    at_most: Number | None = Field(None, description="the state is cut at this, as the model has learnt it")

    @model_validator(mode="after")
    def _not_both(self) -> QualityCheck:
        if self.below is not None and self.at_most is not None:
            raise ValueError("write below for a risk or at_most for a quantity, not both")
        return self


class Scenario(Part):
    """A fleet, what it measures, and what goes wrong."""

    job_path: str = Field(alias="job", min_length=1, description="the job file that is to read the messages; relative")
    fleet: Devices = Field(Devices(), description="the devices that publish")
    signals: dict[FieldName, Signal] = Field(min_length=1, description="field of the message schema: what it holds")
    faults: Faults = Field(Faults(), description="what goes wrong, and how often")
    quality: Many[QualityCheck] = Field((), description="what the models should know of the fleet's real state")


def load_scenario(path: str) -> Scenario:
    """The scenario file at `path` (local or gs://), with its own relative paths resolved against it.

    Raises:
        Mistakes: it cannot be read, is not YAML, or says what makes no sense; every mistake is named.
    """
    text = read_file(path, "--scenario", "correct the path").decode("utf-8", errors="replace")
    document = parse_document(text, path, "a scenario file is a mapping with job, fleet, signals and faults")
    scenario = validated(Scenario, document, f"{path}: ")
    if misfits := list(_misfits(scenario)):
        raise Mistakes(f"{path}: {line}" for line in misfits)
    return _resolved(scenario, path)


def with_devices(scenario: Scenario, devices: int) -> Scenario:
    """The scenario with another number of devices.

    Raises:
        Mistakes: no fleet has so many, or so few.
    """
    if not 1 <= devices <= DEVICES:
        raise Mistakes([f"--devices: write 1 to {DEVICES}, not {devices}"])
    return _changed(scenario, fleet=scenario.fleet.model_copy(update={"devices": devices}))


def with_rates(scenario: Scenario, rates: Mapping[Fault, float], *, alone: bool = False) -> Scenario:
    """The scenario with other rates of its faults; a rate of 0 sets a fault aside.

    Args:
        scenario: describes those of the faults that need more than a rate.
        rates: of some faults.
        alone: whether all other faults are set aside.

    Raises:
        Mistakes: faults need more than their rate, and the scenario does not have it; or the rates make no sense.
    """
    if lines := [line for fault, rate in rates.items() for line in _unusable(scenario.faults, fault, rate)]:
        raise Mistakes(lines)
    rated = {fault.value: _rated(scenario.faults, fault, rate) for fault, rate in rates.items()}
    changed = (Faults() if alone else scenario.faults).model_copy(update=rated)
    if (total := sum(changed.rates().values())) > 1:
        raise Mistakes([_too_many(total, sum(rates.values()))])
    return _changed(scenario, faults=changed)


def _unusable(faults: Faults, fault: Fault, rate: float) -> Iterator[str]:
    """Why a fault cannot have this rate."""
    if not 0 <= rate <= 1:
        yield f"--fault {fault.value}: its rate is a share of all messages, from 0 to 1, not {rate:g}"
    elif rate and fault in _NEED_MORE and getattr(faults, fault.value) is None:
        yield f"--fault {fault.value}: needs more than a rate; describe it in the scenario file"


def _rated(faults: Faults, fault: Fault, rate: float) -> Rated | None:
    described: Rated | None = getattr(faults, fault.value)
    if not rate:
        return None
    return described.model_copy(update={"rate": rate}) if described is not None else Rated(rate=rate)


def _too_many(total: float, given: float) -> str:
    """What is said of rates that add up to more than 1, of which so much was given with the command."""
    if given > 1:
        return f"--fault: the rates add up to {given:g}; make it 1 or less"
    kept = f"with the scenario's other faults the rates add up to {total:g}"
    return f"--fault: {kept}; lower them, or set others aside with --fault NAME=0, or all with --no-faults"


_NEED_MORE = frozenset({Fault.LATE, Fault.OUT_OF_ORDER, Fault.CLOCK_SKEW, Fault.SCHEMA_CHANGE, Fault.POISON})


def _misfits(scenario: Scenario) -> Iterator[str]:
    """What does not fit together, though each part is right in itself: a line each."""
    life = scenario.fleet.life
    if life and life.mean.total_seconds() < scenario.fleet.speed:
        yield "fleet.speed: a life is over in less than a second of the run; lower it, or make life.mean longer"
    for name, signal in scenario.signals.items():
        if signal.age is not None and not life:
            yield f"signals.{name}.age: the fleet has no life, so nothing is repaired; add fleet.life"
        for mode in signal.wear:
            if mode not in (life.modes if life else ()):
                known = f"has the modes {', '.join(life.modes)}" if life else "has no life"
                yield f"signals.{name}.wear: no mode {mode}; the fleet {known}"
    if scenario.quality and not life:
        yield "quality: the fleet has no life, so there is no real state to compare with; add fleet.life"


def _changed(scenario: Scenario, **parts: Part) -> Scenario:
    return scenario.model_copy(update=parts)


def _resolved(scenario: Scenario, path: str) -> Scenario:
    faults = scenario.faults
    if faults.schema_change is not None:
        newer = beside(path, faults.schema_change.schema_path)
        change = faults.schema_change.model_copy(update={"schema_path": newer})
        faults = faults.model_copy(update={"schema_change": change})
    return _changed(scenario, faults=faults).model_copy(update={"job_path": beside(path, scenario.job_path)})
