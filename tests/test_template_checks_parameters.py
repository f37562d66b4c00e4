"""Each parameter of a template is the program's, by name and in every field, or it is told how it differs."""

from __future__ import annotations

from typing import Any

import pytest

from streaming.dataflow.checks.findings import Finding
from streaming.dataflow.checks.parameters import check_parameters, regex_fault

PLACE = "t.json:metadata.parameters"
SIZE: dict[str, Any] = {
    "name": "size",
    "label": "Size",
    "helpText": "How many.",
    "isOptional": True,
    "regexes": ["[0-9]+"],
    "defaultValue": "10",
}
TOPIC: dict[str, Any] = {"name": "topic", "label": "Topic", "helpText": "Where to.", "regexes": ["projects/.+"]}
LONG = "[0-9]{1,2000}"


def findings(*found: dict[str, Any]) -> list[Finding]:
    return list(check_parameters(found, [SIZE, TOPIC], "t.json", "make it anew"))


def finding(name: str, place: str, wrong: str) -> Finding:
    return Finding(name, f"{PLACE}{place}", wrong, "make it anew")


def without(field: str) -> dict[str, Any]:
    return {name: value for name, value in SIZE.items() if name != field}


def test_the_program_s_parameters_are_right() -> None:
    assert findings(SIZE, TOPIC) == []


@pytest.mark.parametrize(
    ("found", "wrong"),
    [
        ([SIZE], finding("parameter-missing", ".topic", "is not there")),
        ([SIZE, TOPIC, TOPIC], finding("parameter-duplicated", ".topic", "is there 2 times")),
        (
            [SIZE, TOPIC, {**TOPIC, "name": "topik"}],
            finding("parameter-unknown", ".topik", "is no parameter of the program"),
        ),
        ([TOPIC, SIZE], finding("parameter-order", "", "are not in the program's order")),
    ],
)
def test_the_names_are_the_program_s(found: list[dict[str, Any]], wrong: Finding) -> None:
    assert findings(*found) == [wrong]


@pytest.mark.parametrize(
    ("size", "name", "field", "wrong"),
    [
        ({**SIZE, "label": "Sise"}, "parameter-label", "label", "is 'Sise', the program's is 'Size'"),
        (without("helpText"), "parameter-help", "helpText", "is unset, the program's is 'How many.'"),
        ({**SIZE, "groupName": "Batches"}, "parameter-group", "groupName", "is 'Batches', the program's is unset"),
        ({**SIZE, "paramType": "TEXT"}, "parameter-type", "paramType", "is 'TEXT', the program's is unset"),
        ({**SIZE, "isOptional": False}, "parameter-optional", "isOptional", "is False, the program's is True"),
        ({**SIZE, "hidden": True}, "parameter-differs", "hidden", "is True, the program's is unset"),
        (without("regexes"), "regex-missing", "regexes", "is unset, the program's is '[0-9]+'"),
        (
            {**SIZE, "regexes": ["[0-9]+", ".+"]},
            "regex-differs",
            "regexes",
            "is ['[0-9]+', '.+'], the program's is '[0-9]+'",
        ),
        (
            {**SIZE, "regexes": [LONG]},
            "regex-invalid",
            "regexes",
            f"{LONG!r} repeats 2000 times, RE2 at most 1000",
        ),
        (without("defaultValue"), "default-missing", "defaultValue", "is unset, the program's is '10'"),
        ({**SIZE, "defaultValue": "20"}, "default-differs", "defaultValue", "is '20', the program's is '10'"),
        (
            {**SIZE, "defaultValue": "many"},
            "default-refused",
            "defaultValue",
            "'many' is refused by the parameter's own regexes",
        ),
    ],
)
def test_each_field_is_the_program_s(size: dict[str, Any], name: str, field: str, wrong: str) -> None:
    assert findings(size, TOPIC) == [finding(name, f".size.{field}", wrong)]


@pytest.mark.parametrize(
    ("regex", "fault"),
    [
        ("^$|^(?:[1-9][0-9]{0,3}|10000)$", ""),
        ("[0-9]{1000}", ""),
        ("[0-9]{1,1001}", "repeats 1001 times, RE2 at most 1000"),
        ("(", "is no regular expression (missing ), unterminated subpattern at position 0)"),
        ("(?!a)b", "needs what RE2 has not: looking ahead or back, or references to groups"),
        (r"(a)\1", "needs what RE2 has not: looking ahead or back, or references to groups"),
    ],
)
def test_what_keeps_an_engine_from_using_a_regular_expression(regex: str, fault: str) -> None:
    assert regex_fault(regex) == fault
