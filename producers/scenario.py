"""The scenario file: which devices there are, what they measure, and what goes wrong on the way; typed and frozen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field, ValidationError, field_validator, model_validator

from producers.messages import Fault
from streaming.durations import Duration, parse_duration
from streaming.errors import Mistakes
from streaming.files import read_file
from streaming.job_mistakes import mistake_lines
from streaming.job_parts import ModelName, Part
from streaming.yaml_documents import beside, parse_document

Share = Annotated[float, Field(ge=0, le=1)]
Weights = Annotated[dict[str, Annotated[float, Field(gt=0)]], Field(min_length=1)]
FieldName = Annotated[str, Field(min_length=1)]
_T = TypeVar("_T")
_Pair = Annotated[tuple[_T, _T], Field(strict=False)]  # YAML has lists
_Many = Annotated[tuple[_T, ...], Field(strict=False)]

DEVICES = 100_000
"""Most devices of a fleet."""


class Silence(Part):
    """Devices go silent from time to time, keep what they measure, and send it in a burst when they come back."""

    every: Duration = Field(description="from the start of a silence to that of the device's next")
    lasts: Duration = Field(description="how long one lasts")
    burst: Duration = Field(parse_duration("1s"), description="how long the device then takes to catch up")

    @model_validator(mode="after")
    def _fits(self) -> Silence:
        if self.lasts + self.burst > self.every:
            raise ValueError("a silence and its burst are longer than every; make every longer")
        return self


class Life(Part):
    """Devices wear until they fail, are repaired, and wear again. Times are those of the fleet's life."""

    mean: Duration = Field(description="how long a device works from one repair to its next failure")
    spread: Share = Field(0.3, description="standard deviation of that, as a share of the mean")
    downtime: Duration = Field(parse_duration("8h"), description="how long a repair takes; the device is silent")
    onset: Annotated[float, Field(ge=0, lt=1)] = Field(0.5, description="share of a life before wear begins to show")
    exponent: Annotated[float, Field(gt=0)] = Field(2.0, description="wear is the rest of the life to this power")
    modes: Weights = Field(description="how devices fail, and how often in relation")


class Devices(Part):
    """Who publishes."""

    devices: Annotated[int, Field(ge=1, le=DEVICES)] = Field(10, description="how many there are")
    names: str = Field("device-{:04}", description="a device's name, which is the key of its messages")
    speed: Annotated[float, Field(gt=0)] = Field(1.0, description="seconds of the fleet's life in one second of a run")
    joining: Duration | None = Field(None, description="devices join one by one over so long; without it none does")
    silence: Silence | None = None
    clock_spread: Duration | None = Field(None, description="standard deviation of what the devices' clocks are off by")
    life: Life | None = Field(None, description="how devices wear and fail; without it they do not")

    @field_validator("names")
    @classmethod
    def _names_differ(cls, names: str) -> str:
        try:
            if names.format(0) == names.format(1):
                raise ValueError("every device has the same name; write {} where its number goes")
        except (IndexError, KeyError) as error:
            raise ValueError(f"{names!r} cannot be filled in; write {{}} where the number goes") from error
        return names


class Signal(Part):
    """What a field of the message holds: one of `base`, `uniform`, `choice` and `age`, and what changes it."""

    base: float | None = Field(None, description="a healthy device's mean")
    uniform: _Pair[float] | None = Field(None, description="anything between two numbers")
    choice: Weights | None = Field(None, description="a text for each device, once for all, by weight")
    age: Literal["s", "m", "h", "d"] | None = Field(None, description="time since the last repair, in this unit")
    spread: Annotated[float, Field(ge=0)] = Field(0.0, description="standard deviation between devices")
    noise: Annotated[float, Field(ge=0)] = Field(0.0, description="standard deviation between a device's readings")
    daily: float = Field(0.0, description="amplitude over a day of the fleet's life; highest at 15:00")
    drift: float = Field(0.0, description="added in each day of the fleet's life since the device's repair")
    wear: dict[str, float] = Field({}, description="what a worn-out device adds, by the mode in which it fails")
    at_least: float | None = Field(None, description="lower readings are raised to this")
    digits: Annotated[int, Field(ge=0, le=15)] | None = Field(None, description="readings are rounded to so many")
    missing: Share = Field(0.0, description="share of readings that are null")
    first: _Many[float] = Field((), description="the first readings of the run, instead")

    @model_validator(mode="after")
    def _one_kind(self) -> Signal:
        kinds = [name for name in ("base", "uniform", "choice", "age") if getattr(self, name) is not None]
        if len(kinds) != 1:
            raise ValueError(f"write one of base, uniform, choice and age, not {' and '.join(kinds) or 'none'}")
        return self


class Rated(Part):
    """A fault that needs nothing but its rate."""

    rate: Share = Field(description="share of all messages")


class Shifted(Rated):
    """A fault that shifts the event time by something between two durations."""

    by: _Pair[Duration]

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
    rejected_by: _Many[ModelName] = Field(min_length=1, description="the models that must reject such a message")


