"""Whether a scenario fits its job: every field, type, model and event time that does not is named."""

import json
from pathlib import Path
from typing import Any

import pytest

from producers.scenario import Scenario
from producers.scenario_fit import check_scenario
from producers.target import Target
from streaming.errors import Mistakes
from streaming.job import Message
from streaming.job_models import ModelOutput
from streaming.schema import parse_schema

MICROS = {"type": "long", "logicalType": "timestamp-micros"}
FIELDS: dict[str, Any] = {
    "device": "string",
    "time": MICROS,
    "value": "double",
    "count": ["null", "int"],
    "kind": {"type": "enum", "name": "Kind", "symbols": ["A", "B"]},
    "note": ["null", "string"],
    "tags": {"type": "array", "items": "string"},
    "place": {"type": "map", "values": "string"},
}
SIGNALS: dict[str, Any] = {"value": {"base": 1}, "kind": {"choice": {"A": 1}}}
MODELS = {
    "risk": (ModelOutput(column="probability"),),
    "label": (ModelOutput(column="text", type="STRING"), ModelOutput(column="scores", type="FLOAT64", repeated=True)),
    "whole": None,
}
LATE = {"rate": 0.1, "by": ["1m", "2m"]}


def target(fields: dict[str, Any] | None = None, **message: Any) -> Target:
    whole = {"type": "record", "name": "R", "fields": [{"name": n, "type": t} for n, t in (fields or FIELDS).items()]}
    usual = {"format": "avro", "schema": "s.avsc", "key": "device", "event_time": "time"}
    schema = parse_schema(json.dumps(whole), "s.avsc")
    return Target(Message.model_validate(usual | message), schema, frozenset(), MODELS)


def mistakes(job: Target | None = None, **parts: Any) -> list[str]:
    scenario = Scenario.model_validate({"job": "job.yaml", "signals": SIGNALS} | parts)
    try:
        check_scenario(scenario, "s.yaml", job or target())
    except Mistakes as error:
        return [line.removeprefix("s.yaml: ") for line in error.lines]
    return []


def test_mistakes_name_the_file() -> None:
    with pytest.raises(Mistakes, match=r"^a/b\.yaml: signals: nothing fills the required field kind, "):
        check_scenario(Scenario.model_validate({"job": "j", "signals": {"value": {"base": 1}}}), "a/b.yaml", target())


def test_a_scenario_that_fits_has_no_mistakes() -> None:
    poison = {"rate": 0.1, "set": {"value": float("inf"), "kind": "B", "note": "x"}, "rejected_by": ["risk"]}
    quality = [{"model": "risk", "column": "probability", "state": "wear"}]
    faults = {"late": LATE, "poison": poison, "missing_key": {"rate": 0.1}, "out_of_range_event_time": {"rate": 0.1}}
    assert mistakes(faults=faults, quality=quality) == []


@pytest.mark.parametrize(
    ("signals", "line"),
    [
        ({"valeu": {"base": 1}}, "signals.valeu: the schema has no such field; did you mean value?"),
        (
            {"xyz": {"base": 1}},
            "signals.xyz: the schema has no such field; it has device, time, value, count, kind, note, tags",
        ),
        ({"place": {"base": 1}}, "signals.place: the field cannot be used: it is a map"),
        ({"device": {"choice": {"a": 1}}}, "signals.device: the fleet itself fills the key; remove the signal"),
        ({"time": {"base": 1}}, "signals.time: the fleet itself fills the event time; remove the signal"),
        (
            {"tags": {"choice": {"a": 1}}},
            "signals.tags: the field is list<item: string>, which no signal fills; remove the signal",
        ),
        (
            {"count": {"choice": {"a": 1}}},
            "signals.count: the field is int32; write base, uniform or age, not choice",
        ),
        ({"note": {"base": 1}}, "signals.note: the field is a text; write choice"),
        ({"kind": {"choice": {"A": 1, "C": 1}}}, "signals.kind: the enum has no C; it has A, B"),
        ({"value": {"base": 1, "missing": 0.1}}, "signals.value.missing: the schema allows no null; remove it"),
    ],
)
def test_signals_must_fit_their_fields(signals: dict[str, Any], line: str) -> None:
    assert mistakes(signals=SIGNALS | signals) == [line]


def test_every_required_field_is_filled() -> None:
    assert mistakes(signals={"count": {"base": 1, "missing": 0.5}}) == [
        "signals: nothing fills the required field value, which is double; add a signal",
        "signals: nothing fills the required field kind, which is string; add a signal",
    ]


@pytest.mark.parametrize(
    ("key", "names", "line"),
    [
        ("long", "{}", None),
        ("long", "{:03}", "the key field device is int64, which 000 is not; change the names"),
        ("boolean", "{}", "the key field device is bool, which 0 is not; change the names"),
        (FIELDS["kind"], "A{}", "the key field device is an enum, which A0 is not; change the names"),
    ],
)
def test_names_must_fit_the_key(key: Any, names: str, line: str | None) -> None:
    job = target({"device": key, "time": MICROS, "value": "double"})
    found = mistakes(job, signals={"value": {"base": 1}}, fleet={"names": names})
    assert found == ([] if line is None else [f"fleet.names: {line}"])


