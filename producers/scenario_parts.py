"""The parts of a scenario that say which devices there are and what they measure."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BeforeValidator, Field, field_validator, model_validator

from streaming.durations import Duration, parse_duration
from streaming.job_parts import Part

DEVICES = 100_000
"""Most devices of a fleet."""


def _two(value: Any) -> Any:
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise ValueError(f"write two of them, as in [from, to], not {value!r}")
    return tuple(value)


_T = TypeVar("_T")
Share = Annotated[float, Field(ge=0, le=1)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Pair = Annotated[tuple[_T, _T], BeforeValidator(_two)]
Many = Annotated[tuple[_T, ...], Field(strict=False)]  # YAML has lists
_NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
_Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
_Weights = Annotated[dict[str, _Positive], Field(min_length=1)]
_NAMES = r"[^{}]*\{(:0?[1-9][0-9]?)?\}[^{}]*"


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
    exponent: _Positive = Field(2.0, description="wear is the rest of the life to this power")
    modes: _Weights = Field(description="how devices fail, and how often in relation")


class Devices(Part):
    """Who publishes."""

    devices: Annotated[int, Field(ge=1, le=DEVICES)] = Field(10, description="how many there are")
    names: str = Field("device-{:04}", description="a device's name, which is the key of its messages")
    speed: _Positive = Field(1.0, description="seconds of the fleet's life in one second of a run")
    joining: Duration | None = Field(None, description="devices join one by one over so long; without it none does")
    silence: Silence | None = Field(None, description="how devices go silent and come back; without it they do not")
    clock_spread: Duration | None = Field(None, description="standard deviation of what the devices' clocks are off by")
    life: Life | None = Field(None, description="how devices wear and fail; without it they do not")

    @field_validator("names")
    @classmethod
    def _has_a_number(cls, names: str) -> str:
        if not re.fullmatch(_NAMES, names):
            raise ValueError(f"write {{}} or {{:04}} once, where the device's number goes, not {names!r}")
        return names


class Signal(Part):
    """What a field of the message holds: one of `base`, `uniform`, `choice` and `age`, and what changes it."""

    base: Number | None = Field(None, description="a healthy device's mean")
    uniform: Pair[Number] | None = Field(None, description="anything between two numbers")
    choice: _Weights | None = Field(None, description="a text for each device, once for all, by weight")
    age: Literal["s", "m", "h", "d"] | None = Field(None, description="time since the last repair, in this unit")
    spread: _NotNegative = Field(0.0, description="standard deviation between devices")
    noise: _NotNegative = Field(0.0, description="standard deviation between a device's readings")
    daily: Number = Field(
        0.0, description="amplitude over a day of the fleet's life, which begins at 0:00; highest at 15:00"
    )
    drift: Number = Field(0.0, description="added in each day of the fleet's life since the repair, or else the start")
    wear: dict[str, Number] = Field({}, description="what a worn-out device adds, by the mode in which it fails")
    at_least: Number | None = Field(None, description="lower readings are raised to this")
    digits: Annotated[int, Field(ge=0, le=15)] | None = Field(None, description="readings are rounded to so many")
    missing: Share = Field(0.0, description="share of readings that are null")
    first: Many[Number] = Field((), description="the first readings of the run, instead")

    @model_validator(mode="after")
    def _fits(self) -> Signal:
        kinds = [name for name in _KINDS if getattr(self, name) is not None]
        if len(kinds) != 1:
            written = f", not {' and '.join(kinds)}" if kinds else ""
            raise ValueError(f"write one of {', '.join(_KINDS[:-1])} and {_KINDS[-1]}{written}")
        if self.choice is not None and (others := sorted(self.model_fields_set - {"choice", "missing"})):
            raise ValueError(f"a choice is a text, which nothing changes; remove {' and '.join(others)}")
        if self.uniform is not None and self.uniform[0] > self.uniform[1]:
            raise ValueError("uniform: the smaller number comes first")
        return self


_KINDS = ("base", "uniform", "choice", "age")