class Faults(Part):
    """What goes wrong; a message has at most one fault."""

    late: Shifted | None = Field(None, description="sent long after it was measured")
    out_of_order: Shifted | None = Field(None, description="sent after later readings of the same device")
    clock_skew: Shifted | None = Field(None, description="the device's clock is fast or slow")
    duplicated: Rated | None = Field(None, description="the message before it, once more")
    truncated: Rated | None = Field(None, description="the end of the payload is missing")
    wrong_schema: Rated | None = Field(None, description="a record of quite another schema")
    schema_change: SchemaChange | None = None
    missing_key: Rated | None = None
    out_of_range_event_time: Rated | None = Field(None, description="years before or after its sending")
    poison: Poison | None = None

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

    model: ModelName
    column: str = Field(min_length=1, description="of the predictions table")
    state: Literal["hours_to_failure", "wear"]
    below: float | None = Field(None, description="the prediction is the risk that the state is below this")
    at_most: float | None = Field(None, description="the state is cut at this, as the model has learnt it")

    @model_validator(mode="after")
    def _not_both(self) -> QualityCheck:
        if self.below is not None and self.at_most is not None:
            raise ValueError("write below for a risk or at_most for a quantity, not both")
        return self


class Scenario(Part):
    """A fleet, what it measures, and what goes wrong."""

    job_path: str = Field(alias="job", min_length=1, description="the job file whose messages are sent, relative")
    fleet: Devices = Devices()
    signals: dict[FieldName, Signal] = Field(min_length=1, description="field of the message schema: what it holds")
    faults: Faults = Faults()
    quality: _Many[QualityCheck] = ()

    @model_validator(mode="after")
    def _known_modes(self) -> Scenario:
        modes = self.fleet.life.modes if self.fleet.life else {}
        for name, signal in self.signals.items():
            for mode in signal.wear:
                if mode not in modes:
                    known = f"has the modes {', '.join(modes)}" if modes else "has no life"
                    raise ValueError(f"signals.{name}.wear: no mode {mode}; the fleet {known}")
        if self.quality and not modes:
            raise ValueError("quality: the fleet has no life, so there is no real state to compare with")
        return self


def load_scenario(path: str) -> Scenario:
    """The scenario file at `path` (local or gs://), with its own relative paths resolved against it.

    Raises:
        Mistakes: it cannot be read, is not YAML, or says what makes no sense; every mistake is named.
    """
    text = read_file(path, "--scenario").decode("utf-8", errors="replace")
    document = parse_document(text, path, "a scenario file is a mapping with job, fleet, signals and faults")
    try:
        scenario = Scenario.model_validate(document)
    except ValidationError as error:
        lines = mistake_lines(error, document, Scenario.model_json_schema())
        raise Mistakes(f"{path}: {line}" for line in lines) from error
    return _resolved(scenario, path)


def with_devices(scenario: Scenario, devices: int) -> Scenario:
    """The scenario with another number of devices."""
    return _changed(scenario, fleet=scenario.fleet.model_copy(update={"devices": devices}))


def with_rates(scenario: Scenario, rates: Mapping[Fault, float]) -> Scenario:
    """The scenario with other rates of its faults.

    Raises:
        Mistakes: a fault needs more than its rate, and the scenario does not have it; or the rates make no sense.
    """
    faults: dict[str, Any] = {}
    for fault, rate in rates.items():
        part = getattr(scenario.faults, fault.value)
        if part is not None:
            faults[fault.value] = part.model_copy(update={"rate": rate})
        elif fault in _NEED_MORE:
            raise Mistakes([f"--fault {fault.value}: needs more than a rate; describe it in the scenario file"])
        else:
            faults[fault.value] = Rated(rate=rate)
    changed = scenario.faults.model_copy(update=faults)
    if (total := sum(changed.rates().values())) > 1:
        raise Mistakes([f"--fault: the rates add up to {total:g}; make it 1 or less"])
    return _changed(scenario, faults=changed)


def without_faults(scenario: Scenario) -> Scenario:
    """The scenario in which nothing goes wrong."""
    return _changed(scenario, faults=Faults())


_NEED_MORE = frozenset({Fault.LATE, Fault.OUT_OF_ORDER, Fault.CLOCK_SKEW, Fault.SCHEMA_CHANGE, Fault.POISON})


def _changed(scenario: Scenario, **parts: Part) -> Scenario:
    return scenario.model_copy(update=parts)


def _resolved(scenario: Scenario, path: str) -> Scenario:
    faults = scenario.faults
    if faults.schema_change is not None:
        newer = beside(path, faults.schema_change.schema_path)
        change = faults.schema_change.model_copy(update={"schema_path": newer})
        faults = faults.model_copy(update={"schema_change": change})
    return _changed(scenario, faults=faults).model_copy(update={"job_path": beside(path, scenario.job_path)})