def test_a_key_that_is_a_required_number_is_never_missing() -> None:
    job = target({"device": "long", "time": MICROS, "value": "double"})
    faults = {"missing_key": {"rate": 0.1}}
    lines = mistakes(job, signals={"value": {"base": 1}}, fleet={"names": "{}"}, faults=faults)
    assert lines == ["faults.missing_key: the key field device is int64, never missing; remove the fault"]


def test_an_id_is_a_text_or_a_whole_number() -> None:
    assert mistakes(target(id="kind"), signals={"value": {"base": 1}}) == [
        "job: the id field kind is an enum; a fleet fills a string, an int or a long"
    ]
    assert mistakes(target(id="note")) == []
    assert mistakes(target(id={"attribute": "id"}, key={"attribute": "key"})) == [
        "signals: nothing fills the required field device, which is string; add a signal"
    ]


def test_no_fault_shifts_an_event_time_that_is_the_publish_time() -> None:
    job = target({"device": "string", "value": "double"}, event_time="publish_time")
    wrong = "the job's event time is the publish time, which nobody sets; remove the fault"
    names = ("late", "out_of_order", "clock_skew")
    faults = dict.fromkeys(names, LATE) | {"out_of_range_event_time": {"rate": 0.1}}
    lines = mistakes(job, signals={"value": {"base": 1}}, faults=faults)
    assert lines == [f"faults.{name}: {wrong}" for name in (*names, "out_of_range_event_time")]


def test_what_must_be_answered_stays_within_the_range_of_event_times() -> None:
    job = target(event_time={"field": "time", "max_past": "10m", "max_future": "1m"})
    fleet = {"silence": {"every": "1h", "lasts": "9m"}}
    beyond = "with silences and clocks it reaches the job's"
    assert mistakes(job, fleet=fleet, faults={"late": LATE, "clock_skew": {"rate": 0.1, "by": ["1s", "1m"]}}) == [
        f"faults.late.by: {beyond} max_past of 10m; make it shorter",
        f"faults.clock_skew.by: {beyond} max_past of 10m; make it shorter",
        f"faults.clock_skew.by: {beyond} max_future of 1m; make it shorter",
    ]
    assert mistakes(job, fleet={"silence": {"every": "1h", "lasts": "10m"}}) == [
        f"fleet.silence.lasts: {beyond} max_past of 10m; make it shorter"
    ]
    assert mistakes(job, fleet={"clock_spread": "2m"}) == [
        f"fleet.clock_spread: {beyond} max_past of 10m; make it shorter"
    ]
    late = {"late": {"rate": 0.1, "by": ["1m", "10m"]}}
    assert mistakes(job, fleet={"clock_spread": "2m"}, faults=late) == [
        f"fleet.clock_spread: {beyond} max_past of 10m; make it shorter",
        f"faults.late.by: {beyond} max_past of 10m; make it shorter",
    ]


@pytest.mark.parametrize(
    ("poison", "line"),
    [
        ({"set": {"valeu": 1}}, "set.valeu: the schema has no such field; did you mean value?"),
        ({"set": {"device": "x"}}, "set.device: the fleet itself fills the key; poison another field"),
        ({"set": {"value": "1e38"}}, "set.value: the field is double, which '1e38' is not; write 1.0e+38"),
        ({"set": {"count": 2**40}}, "set.count: the field is int32, which 1099511627776 is not; write a value"),
        ({"set": {"kind": "C"}}, "set.kind: the field is an enum, which 'C' is not; write a value that can be sent"),
        ({"rejected_by": ["rsik"]}, "rejected_by: the job has no model rsik; did you mean risk?"),
    ],
)
def test_poison_must_be_decodable_and_its_models_known(poison: dict[str, Any], line: str) -> None:
    usual = {"rate": 0.1, "set": {"value": 1e38}, "rejected_by": ["risk"]}
    (found,) = mistakes(faults={"poison": usual | poison})
    assert found.startswith(f"faults.poison.{line}")


@pytest.mark.parametrize(
    ("check", "line"),
    [
        ({"model": "riks"}, "quality.0.model: the job has no model riks; did you mean risk?"),
        (
            {"column": "hours"},
            "quality.0.column: the model risk fills no column 'hours'; it has probability",
        ),
        ({"model": "label", "column": "text"}, "quality.0.column: text is STRING; name a column of numbers"),
        ({"model": "label", "column": "scores"}, "quality.0.column: scores is REPEATED; name a column of numbers"),
    ],
)
def test_quality_is_of_a_column_of_numbers(check: dict[str, str], line: str) -> None:
    usual = {"model": "risk", "column": "probability", "state": "wear"}
    assert mistakes(quality=[usual | check]) == [line]


def test_quality_may_be_of_any_column_where_only_the_model_knows_them() -> None:
    assert mistakes(quality=[{"model": "whole", "column": "probability", "state": "wear"}]) == []


def test_a_newer_schema_must_be_readable(tmp_path: Path) -> None:
    path = tmp_path / "new.avsc"
    faults = {"schema_change": {"rate": 0.1, "schema": str(path)}}
    assert mistakes(faults=faults) == [f"faults.schema_change.schema: no file {path}"]
    path.write_text("[]")
    assert mistakes(faults=faults) == [
        f'{path}: a message schema is an Avro record; write {{"type": "record", "name": ...}}'
    ]
    path.write_text(json.dumps({"type": "record", "name": "R", "fields": [{"name": "a", "type": "int"}]}))
    assert mistakes(faults=faults) == []
