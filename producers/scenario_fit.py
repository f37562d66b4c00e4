"""Whether a scenario fits the job to which it sends: its fields, their types, its models and its event times."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta

import pyarrow as pa

from producers.messages import Fault
from producers.scenario import QualityCheck, Scenario, Shifted
from producers.scenario_parts import Signal
from producers.target import Target
from streaming.durations import show_duration
from streaming.errors import Mistakes
from streaming.files import read_file
from streaming.job import EventTime
from streaming.job_models import ModelOutput, exponent_remedy
from streaming.job_parts import Reference
from streaming.schema import MessageSchema, SchemaField, parse_schema

_SHIFTS = (Fault.LATE, Fault.OUT_OF_ORDER, Fault.CLOCK_SKEW)
_TIME_FAULTS = (*_SHIFTS, Fault.OUT_OF_RANGE_EVENT_TIME)
_FURTHEST_CLOCK = 6  # standard deviations: of a hundred thousand clocks none is off by more


def check_scenario(scenario: Scenario, path: str, target: Target) -> None:
    """Whether what the scenario's fleet sends can be messages of the job.

    Args:
        scenario: as its file has it.
        path: where the file lies, for the error messages.
        target: the job to which it sends.

    Raises:
        Mistakes: it cannot; every mistake is named.
    """
    checks = (_signals, _unfilled, _identity, _event_times, _schema_change, _poison, _quality)
    if mistakes := [f"{path}: {line}" for check in checks for line in check(scenario, target)]:
        raise Mistakes(mistakes)


def _signals(scenario: Scenario, target: Target) -> Iterator[str]:
    filled = _filled_by_fleet(target)
    for name, signal in scenario.signals.items():
        field = target.schema.field(name)
        if field is None:
            yield f"signals.{name}: {_no_field(name, target.schema)}"
        elif name in filled:
            yield f"signals.{name}: the fleet itself fills {filled[name]}; remove the signal"
        elif wrong := _misfit(signal, field):
            yield f"signals.{name}: {wrong}"
        elif signal.missing and not field.nullable:
            yield f"signals.{name}.missing: the schema allows no null; remove it"


def _misfit(signal: Signal, field: SchemaField) -> str | None:
    """Why the field cannot hold the signal."""
    if pa.types.is_list(field.type) or pa.types.is_binary(field.type):
        return f"the field is {field.type}, which no signal fills; remove the signal"
    if not pa.types.is_string(field.type):
        return f"the field is {field.type}; write base, uniform or age, not choice" if signal.choice else None
    if signal.choice is None:
        return "the field is a text; write choice"
    unknown = [text for text in signal.choice if field.avro.kind == "enum" and text not in field.avro.symbols]
    if unknown:
        return f"the enum has no {' and no '.join(unknown)}; it has {', '.join(field.avro.symbols)}"
    return None


def _unfilled(scenario: Scenario, target: Target) -> Iterator[str]:
    """The required fields that nothing fills; lists and bytes are sent empty."""
    filled = {*scenario.signals, *_filled_by_fleet(target)}
    for field in target.schema.fields:
        fillable = not (pa.types.is_list(field.type) or pa.types.is_binary(field.type))
        if fillable and not field.nullable and not field.has_default and field.name not in filled:
            yield f"signals: nothing fills the required field {field.name}, which is {field.type}; add a signal"


def _identity(scenario: Scenario, target: Target) -> Iterator[str]:
    """What is wrong with the fields that take the device's name and the message's id."""
    key, id_ = (_field(target, each) for each in (target.message.key, target.message.id))
    if key is not None:
        names = [scenario.fleet.names.format(device) for device in range(scenario.fleet.devices)]
        if misfit := next((name for name in names if not _is_key(name, key)), None):
            yield f"fleet.names: the key field {key.name} is {_kind(key)}, which {misfit} is not; change the names"
        if scenario.faults.missing_key and not key.nullable and _kind(key) != "string":
            yield f"faults.missing_key: the key field {key.name} is {_kind(key)}, never missing; remove the fault"
    if id_ is not None and not (_kind(id_) == "string" or pa.types.is_integer(id_.type)):
        yield f"job: the id field {id_.name} is {_kind(id_)}; a fleet fills a string, an int or a long"


def _is_key(name: str, field: SchemaField) -> bool:
    """Whether a job reads the name again in this field."""
    if field.avro.kind == "enum":
        return name in field.avro.symbols
    try:
        return bool(pa.scalar(name).cast(field.type).cast(pa.string()).as_py() == name)
    except pa.ArrowInvalid:
        return False


def _event_times(scenario: Scenario, target: Target) -> Iterator[str]:
    rule = target.message.event_time
    if rule.field is not None or rule.attribute is not None:
        yield from _too_far(scenario, rule)
        return
    for fault in (each for each in _TIME_FAULTS if each in scenario.faults.rates()):
        yield f"faults.{fault.value}: the job's event time is the publish time, which nobody sets; remove the fault"


def _too_far(scenario: Scenario, rule: EventTime) -> Iterator[str]:
    """What brings event times so far from the publish time that the job refuses them."""
    fleet, faults = scenario.fleet, scenario.faults
    kept = fleet.silence.lasts if fleet.silence else timedelta()
    clock = _FURTHEST_CLOCK * fleet.clock_spread if fleet.clock_spread else timedelta()
    if kept + clock >= rule.max_past:
        place = "fleet.silence.lasts" if kept >= clock else "fleet.clock_spread"
        yield f"{place}: {_beyond('max_past', rule.max_past)}"
        kept = clock = timedelta()  # of the faults, those that are too far by themselves
    for fault in _SHIFTS:
        shifted: Shifted | None = getattr(faults, fault.value)
        if shifted is not None and shifted.by[1] + kept + clock >= rule.max_past:
            yield f"faults.{fault.value}.by: {_beyond('max_past', rule.max_past)}"
    if faults.clock_skew and faults.clock_skew.by[1] + clock >= rule.max_future:
        yield f"faults.clock_skew.by: {_beyond('max_future', rule.max_future)}"


def _beyond(name: str, limit: timedelta) -> str:
    return f"with silences and clocks it reaches the job's {name} of {show_duration(limit)}; make it shorter"


def _schema_change(scenario: Scenario, _: Target) -> Iterator[str]:
    change = scenario.faults.schema_change
    if change is not None:
        try:
            content = read_file(change.schema_path, "faults.schema_change.schema")
            parse_schema(content.decode("utf-8", errors="replace"), change.schema_path)
        except Mistakes as error:
            yield from error.lines


def _poison(scenario: Scenario, target: Target) -> Iterator[str]:
    poison = scenario.faults.poison
    if poison is None:
        return
    filled = _filled_by_fleet(target)
    for name, value in poison.set.items():
        field = target.schema.field(name)
        if field is None:
            yield f"faults.poison.set.{name}: {_no_field(name, target.schema)}"
        elif name in filled:
            yield f"faults.poison.set.{name}: the fleet itself fills {filled[name]}; poison another field"
        elif not _holds(field, value):
            remedy = exponent_remedy(value) or "write a value that can be sent"
            yield f"faults.poison.set.{name}: the field is {_kind(field)}, which {value!r} is not; {remedy}"
    for model in poison.rejected_by:
        if model not in target.models:
            yield f"faults.poison.rejected_by: {_no_model(model, target)}"


def _holds(field: SchemaField, value: bool | float | str) -> bool:
    if field.avro.kind == "enum":
        return value in field.avro.symbols
    try:
        pa.scalar(value, field.type)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError):
        return False
    return True


def _quality(scenario: Scenario, target: Target) -> Iterator[str]:
    for place, check in enumerate(scenario.quality):
        if check.model not in target.models:
            yield f"quality.{place}.model: {_no_model(check.model, target)}"
        elif wrong := _no_quality(check, target.models[check.model]):
            yield f"quality.{place}.column: {wrong}"


def _no_quality(check: QualityCheck, outputs: Sequence[ModelOutput] | None) -> str | None:
    """Why the predictions have no quality, as far as the job file tells of the model's outputs."""
    if outputs is None:
        return None
    columns = {output.column: output for output in outputs}
    if check.column not in columns:
        return f"the model {check.model} fills no column {check.column!r}{_hint(check.column, columns)}"
    output = columns[check.column]
    if output.repeated or output.type in ("STRING", "BOOL"):
        return f"{check.column} is {'REPEATED' if output.repeated else output.type}; name a column of numbers"
    return None


def _filled_by_fleet(target: Target) -> dict[str, str]:
    """The fields that no signal fills, and what each holds."""
    message = target.message
    places = ((message.event_time, "the event time"), (message.id, "the id"), (message.key, "the key"))
    return {place.field: what for place, what in places if place is not None and place.field is not None}


def _field(target: Target, reference: Reference | None) -> SchemaField | None:
    name = reference.field if reference is not None else None
    return target.schema.field(name) if name is not None else None


def _kind(field: SchemaField) -> str:
    """The field's type, in words."""
    return "an enum" if field.avro.kind == "enum" else str(field.type)


def _no_field(name: str, schema: MessageSchema) -> str:
    if name in schema.unusable:
        return f"the field cannot be used: it is {schema.unusable[name]}"
    return f"the schema has no such field{_hint(name, (field.name for field in schema.fields))}"


def _no_model(name: str, target: Target) -> str:
    return f"the job has no model {name}{_hint(name, target.models)}"


def _hint(name: str, known: Iterable[str]) -> str:
    known = list(known)
    near = difflib.get_close_matches(name, known, 1)
    return f"; did you mean {near[0]}?" if near else f"; it has {', '.join(known)}"
